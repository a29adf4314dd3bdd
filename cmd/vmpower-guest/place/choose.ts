// Which place a command uses, and why: librte_power's set_env at run time.

import { readdirSync } from "node:fs";
import { connectAgent } from "../../../internal/guest/agent/local-client.ts";
import { listPorts } from "../../../internal/guest/port.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import type { PlaceWords } from "../channel.ts";
import { AgentPlace } from "./agent.ts";
import type { Place } from "./place.ts";
import { PortsPlace } from "./ports.ts";

/**
 * Returns the place for `channel`: what --env says; on auto this VM's agent or ports, where there are any or some were named,
 * else this machine's own clocks, where it has any. Errors: a sentence, when --env cpufreq can't be.
 */
export async function choosePlace(channel: PlaceWords): Promise<Result<Place, string>> {
  const { env, port, portDir, portsNamed, agent } = channel;
  const asked = env === "auto" ? "" : `--env ${env} was given; `;
  if (env !== "cpufreq") {
    if (port !== undefined) return ok(new PortsPlace(channel, `${asked}--port was given.`));
    if (portsNamed) return ok(new PortsPlace(channel, `${asked}--port-dir was given.`));
    const client = await connectAgent(agent);
    if (client !== undefined) {
      return ok(new AgentPlace(client, `${asked}an agent listens at ${JSON.stringify(agent)}.`, channel));
    }
    const count = listPorts(portDir).length;
    if (env === "kvm-vm" || count > 0) {
      return ok(new PortsPlace(channel, `${asked}${JSON.stringify(portDir)} has ${count} poweragent ports.`));
    }
    const own = hasClocks(channel.roots.sysfsRoot);
    if (!own) {
      return ok(
        new PortsPlace(
          channel,
          `There is neither a poweragent port in ${JSON.stringify(portDir)} nor a cpufreq domain.`,
        ),
      );
    }
  }
  const { openCpufreqPlace } = await import("./cpufreq.ts");
  const why =
    env === "cpufreq"
      ? "--env cpufreq was given."
      : `There is no poweragent port in ${JSON.stringify(portDir)}, but cpufreq.`;
  const place = openCpufreqPlace(channel.roots, why);
  return place.ok
    ? place
    : err(`${explainSysfs(place.error)}: --env cpufreq needs the CPUs of this machine.`);
}

/** Looks without opening anything: most machines that are asked have none. */
function hasClocks(sysfsRoot: string): boolean {
  try {
    return readdirSync(`${sysfsRoot}/devices/system/cpu/cpufreq`).some((name) => /^policy\d+$/.test(name));
  } catch {
    return false;
  }
}
