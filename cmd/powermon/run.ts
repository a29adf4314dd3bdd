// powermon run: the daemon in the foreground, as systemd and people want it.

import * as v from "valibot";
import { parseArgs, nonEmpty } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { Host } from "../../internal/host/host.ts";
import { FLOATING_RULES } from "../../internal/host/vm.ts";
import { Log, LOG_FORMATS, LOG_LEVELS } from "../../internal/log.ts";
import { procPins } from "../../internal/pinning/proc.ts";
import { parsePins, staticPins } from "../../internal/pinning/static.ts";
import { openCpufreq } from "../../internal/sysfs/cpufreq.ts";
import { explainSysfs } from "../../internal/sysfs/error.ts";
import { absolutePath, ROOT_ARGS, rootsOf } from "./roots.ts";

const Args = v.object({ dir: v.array(absolutePath), "allow-query": v.array(nonEmpty) });

/** Where channels are looked for when nothing else is said. */
const DEFAULT_DIR = "/run/powermon/channels";

export default defineCommand({
  meta: {
    name: "run",
    summary: "serve the guests' requests until SIGTERM, then put everything back",
    details:
      "Connects to every socket called VM.N in the channel folders, takes the requests of the guests behind them and sets the frequency of the pCPUs their vCPUs are pinned to. A VM speaks for itself only: who it is follows from its socket. Highest wish wins where CPUs share a clock.",
    examples: [
      "powermon run",
      "powermon run --dir /tmp/powermonitor --allow-query all",
      "powermon run --pin vm1:0=2,1=3",
    ],
  },
  args: {
    dir: {
      type: "string",
      description: `folder of channel sockets, may be given several times (default ${DEFAULT_DIR}; DPDK's is /tmp/powermonitor)`,
      valueHint: "DIR",
      repeatable: true,
    },
    pin: {
      type: "string",
      description: "static pins of a VM's vCPUs; other VMs' are read live from their QEMU process",
      valueHint: "VM:VCPU=PCPU,...",
      repeatable: true,
    },
    floating: {
      type: "enum",
      options: FLOATING_RULES,
      default: "refuse",
      description: "a vCPU that may run on several pCPUs: refuse its requests, or claim all of its pCPUs",
    },
    "allow-query": {
      type: "string",
      description: "VM that may query frequencies and capabilities, or all (default none)",
      valueHint: "VM|all",
      repeatable: true,
    },
    wire: {
      type: "enum",
      options: ["auto", "2014", "17.11", "18.11"],
      default: "auto",
      description: "the guests' DPDK generation; auto tells it from the first packet",
    },
    ...ROOT_ARGS,
    "log-level": {
      type: "enum",
      options: LOG_LEVELS,
      default: "info",
      description: "least important lines written",
    },
    "log-format": {
      type: "enum",
      options: LOG_FORMATS,
      default: "text",
      description: "how lines are written",
    },
  },
  async run({ args }): Promise<Status> {
    const parsed = parseArgs(Args, args);
    const roots = rootsOf(args);
    const pins = parsePins(args.pin);
    if (!pins.ok) throw new UsageError(`--pin: ${pins.error}.`);
    const log = new Log(args["log-level"], args["log-format"]);
    process.chdir("/");
    const dirs = parsed.dir.length > 0 ? parsed.dir : [DEFAULT_DIR];
    const cpufreq = openCpufreq(roots);
    if (!cpufreq.ok) {
      log.error(explainSysfs(cpufreq.error));
      return STATUS.failed;
    }
    if (cpufreq.value.domains.length === 0) {
      log.warn("This machine has no cpufreq domains: every scale request will be refused");
    }
    const host = new Host({
      cpufreq: cpufreq.value,
      dirs,
      sources: [staticPins(pins.value), procPins(roots.procRoot)],
      floating: args.floating,
      allowQuery: new Set(parsed["allow-query"]),
      procRoot: roots.procRoot,
      wire: args.wire,
      log,
    });
    const ended = untilEnd();
    host.start();
    log.info("Serving", { domains: cpufreq.value.domains.length, dirs: dirs.join(",") });
    const end = await ended;
    if (end.bug !== undefined) log.error(`Stopping after a bug: ${end.bug}`);
    else log.info("Stopping", { signal: end.signal });
    const failed = host.stop();
    for (const error of failed) log.error(explainSysfs(error));
    return end.bug !== undefined || failed.length > 0 ? STATUS.failed : STATUS.done;
  },
});

/** Resolves at the first SIGTERM, SIGINT or exception that nobody caught. */
function untilEnd(): Promise<{ readonly signal?: string; readonly bug?: string }> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve({ signal }));
    const bug = (cause: unknown) =>
      resolve({ bug: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
    process.once("uncaughtException", bug);
    process.once("unhandledRejection", bug);
  });
}
