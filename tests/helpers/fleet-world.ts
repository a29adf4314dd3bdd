// A fleet on this machine: hosts of files whose clocks cost watts, each with a compiled daemon, around an etcd that is real.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "./daemon.ts";
import { QemuSocket } from "./qemu.ts";
import type { Priority } from "../../internal/values/vm-settings.ts";
import { ModelMachine, setLoad } from "./model-machine.ts";

/** How often the models' time goes on, ms. */
const TICK_MS = 50;
const CPUS = 8;

/** What a host is and needs. */
export interface FleetHostOptions {
  readonly name: string;
  readonly fallbackWatts: number;
  /** At the floors, and in full, W. */
  readonly floorWatts: number;
  readonly fullWatts: number;
  /** More of its file, such as VMs. */
  readonly toml?: string;
  /** Of a VM that has all of its CPUs; without it nobody is pinned to any. */
  readonly priority?: Priority;
}

/** A host of files and its daemon. */
export class ModelHost {
  readonly machine: Machine;
  readonly model: ModelMachine;
  readonly options: FleetHostOptions;
  readonly config: string;
  daemon: Daemon | undefined;
  readonly #guest: QemuSocket | undefined;
  /** What it draws now, W. */
  watts = 0;

  /** @param endpoints etcd as this host reaches it */
  constructor(options: FleetHostOptions, group: string, endpoints: readonly string[]) {
    this.options = options;
    this.machine = makeMachine("acpi-cpufreq-8cpu-independent");
    const { tree } = this.machine;
    for (let cpu = 0; cpu < CPUS; cpu++) {
      const policy = `${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}`;
      writeFileSync(`${policy}/scaling_governor`, "performance\n");
      writeFileSync(`${policy}/scaling_setspeed`, "<unsupported>\n");
    }
    setLoad(join(tree.root, "load"), { busy: [1] });
    const { floorWatts, fullWatts } = options;
    this.model = new ModelMachine(tree.sys, tree.proc, join(tree.root, "load"), {
      floorWatts,
      fullWatts,
      noiseWatts: 0.2,
    });
    const { priority } = options;
    if (priority !== undefined) this.#guest = new QemuSocket(join(this.machine.dir, "vm1.0"));
    const pins = Array.from({ length: CPUS }, (_, cpu) => `${cpu} = ${cpu}`).join(", ");
    const vm = `[pinning]\nsources = ["static"]\n[vm.vm1]\npriority = "${priority}"\npins = { ${pins} }\n`;
    this.config = join(tree.root, "powermon.toml");
    writeFileSync(
      this.config,
      `[fleet]\nendpoints = ${JSON.stringify(endpoints)}\ngroup = "${group}"\nname = "${options.name}"\nfallback_watts = ${options.fallbackWatts}\n${options.toml ?? ""}${priority === undefined ? "" : vm}`,
    );
  }

  /** How much its CPUs have to do, 0 to 1. */
  load(busy: number): void {
    setLoad(join(this.machine.tree.root, "load"), { busy: [busy] });
  }

  async start(): Promise<void> {
    this.daemon = await startDaemon(this.machine, ["--config", this.config]);
  }

  /** Ends its daemon by a signal, and waits until it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { daemon } = this;
    this.daemon = undefined;
    daemon?.kill(signal);
    await daemon?.exited;
  }

  /** Takes it away; its daemon has ended. */
  remove(): void {
    this.#guest?.quit();
    this.model.close();
    this.machine.remove();
  }
}

/** Hosts whose models go on in time, and what they draw together. */
export class FleetWorld {
  readonly hosts: readonly ModelHost[];
  readonly #timer: ReturnType<typeof setInterval>;
  #then = performance.now();

  /** @param look called after each piece of time with what all draw, W */
  constructor(hosts: readonly ModelHost[], look: (watts: number) => void = () => {}) {
    this.hosts = hosts;
    this.#timer = setInterval(() => {
      const now = performance.now();
      let sum = 0;
      for (const host of hosts) sum += host.watts = host.model.step(now - this.#then);
      this.#then = now;
      look(sum);
    }, TICK_MS);
  }

  /** Runs `powermon fleet` as an operator of the first host. Returns what it printed. */
  async ask(
    ...words: string[]
  ): Promise<{ readonly status: number; readonly out: string; readonly err: string }> {
    const ended = await runBinary("powermon", ["fleet", ...words, "--config", this.hosts[0]?.config ?? ""]);
    return ended;
  }

  async stop(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.end("SIGTERM")));
    clearInterval(this.#timer);
    for (const host of this.hosts) host.remove();
  }
}
