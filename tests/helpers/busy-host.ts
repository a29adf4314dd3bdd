// A powermon that serves a fixture machine with busy guests, for tests of what people look at.

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Step } from "../../internal/values/frequency.ts";
import { frame } from "./lab.ts";
import { Meters } from "./meters.ts";
import { QemuSocket } from "./qemu.ts";
import { makeTree } from "./tree.ts";
import { until } from "./until.ts";

const MAIN = join(import.meta.dir, "../../cmd/powermon.ts");
/** A machine with turbo; it has these CPUs before it is widened. */
const MACHINE = { name: "acpi-cpufreq-2cpu-turbo", cpus: 2 };

/** Makes a machine of `cpus` CPUs, each with a clock of its own. */
function wideTree(cpus: number) {
  const tree = makeTree(MACHINE.name);
  const root = `${tree.sys}/devices/system/cpu`;
  for (let cpu = MACHINE.cpus; cpu < cpus; cpu++) {
    cpSync(`${root}/cpu0`, `${root}/cpu${cpu}`, { recursive: true, verbatimSymlinks: true });
    cpSync(`${root}/cpufreq/policy0`, `${root}/cpufreq/policy${cpu}`, { recursive: true });
    for (const file of ["core_id", "thread_siblings_list", "core_cpus_list"]) {
      writeFileSync(`${root}/cpu${cpu}/topology/${file}`, `${cpu}\n`);
    }
    for (const file of ["related_cpus", "affected_cpus"]) {
      writeFileSync(`${root}/cpufreq/policy${cpu}/${file}`, `${cpu}\n`);
    }
  }
  for (const file of ["online", "possible", "present"]) writeFileSync(`${root}/${file}`, `0-${cpus - 1}\n`);
  return tree;
}

export interface BusyHost {
  /** What its machine shows of itself; undefined unless it was asked for. */
  readonly meters: Meters | undefined;
  readonly socket: string;
  /** Where the page is; empty unless `extra` has a section for it. */
  readonly url: string;
  /** Everything powermon logged so far. */
  readonly log: () => string;
  /** Sends one scale request of a VM's vCPU without waiting for its answer. */
  scale(vm: string, vcpu: number, step: Step, vmName?: string): void;
  stop(): Promise<void>;
}

/**
 * Starts powermon from its source.
 * @param vms how many vCPUs each VM has; they are pinned to CPUs in order
 * @param extra lines of TOML at the top of its configuration
 * @param metered whether its machine has meters
 */
export async function startBusyHost(
  cpus: number,
  vms: Readonly<Record<string, number>>,
  extra = "",
  metered = false,
): Promise<BusyHost> {
  const tree = wideTree(cpus);
  const meters = metered ? new Meters(tree, cpus) : undefined;
  const dir = `${tree.root}/channels`;
  const socket = `${tree.root}/control.sock`;
  mkdirSync(dir);
  let next = 0;
  const sections = Object.entries(vms).map(([vm, count]) => {
    const pins = Array.from({ length: count }, (_, vcpu) => `${vcpu} = ${next++ % cpus}`);
    return `[vm."${vm}"]\nqueries = true\npins = { ${pins.join(", ")} }\n`;
  });
  const config = `${tree.root}/powermon.toml`;
  writeFileSync(config, `${extra}\n[pinning]\nsources = ["static"]\n${sections.join("\n")}`);
  const sockets = new Map(Object.keys(vms).map((vm) => [vm, new QemuSocket(`${dir}/${vm}.0`)]));
  const words = ["--config", config, "--dir", dir, "--socket", socket, "--sysfs-root", tree.sys];
  const daemon = Bun.spawn(
    [process.execPath, MAIN, "run", ...words, "--proc-root", tree.proc, "--state-dir", `${tree.root}/state`],
    { stdout: "ignore", stderr: "pipe" },
  );
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of daemon.stderr) log += decoder.decode(bytes, { stream: true });
  })();
  const stop = async () => {
    daemon.kill("SIGTERM");
    await daemon.exited;
    await reading;
    for (const one of sockets.values()) one.quit();
    tree.remove();
  };
  try {
    const serving = extra.includes("[http]") ? "Serving a page" : "Serving";
    await until("powermon serves", () => daemon.exitCode !== null || log.includes(serving), 10_000);
    if (daemon.exitCode !== null) throw new Error(`powermon ended: ${log}`);
    for (const one of sockets.values()) await one.hosted();
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    meters,
    socket,
    url: /Serving a page[^\n]*?(http:\/\/[^\s"]+)/.exec(log)?.[1] ?? "",
    log: () => log,
    scale: (vm, vcpu, step, vmName = "") => sockets.get(vm)?.send(frame({ step, vcpu, vmName })),
    stop,
  };
}
