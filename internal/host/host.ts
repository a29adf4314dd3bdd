// The daemon as a whole: who is connected, what stands, and that everything is put back at the end.

import type { Limits } from "../arbiter/arbitrate.ts";
import type { Log } from "../log.ts";
import type { PinSource } from "../pinning/pins.ts";
import type { Cpufreq } from "../sysfs/cpufreq.ts";
import { explainSysfs, type SysfsError } from "../sysfs/error.ts";
import { authorizeVcpu } from "../arbiter/authorize.ts";
import { Channel, type Wire } from "./channel.ts";
import { ChannelFolder, type ChannelName } from "./folder.ts";
import { type Claim, Ledger } from "./ledger.ts";
import { type FloatingRule, Vm } from "./vm.ts";

/** How a host is set up. */
export interface HostOptions {
  readonly cpufreq: Cpufreq;
  readonly dirs: readonly string[];
  readonly sources: readonly PinSource[];
  readonly floating: FloatingRule;
  /** VM names, or `all`. */
  readonly allowQuery: ReadonlySet<string>;
  readonly procRoot: string;
  readonly wire: Wire;
  readonly log: Log;
}

/** Claims of vCPUs whose pins are read live are checked this often, in ms. */
const FOLLOW_MS = 500;
const NO_LIMITS: Limits = {};

export class Host {
  readonly ledger: Ledger;
  readonly #options: HostOptions;
  readonly #vms = new Map<string, Vm>();
  readonly #channels = new Map<string, Channel>();
  readonly #folders: readonly ChannelFolder[];
  #follow: ReturnType<typeof setInterval> | undefined;

  constructor(options: HostOptions) {
    this.#options = options;
    const { cpufreq, log } = options;
    this.ledger = new Ledger(
      cpufreq,
      () => NO_LIMITS,
      () => NO_LIMITS,
      (domain, target, winner) => {
        if (!log.debugs) return;
        log.debug(target === undefined ? "Frequency given back" : "Frequency set", {
          policy: domain.id,
          khz: target,
          vm: winner?.vm,
          vcpu: winner?.vcpu,
        });
      },
    );
    this.#folders = options.dirs.map(
      (dir) =>
        new ChannelFolder(
          dir,
          (path, name) => this.#found(path, name),
          (path) => this.#gone(path),
          (code) => log.warn(`Cannot read the channel folder "${dir}": ${code}; waiting for it`),
        ),
    );
  }

  get channels(): Iterable<Channel> {
    return this.#channels.values();
  }

  /** Looks for channels and serves them from now on. */
  start(): void {
    for (const problem of this.#options.cpufreq.problems) this.#options.log.error(explainSysfs(problem));
    for (const folder of this.#folders) folder.start();
    this.#follow = setInterval(() => this.#followPins(), FOLLOW_MS);
  }

  /** Ends all channels and gives every domain back. Returns what could not be given back. */
  stop(): readonly SysfsError[] {
    clearInterval(this.#follow);
    for (const folder of this.#folders) folder.stop();
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
    const failed: SysfsError[] = [];
    for (const domain of this.#options.cpufreq.domains) {
      const restored = domain.restore();
      if (!restored.ok) failed.push(restored.error);
      domain.close();
    }
    return failed;
  }

  #found(path: string, name: ChannelName): void {
    const known = this.#channels.get(path);
    if (known !== undefined) {
      known.poke();
      return;
    }
    const { cpufreq, log, wire } = this.#options;
    const channel = new Channel(path, this.#vm(name.vm), name.index, {
      desk: { cpufreq, ledger: this.ledger },
      log,
      wire,
    });
    this.#channels.set(path, channel);
    channel.open();
  }

  #gone(path: string): void {
    const channel = this.#channels.get(path);
    if (channel === undefined) return;
    this.#options.log.info("Channel removed", { channel: `${channel.vm.vm}.${channel.index}` });
    channel.close();
    this.#channels.delete(path);
    for (const other of this.#channels.values()) if (other.vm === channel.vm) return;
    this.#vms.delete(channel.vm.vm);
  }

  #vm(name: string): Vm {
    let vm = this.#vms.get(name);
    if (vm === undefined) {
      const { allowQuery, cpufreq, sources, floating, procRoot } = this.#options;
      const queries = allowQuery.has(name) || allowQuery.has("all");
      this.#vms.set(name, (vm = new Vm(name, queries, { cpufreq, sources, floating, procRoot })));
    }
    return vm;
  }

  /** Moves the claims of re-pinned vCPUs to the domains they run on now. */
  #followPins(): void {
    for (const claim of [...this.ledger.claims()]) this.#followPin(claim);
  }

  #followPin(claim: Claim): void {
    const vm = this.#vms.get(claim.vm);
    if (vm === undefined) return;
    const grant = authorizeVcpu(vm, claim.vcpu);
    if (grant.ok && grant.value.domains === claim.domains) return;
    const { log } = this.#options;
    const fields = { vm: claim.vm, vcpu: claim.vcpu };
    if (!grant.ok) {
      log.info("Claim withdrawn: its vCPU has no place of its own any more", fields);
      for (const error of this.ledger.withdrawVcpu(claim.vm, claim.vcpu))
        log.error(explainSysfs(error), fields);
      return;
    }
    log.info("Claim follows its vCPU", { ...fields, pcpu: grant.value.pcpus.join(",") });
    const moved = this.ledger.wish(grant.value, claim.owner, claim.level);
    if (!moved.ok) log.error(explainSysfs(moved.error), fields);
  }
}
