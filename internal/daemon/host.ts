// The daemon as a whole: who is connected, what stands, and that everything is put back at the end.

import type { Limits } from "../claims/arbitrate.ts";
import type { DomainClock } from "../claims/clock.ts";
import { vmConfig } from "../config/effective.ts";
import { writtenPolicies } from "../config/policy.ts";
import type { Config } from "../config/load.ts";
import type { Log } from "../log.ts";
import { Histogram } from "../metrics/histogram.ts";
import type { PinSource } from "../pinning/pins.ts";
import type { Cpufreq } from "../sysfs/cpufreq/cpufreq.ts";
import type { DomainId } from "../values/units.ts";
import type { HungCall } from "../sysfs/hung.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import { Channels } from "../channels/channels.ts";
import { EventFeed } from "../events.ts";
import { Turns } from "../os/turns.ts";
import { FifoHost } from "../fifo/fifo-host.ts";
import { Ledger } from "../claims/ledger.ts";
import { LedgerDesk } from "../rules/ledger-desk.ts";
import { MachineCounters } from "../rules/machine-counters.ts";
import { type Clock, SYSTEM_CLOCK } from "../rules/desk.ts";
import { PolicyEngine } from "../rules/engine.ts";
import { MachineEnergyBook } from "./energy-book.ts";
import { type HungCalls, tellHung } from "./hung-calls.ts";
import { siteLimitsOn } from "./site-limits.ts";
import { Upkeep } from "./upkeep.ts";
import type { PlacementRules } from "../channels/vm.ts";
import { WriteMeter } from "./write-meter.ts";

/** How the host stands with its fleet, for who asks. */
export interface HostFleet {
  readonly group: string;
  /** Watts; why etcd could not be asked last time. */
  readonly state: {
    readonly leads: boolean;
    readonly grant: number | undefined;
    readonly fallback: number;
    readonly problem: string | undefined;
  };
}

/** How a host is set up. */
export interface HostOptions {
  readonly cpufreq: Cpufreq;
  readonly sysfsRoot: string;
  readonly procRoot: string;
  readonly config: Config;
  readonly log: Log;
  /** What hangs of the machine; nothing unless given. */
  readonly hung?: HungCalls;
  /** The time that policies go by; the machine's own unless a test turns it. */
  readonly clock?: Clock;
  /** Makes the pinning sources that a configuration names. */
  sources(config: Config): readonly PinSource[];
}

export class Host {
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly events = new EventFeed();
  readonly policies: PolicyEngine;
  /** Where the policies' wishes go. */
  readonly desk: LedgerDesk;
  readonly upkeep: Upkeep;
  readonly energy: MachineEnergyBook;
  /** What of powermon does not work while guests are served, a sentence each. */
  readonly problems: string[] = [];
  /** The fleet that the host is in; undefined for none. */
  fleet: HostFleet | undefined;
  readonly #fifos: FifoHost;
  /** How long requests took, from received to answered. */
  readonly durations = new Histogram();
  readonly writes = new WriteMeter();
  readonly log: Log;
  readonly hung: HungCalls | undefined;
  readonly #options: HostOptions;
  readonly #rules: PlacementRules;
  readonly #site = new Map<DomainId, Limits>();
  /** What the machine was when they were worked out. */
  #edition = 0;
  #config: Config;
  /** VMs whose operator's policy stands in the configuration. */
  #written: ReadonlySet<string> = new Set();
  /** VMs that stand still. */
  #paused: ReadonlySet<string> = new Set();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#config = options.config;
    this.cpufreq = options.cpufreq;
    this.log = options.log;
    this.hung = options.hung;
    const { cpufreq, procRoot, log } = options;
    this.#rules = {
      cpufreq,
      procRoot,
      sources: options.sources(options.config),
      floating: options.config.pinning.floating,
      seek: (cpu) => this.upkeep.seek(cpu),
    };
    this.ledger = new Ledger(
      cpufreq,
      (domain) => this.siteLimits(domain),
      (domain, write, winner) => {
        this.writes.wrote(domain.id, write.khz, write.error, performance.now());
        const { events } = this;
        const fields = {
          domain: domain.id,
          khz: write.khz,
          by: winner?.claimant.by,
          vm: winner?.grant.vm || undefined,
          vcpu: winner?.grant.vm ? winner.grant.vcpu : undefined,
          user: winner?.claimant.user,
        };
        if (write.error !== undefined) {
          events.emit("write-failed", { ...fields, message: explainSysfs(write.error) });
          return;
        }
        if (log.debugs) log.debug(winner === undefined ? "Frequency given back" : "Frequency set", fields);
        events.emit(winner === undefined ? "frequency-restored" : "frequency-set", fields);
      },
    );
    const { ledger, events, durations } = this;
    const desk = (this.desk = new LedgerDesk({
      cpufreq,
      ledger,
      log,
      events,
      vm: (name) => this.channels.vm(name),
    }));
    const clock = options.clock ?? SYSTEM_CLOCK;
    const counters = new MachineCounters(
      options.sysfsRoot,
      (subject, vcpu) => desk.pcpusOf(subject, vcpu),
      clock,
    );
    this.policies = new PolicyEngine(desk, counters, clock);
    const turns = new Turns();
    this.#fifos = new FifoHost({ cpufreq, ledger, policies: this.policies, log, turns });
    const vmChanged = (vm: string) => this.policies.vmChanged(vm);
    this.energy = new MachineEnergyBook(
      { sysfsRoot: options.sysfsRoot, procRoot },
      (vm) => this.channels.vm(vm.vm) === vm,
    );
    const { policies, energy } = this;
    this.channels = new Channels(
      { desk: { cpufreq, ledger, policies, energy }, log, events, durations, turns, vmChanged },
      this.#rules,
      (vm) => vmConfig(this.#config, vm),
    );
    this.upkeep = new Upkeep({
      cpufreq,
      ledger,
      channels: this.channels,
      events,
      log,
      drift: () => this.#config.cpufreq.drift,
      clockJumped: () => this.policies.clockChanged(),
      policyLost: vmChanged,
    });
  }

  get config(): Config {
    return this.#config;
  }

  /** The pinning sources, in the order in which they are asked. */
  get sources(): readonly PinSource[] {
    return this.#rules.sources;
  }

  /** Looks for channels and serves them from now on. */
  start(): void {
    for (const problem of this.cpufreq.problems) {
      if (problem.code !== "EBUSY") this.log.error(explainSysfs(problem));
      else
        this.log.info("A domain's CPUs are offline; it is served once they are online", {
          file: problem.path,
        });
    }
    for (const id of this.cpufreq.stale) {
      this.log.info("Settings saved before the last boot were dropped", { domain: id });
    }
    this.#watchHung();
    this.#setPolicies();
    this.channels.watch(this.#config.channels.dirs);
    this.upkeep.start();
    void this.#fifos.configure(this.#config.fifo);
  }

  /** Takes a new configuration: folders, pinning, limits and every VM's settings follow it at once. @param user who asked for it over the control socket */
  configure(config: Config, user?: string): void {
    this.#config = config;
    this.#rules.sources = this.#options.sources(config);
    this.#rules.floating = config.pinning.floating;
    this.#site.clear();
    this.upkeep.lookAtMachine(true);
    this.#setPolicies();
    // The time zone may be another.
    this.policies.clockChanged();
    this.channels.configure();
    this.channels.watch(config.channels.dirs);
    for (const error of this.ledger.settle()) this.log.error(explainSysfs(error));
    void this.#fifos.configure(config.fifo);
    this.events.emit("config-reloaded", { files: config.files, user });
  }

  /** Tells of what hangs, and serves the clocks that answer again. */
  #watchHung(): void {
    const { hung, log, events } = this;
    const hangs = (call: HungCall) => {
      log.error(tellHung(call), { tries: call.tries });
      events.emit("call-hangs", { path: call.path, cpus: call.cpus, tries: call.tries });
    };
    for (const call of hung?.all ?? []) hangs(call);
    hung?.watch({
      hangs,
      answers: ({ path, cpus }) => {
        log.info("A call that hung answers again; what was left alone for it is served", { file: path });
        events.emit("call-answers", { path, cpus });
        this.upkeep.lookAtMachine(true);
      },
      failed: (error) => log.error(explainSysfs(error)),
    });
  }

  #setPolicies(): void {
    this.setPolicies(this.policies, this.#config);
    this.#written = new Set(writtenPolicies(this.#config).keys());
  }

  /** Puts a configuration's policies in force and drops those that it names no more; those set at run time stay. */
  setPolicies(policies: PolicyEngine, config: Config): void {
    const written = writtenPolicies(config);
    for (const vm of this.#written) if (!written.has(vm)) policies.remove({ vm }, "operator");
    for (const [vm, policy] of written) policies.set({ vm }, "operator", policy, undefined, true);
  }

  /** Lets the claims of these VMs wait while they stand still; those of all others count. */
  paused(vms: ReadonlySet<string>): void {
    for (const vm of new Set([...vms, ...this.#paused])) {
      const paused = vms.has(vm);
      if (paused === this.#paused.has(vm)) continue;
      this.log.info(paused ? "VM paused: its claims wait" : "VM runs again: its claims count", { vm });
      this.events.emit("vm-changed", { vm, paused });
    }
    this.#paused = vms;
    for (const error of this.ledger.pause(vms)) this.log.error(explainSysfs(error));
  }

  /** Withdraws what the guest asked before its VM was reset: it knows nothing of that any more. */
  rebooted(vm: string): void {
    this.log.info("VM rebooted: its claims are withdrawn", { vm });
    this.events.emit("claim-withdrawn", { vm, message: "the VM rebooted" });
    for (const channel of this.channels.of(vm)) channel.connection?.rebooted();
  }

  /** Ends all channels and gives every domain back. Returns what could not be given back. */
  stop(): readonly SysfsError[] {
    this.hung?.stop();
    this.upkeep.stop();
    void this.#fifos.stop();
    this.policies.close();
    this.energy.stop();
    this.channels.stop();
    const failed: SysfsError[] = [];
    for (const domain of this.cpufreq.domains) {
      const restored = domain.restore();
      if (!restored.ok) failed.push(restored.error);
      domain.close();
    }
    return failed;
  }

  /** Returns the site's limits on a domain: the tightest of those that name one of its CPUs. */
  siteLimits(domain: DomainClock): Limits {
    if (this.#edition !== this.cpufreq.edition) this.#site.clear();
    this.#edition = this.cpufreq.edition;
    let limits = this.#site.get(domain.id);
    if (limits === undefined) {
      limits = siteLimitsOn(domain, this.#config);
      this.#site.set(domain.id, limits);
    }
    return limits;
  }
}
