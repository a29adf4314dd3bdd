// A VM's agent and a whole host in one process, joined by a stand-in for the virtio port: every test drives real clocks of files.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { vmConfig } from "../../../internal/config/effective.ts";
import { loadConfig } from "../../../internal/config/load.ts";
import { judge } from "../../../internal/config/read.ts";
import type { ConfigFile } from "../../../internal/config/schema.ts";
import { Agent, type AgentOptions } from "../../../internal/guest/agent/agent.ts";
import { Host } from "../../../internal/daemon/host.ts";
import { Log } from "../../../internal/log.ts";
import { staticPins } from "../../../internal/pinning/static.ts";
import { openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { standIn } from "../../helpers/stand-in.ts";
import { makeTree, type Tree } from "../../helpers/tree.ts";

export const QUIET = new Log("error", "text", false, () => {});

/** A machine with a host program and one channel of VM vm1, whose vCPUs 0 and 1 run on CPUs 2 and 3. */
export class World implements Disposable {
  readonly tree: Tree;
  readonly #guestDir = mkdtempSync(`${tmpdir()}/guest-`);
  readonly port = `unix:${this.#guestDir}/port`;
  #wire: ReturnType<typeof standIn>;
  #host: Host | undefined;
  readonly #vm: NonNullable<ConfigFile["vm"]>[string];

  constructor(
    vm: NonNullable<ConfigFile["vm"]>[string] = { queries: true },
    tree = "acpi-cpufreq-4cpu-independent",
  ) {
    this.tree = makeTree(tree);
    this.#vm = { pins: { 0: 2, 1: 3 }, ...vm };
    mkdirSync(`${this.tree.root}/channels`);
    for (const cpu of [2, 3]) writeFileSync(this.#path(cpu, "scaling_governor"), "performance\n");
    this.#wire = this.#plug();
  }

  /** Starts a host program and resolves once it is on the channel. */
  async startHost(): Promise<Host> {
    const { tree } = this;
    const cpufreq = openCpufreq({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
    const judged = judge("test.toml", {
      channels: { dirs: [`${tree.root}/channels`] },
      pinning: { sources: ["static"] },
      vm: { vm1: this.#vm },
    });
    if (!cpufreq.ok || !judged.ok) throw new Error(JSON.stringify([cpufreq, judged]));
    const config = loadConfig(undefined, `${tree.root}/none`, [{ from: "flags", read: judged.value }]);
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    this.#host = new Host({
      cpufreq: cpufreq.value,
      sysfsRoot: tree.sys,
      procRoot: tree.proc,
      config: config.value,
      log: QUIET,
      sources: (of) => [staticPins((who) => vmConfig(of, who).pins)],
    });
    this.#host.start();
    await this.#wire.hosted;
    return this.#host;
  }

  /** The host program at work. */
  get host(): Host {
    if (this.#host === undefined) throw new Error("no host program was started");
    return this.#host;
  }

  /** Stops the host program; the port stays. */
  stopHost(): void {
    this.#host?.stop();
    this.#host = undefined;
  }

  /** Takes the port away, or back. */
  unplug(): void {
    this.#wire.close();
  }
  plug(): void {
    this.#wire = this.#plug();
  }

  /** How agents here speak. */
  readonly rules = { vmName: "", timeoutMs: 2000, leaseS: 60, log: QUIET };

  /** Returns an agent on the port, not started. */
  agent(options: Partial<AgentOptions> = {}): Agent {
    return new Agent({ port: this.port, portDir: "/nowhere", ...this.rules, ...options });
  }

  /** Returns the kHz that a clock is held at; 0 while it is left to its own governor, as before any claim. */
  speed(cpu: number): number {
    return this.#read(cpu, "scaling_governor") === "userspace"
      ? Number(this.#read(cpu, "scaling_setspeed"))
      : 0;
  }

  #path(cpu: number, file: string): string {
    return `${this.tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`;
  }

  #read(cpu: number, file: string): string {
    return readFileSync(this.#path(cpu, file), "utf8").split("\n")[0] ?? "";
  }

  [Symbol.dispose](): void {
    this.stopHost();
    this.#wire.close();
    this.tree.remove();
    rmSync(this.#guestDir, { recursive: true });
  }

  #plug(): ReturnType<typeof standIn> {
    return standIn(`${this.tree.root}/channels/vm1.0`, this.port.slice("unix:".length));
  }
}
