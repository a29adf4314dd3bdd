// What must be looked after while claims stand: pins that move, guests that fell silent, CPUs that come back, tools that interfere.

import type { DriftRule } from "../config/schema.ts";
import type { Log } from "../log.ts";
import { err } from "../values/result.ts";
import { Histogram } from "../metrics/histogram.ts";
import type { Cpufreq, Domain } from "../sysfs/cpufreq/cpufreq.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import type { Channels } from "../channels/channels.ts";
import type { EventFeed } from "../events.ts";
import type { Ledger } from "../claims/ledger.ts";
import type { Pcpu } from "../values/units.ts";
import { followPin } from "./follow-pin.ts";

/** Live pins are looked at this often, in ms. */
const PERIOD_MS = 500;
/** Leases, which are whole seconds, in periods; where no pin can move nothing is looked at more often. */
const LEASES_EVERY = 2;
/** CPUs and drift, in periods. */
const DRIFT_EVERY = 4;
/** A CPU without a domain is looked for at most this often, in ms. */
const SEEK_MS = 1000;
/** Smaller changes of the clock are corrections, ms. */
const JUMP_MS = 2000;

/** What is looked after, and who is told. */
export interface UpkeepHost {
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly channels: Channels;
  readonly events: EventFeed;
  readonly log: Log;
  /** Returns what to do now when another tool changed a claimed frequency. */
  drift(): DriftRule;
  /** The wall clock was set, or the machine slept. */
  clockJumped(): void;
  /** A wish of a policy of this VM ended, because its vCPU has no place now. */
  policyLost(vm: string): void;
}

export class Upkeep {
  /** Times a domain was found changed by somebody else. */
  drifts = 0;
  /** Times it was set again after that, and held. */
  corrections = 0;
  /** Called after the machine slept, before claims are written again within what it left. */
  onResumed: () => void = () => {};
  /** Called when what had changed of the machine was taken up; `cpus` tells whether some came or went. */
  onMachine: (cpus: boolean) => void = () => {};
  /** Called at each look, once or twice a second. */
  onLook: () => void = () => {};
  /** How late each look came: what else ran held up the event loop. */
  readonly lag = new Histogram();
  readonly #host: UpkeepHost;
  /** The wall clock less the monotonic one: it moves when the clock is set or the machine slept. */
  #offsetMs = 0;
  #online = "";
  #seekAt = 0;
  /** Domains that were set again and did not hold it yet. */
  readonly #late = new Set<Domain>();
  /** Periods since the start, and how many the next look waits for. */
  #periods = 0;
  #wait = 1;
  #dueAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: UpkeepHost) {
    this.#host = host;
  }

  start(): void {
    this.#online = this.#readOnline();
    this.#offsetMs = Date.now() - performance.now();
    this.#plan(true);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Looks at everything once; of the machine a few files are read, of domains none while nobody claims anything. */
  look(): void {
    this.#cpus();
    this.#leases();
    this.#pins();
  }

  #turn(): void {
    const now = performance.now();
    this.lag.observe(Math.max(0, now - this.#dueAt));
    this.#periods += this.#wait;
    this.#host.log.unfold(now);
    this.#clock(Date.now() - now);
    if (this.#periods % DRIFT_EVERY === 0) this.#cpus();
    if (this.#periods % LEASES_EVERY === 0) this.#leases();
    this.#plan(this.#pins());
    this.onLook();
  }

  /** Sets the time of the next look. @param soon whether a pin may move meanwhile */
  #plan(soon: boolean): void {
    this.#wait = soon ? 1 : LEASES_EVERY - (this.#periods % LEASES_EVERY);
    const ms = this.#wait * PERIOD_MS;
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#turn(), ms);
  }

  /** performance.now() stands still while the machine sleeps. Source: clock_gettime(2), CLOCK_MONOTONIC. */
  #clock(offsetMs: number): void {
    const jumpedMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    if (Math.abs(jumpedMs) < JUMP_MS) return;
    this.#host.log.info("The clock jumped: slept, or was set; claims are written again", {
      seconds: Math.round(jumpedMs / 1000),
    });
    this.resumed();
  }

  /** What the kernel forgot while the machine slept is written again, and policies look at the clock. */
  resumed(): void {
    this.#offsetMs = Date.now() - performance.now();
    this.#host.events.emit("resumed", {});
    this.onResumed();
    this.reapply();
    this.#host.clockJumped();
  }

  /** The machine is looked at also while nobody claims anything: a CPU that comes is served at once. */
  #cpus(): void {
    this.lookAtMachine();
    if (this.#host.ledger.empty && !this.#host.cpufreq.domains.some(isOurs)) return;
    this.#giveBack();
    this.#drift();
  }

  /** Tries again to give back what could not be given back when its last claim ended, as the clock of an offline CPU. */
  #giveBack(): void {
    for (const domain of this.#host.cpufreq.domains) {
      if (domain.target === undefined || this.#host.ledger.decides(domain)) continue;
      for (const error of this.#host.ledger.settle([domain.id]))
        this.#tell(err(error), { domain: domain.id });
    }
  }

  /** Lets claims follow their vCPUs. Returns whether one may have to again. */
  #pins(): boolean {
    if (this.#host.ledger.empty) return false;
    let mayMove = false;
    for (const vm of this.#host.channels.vms) {
      if (!vm.mayMove) continue;
      mayMove = true;
      vm.followed();
      for (const claim of [...this.#host.ledger.claimsOf(vm.vm)]) followPin(this.#host, vm, claim);
    }
    return mayMove;
  }

  /** Writes every claimed domain again, as after resume. */
  reapply(): void {
    for (const domain of this.#host.cpufreq.domains) {
      if (isOurs(domain)) this.#tell(domain.reapply(), { domain: domain.id });
    }
  }

  /**
   * Takes up what has changed of the machine: CPUs that went or came, another driver, turbo, limits of all. The domains are read anew, and
   * what is claimed is decided and written again.
   * @param reread also when nothing shows that it has
   */
  lookAtMachine(reread = false): void {
    const { cpufreq, channels, ledger, log } = this.#host;
    if (!reread && !cpufreq.changed()) return;
    const online = this.#readOnline();
    const cpus = online !== this.#online;
    if (cpus) log.info("CPUs online changed", { from: this.#online, to: online });
    else if (!reread) log.info("Clocks of the machine changed: they are read anew");
    this.#online = online;
    this.#tell(cpufreq.refresh(), {});
    channels.forgetPlaces();
    for (const error of ledger.settle()) log.error(explainSysfs(error));
    this.reapply();
    this.onMachine(cpus);
  }

  /** Returns the domain of a CPU that had none, should it have come; looks at most once a second. */
  seek(cpu: Pcpu): Domain | undefined {
    const now = performance.now();
    if (now >= this.#seekAt) {
      this.#seekAt = now + SEEK_MS;
      this.lookAtMachine();
    }
    return this.#host.cpufreq.domainOf(cpu);
  }

  #readOnline(): string {
    const online = this.#host.cpufreq.topology.online();
    return online.ok ? online.value.join(",") : "";
  }

  /** Ends the claims of guests that have been silent for longer than their lease. */
  #leases(): void {
    const { channels, events, ledger, log } = this.#host;
    if (ledger.empty || ![...channels.vms].some((vm) => vm.mayLapse)) return;
    const now = performance.now();
    for (const { connection, vm, name } of channels.all) {
      const fields = { vm: vm.vm, channel: name };
      if (connection?.lease.lapsed(now) === true) {
        const message = `the guest was silent for its lease of ${connection.lease.seconds} s`;
        log.info(`Claims fell back: ${message}`, fields);
        events.emit("claim-withdrawn", { ...fields, message });
        connection.lapse();
      }
      if (connection?.isSilent(now) !== true) continue;
      const silent = `silent for ${vm.settings.leaseS} s`;
      log.info(`Claims withdrawn: the guest was ${silent}`, fields);
      events.emit("claim-withdrawn", { ...fields, message: silent });
      connection.withdraw();
    }
  }

  #drift(): void {
    for (const domain of this.#host.cpufreq.domains) {
      if (domain.ceiling === undefined && (domain.target === undefined || !this.#host.ledger.decides(domain)))
        continue;
      const drifted = domain.drifted();
      if (this.#late.delete(domain) && drifted.ok && !drifted.value) this.corrections++;
      // A file that can't be read now is an offline CPU's: its claim waits.
      if (!drifted.ok || (!drifted.value && !domain.turboMoved())) continue;
      if (this.#moved(domain) || !drifted.value) continue;
      this.drifts++;
      const reapply = this.#host.drift() === "reapply";
      const fields = { domain: domain.id, khz: domain.target ?? domain.ceiling ?? 0 };
      const applied = reapply ? domain.reapply() : undefined;
      const held = applied?.ok === true && isHeld(domain);
      this.#host.events.emit("drift", { ...fields, reapplied: held });
      const end = held ? "set again" : reapply ? "set again, and not held" : "left as it is";
      const message = `Another tool changed a claimed frequency; ${end}`;
      this.#host.log.warnFolded(`drift ${domain.id} ${end}`, message, fields);
      if (held) this.corrections++;
      // A busy kernel takes a limit over a moment later: the next look tells.
      else if (applied?.ok) this.#late.add(domain);
      else if (applied) this.#tell(applied, fields);
    }
  }

  /** Returns whether it was the hardware's range that moved, and not somebody who set a claimed clock; then the claim follows. */
  #moved(domain: Domain): boolean {
    if (!domain.reread()) return false;
    for (const error of this.#host.ledger.settle([domain.id])) this.#tell(err(error), { domain: domain.id });
    this.#tell(domain.reapply(), { domain: domain.id });
    return true;
  }

  #tell(
    done: { readonly ok: true } | { readonly ok: false; readonly error: SysfsError },
    fields: Readonly<Record<string, string | number>>,
  ): void {
    if (!done.ok) this.#host.log.warnFolded(explainSysfs(done.error), explainSysfs(done.error), fields);
  }
}

/** Returns whether something of a domain stands that was written for a claim or the budget. */
const isOurs = ({ target, ceiling }: Domain): boolean => target !== undefined || ceiling !== undefined;

/** Reads whether a domain holds what it was told. */
function isHeld(domain: Domain): boolean {
  const drifted = domain.drifted();
  return drifted.ok && !drifted.value;
}
