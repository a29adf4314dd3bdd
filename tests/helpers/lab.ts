// A host on a fixture machine with guests on real sockets: what every test of internal/host stands on.

import { mkdirSync, readFileSync } from "node:fs";
import { vmConfig } from "../../internal/config/effective.ts";
import { type Config, loadConfig } from "../../internal/config/load.ts";
import type { ConfigProblem } from "../../internal/config/problem.ts";
import { judge } from "../../internal/config/read.ts";
import type { ConfigFile } from "../../internal/config/schema.ts";
import { type Asks, type AsksOptions, asksOf, rehearsalsOf } from "../../internal/daemon/asks/table.ts";
import type { LoadConfig } from "../../internal/daemon/changes.ts";
import { Host } from "../../internal/daemon/host.ts";
import { HostPower, type PowerOptions } from "../../internal/daemon/host-power.ts";
import { MachineLook } from "../../internal/power/machine-look.ts";
import type { Clock } from "../../internal/rules/desk.ts";
import { Log } from "../../internal/log.ts";
import type { Generation } from "../../internal/packet/constants.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { procPins } from "../../internal/pinning/proc.ts";
import { staticPins } from "../../internal/pinning/static.ts";
import type { Step } from "../../internal/values/frequency.ts";
import type { Request } from "../../internal/values/request.ts";
import type { Result } from "../../internal/values/result.ts";
import { openCpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import { QemuSocket } from "./qemu.ts";
import { makeTree, type Tree } from "./tree.ts";

/** Pins of the VMs that tests talk about: vm1 on pCPUs 2 and 3, vm2 on 2, a.b on 1. */
export const STATIC = {
  pinning: { sources: ["static"] },
  vm: {
    vm1: { pins: { 0: 2, 1: 3 }, queries: true },
    vm2: { pins: { 0: 2 } },
    "a.b": { pins: { 0: 1 } },
  },
} as const;

/** The bytes of a scale request. */
export const frame = (
  request: Partial<Extract<Request, { kind: "scale" }>> & { step: Step },
  wire: Generation = "18.11",
) => encodeRequest({ kind: "scale", vcpu: 0, vmName: "", physical: false, ...request }, wire);

/** Sends a request and resolves to the kind of its answer. */
export const ask = async (socket: QemuSocket, bytes: Uint8Array) => decodeReply(await socket.ask(bytes)).kind;

export class Lab {
  readonly tree: Tree;
  readonly dir: string;
  readonly log: string[] = [];
  readonly sockets: QemuSocket[] = [];
  readonly #procRoot: string;
  #host: Host | undefined;
  #rehearsals: ReturnType<typeof rehearsalsOf> | undefined;
  #look: MachineLook | undefined;

  /**
   * @param tree a name, or a machine that is made already
   * @param procRoot stands for /proc; the tree's own by default
   */
  constructor(tree: string | Tree = "acpi-cpufreq-4cpu-independent", procRoot?: string) {
    this.tree = typeof tree === "string" ? makeTree(tree) : tree;
    this.#procRoot = procRoot ?? this.tree.proc;
    this.dir = `${this.tree.root}/channels`;
    mkdirSync(this.dir);
  }

  get host(): Host {
    if (this.#host === undefined) throw new Error("start() comes first");
    return this.#host;
  }

  /** Returns the configuration of a file that says `says`, under what was changed at run time. */
  load(says: object = STATIC, runtime: ConfigFile = {}): Result<Config, ConfigProblem[]> {
    const judged = judge("test.toml", { channels: { dirs: [this.dir] }, ...says });
    if (!judged.ok) return judged;
    return loadConfig(undefined, this.dropIns, [
      { from: "flags", read: judged.value },
      { from: "runtime", read: { file: "runtime", text: "", says: runtime } },
    ]);
  }

  get dropIns(): string {
    return `${this.tree.root}/state/powermon.d`;
  }

  /** @param clock the machine's own unless given */
  get roots() {
    return { sysfsRoot: this.tree.sys, procRoot: this.tree.proc, stateDir: `${this.tree.root}/state` };
  }

  start(says: object = STATIC, clock?: Clock): Host {
    const { tree } = this;
    const config = this.load(says);
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    const cpufreq = openCpufreq(this.roots);
    if (!cpufreq.ok) throw new Error("the fixture can't be opened");
    this.#host = new Host({
      cpufreq: cpufreq.value,
      sysfsRoot: tree.sys,
      procRoot: this.#procRoot,
      config: config.value,
      log: new Log("debug", "text", false, (line) => void this.log.push(line)),
      sources: (config) =>
        config.pinning.sources.includes("static")
          ? [staticPins((vm) => vmConfig(config, vm).pins)]
          : [procPins(this.#procRoot)],
      ...(clock === undefined ? {} : { clock }),
    });
    this.#host.start();
    return this.#host;
  }

  /** What its machine does. */
  get look(): MachineLook {
    return (this.#look ??= new MachineLook(this.roots, () => this.host.cpufreq.domains));
  }

  /** Starts a host and returns who answers an operator for it. @param load reads the configuration again */
  asks(
    says: object = STATIC,
    power: Partial<PowerOptions> = {},
    load: LoadConfig = (runtime) => this.load(says, runtime),
  ): Asks {
    const host = this.start(says);
    const parts: AsksOptions = {
      version: "1.2.3",
      power: new HostPower(host, { roots: this.roots, ...power }),
      hostname: "host.example",
      look: this.look,
      procRoot: this.#procRoot,
      dropInDir: this.dropIns,
      isLibvirts: () => Promise.resolve(false),
      pinByLibvirt: () => Promise.resolve(undefined),
      load,
    };
    this.#rehearsals = rehearsalsOf(host, parts);
    return asksOf(host, parts);
  }

  /** Who tells what would happen, once asks() has started a host. */
  get rehearsals() {
    if (this.#rehearsals === undefined) throw new Error("asks() comes first");
    return this.#rehearsals;
  }

  /** Opens a guest's channel, such as vm1.0, and resolves once the host is connected to it. */
  async guest(name: string): Promise<QemuSocket> {
    const socket = new QemuSocket(`${this.dir}/${name}`);
    this.sockets.push(socket);
    await socket.hosted();
    return socket;
  }

  /** The whole path of a policy's attribute. */
  path(cpu: number, file: string): string {
    return `${this.tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`;
  }

  /** The first line of a policy's attribute. */
  attribute(cpu: number, file: string): string {
    return readFileSync(this.path(cpu, file), "utf8").split("\n")[0] ?? "";
  }

  speed(cpu: number): number {
    return Number(this.attribute(cpu, "scaling_setspeed"));
  }

  get speeds(): readonly number[] {
    return [0, 1, 2, 3].map((cpu) => this.speed(cpu));
  }

  end(): void {
    this.#host?.stop();
    for (const socket of this.sockets) socket.quit();
    this.tree.remove();
  }
}
