// The daemon's part of a suspend: claims are given back before and made again after it, and guests are told.

import type { SleepAsk } from "../api/sleep.ts";
import type { EnterSleep } from "../power/sleep/enter-sleep.ts";
import { askLogind } from "../power/sleep/logind.ts";
import { findRunningVms } from "../power/running-vms.ts";
import type { SleepRecord } from "../power/sleep/sleep-record.ts";
import type { SleepTarget } from "../power/sleep/sleep-target.ts";
import { problemOf, suspendHost } from "../power/sleep/suspend.ts";
import { undoTrip } from "../power/sleep/trip.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import type { Roots } from "../sysfs/cpufreq/originals.ts";
import { err, ok } from "../values/result.ts";
import type { Host } from "./host.ts";

export class HostSleep {
  /** True from the moment that claims are given back until they stand again. */
  isNear = false;
  /** logind speaks of the machine it runs on, not of a folder. */
  readonly isReal: boolean;
  readonly #host: Host;
  readonly #roots: Roots;
  readonly #enter: EnterSleep | undefined;
  readonly #stopped = new AbortController();
  /** The sleep that is under way, and what it puts back after. */
  #current: Promise<unknown> = Promise.resolve();

  /** @param enter sleeps instead of the kernel */
  constructor(host: Host, roots: Roots, enter: EnterSleep | undefined) {
    this.#host = host;
    this.#roots = roots;
    this.#enter = enter;
    this.isReal = roots.sysfsRoot === "/sys";
  }

  /** Undoes what a powermon that was killed left of a sleep. */
  async start(): Promise<void> {
    const { log } = this.#host;
    const { undone, failed } = await undoTrip(this.#roots);
    for (const one of undone) log.info("Left of a sleep that was cut off, and undone", { undone: one });
    for (const one of failed) log.error(`Left of a sleep that was cut off: ${one}`);
  }

  /** Keeps a sleep that is being prepared from happening; its VMs are brought back, which the promise waits for. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#current;
  }

  /**
   * Sleeps and resolves when the host is awake again and claims stand.
   * @param gone aborts when nobody waits for it any more: then the host does not sleep
   * @param user who asked for it over the control socket
   */
  suspend(asked: SleepAsk, gone?: AbortSignal, user?: string) {
    const signal = AbortSignal.any([this.#stopped.signal, ...(gone ? [gone] : [])]);
    const done = this.#suspend(asked, signal, user);
    this.#current = done.catch(() => {});
    return done;
  }

  async #suspend({ wake, logind, ...request }: SleepAsk, signal: AbortSignal, user: string | undefined) {
    const { log, config } = this.#host;
    const until = wake === "none" || "inS" in wake ? wake : { atMs: Date.parse(wake.at) };
    const done = await suspendHost(
      { ...request, wake: until },
      {
        roots: this.#roots,
        logind: logind && this.isReal ? await askLogind() : undefined,
        vms: findRunningVms(this.#roots.procRoot).map(({ vm }) => vm),
        libvirt: { uri: config.pinning.libvirtUri },
        hooks: {
          claims: () => this.#claims(),
          before: (untilMs) => this.#before(request.target, untilMs, user),
          after: (record, slept) => this.#after(record, slept),
        },
        ...(this.#enter && { enter: this.#enter }),
        nowMs: Date.now,
        signal,
      },
    );
    if (done.ok) {
      for (const one of [...done.value.warnings, ...done.value.notRestored]) log.warn(`Suspend: ${one}`);
      return ok(done.value);
    }
    const problem = problemOf(done.error);
    if (!request.dryRun) log.warn(`The host does not sleep: ${problem.message}`);
    return err(problem);
  }

  /** Claims by VM; an operator's own speak against nothing. */
  #claims(): ReadonlyMap<string, number> {
    const claims = new Map<string, number>();
    for (const { operator, grant } of this.#host.ledger.claims())
      if (!operator && grant.vm !== "") claims.set(grant.vm, (claims.get(grant.vm) ?? 0) + 1);
    return claims;
  }

  #before(target: SleepTarget, untilMs: number | undefined, user: string | undefined): void {
    const { log, events, channels } = this.#host;
    const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
    log.info("The host goes to sleep", { target, until });
    events.emit("host-sleeps", { target, until, user });
    channels.notice({ do: "host-sleeps", wakeS: Math.ceil((untilMs ?? 0) / 1000) });
    this.isNear = true;
    this.#tell(giveBack(this.#host));
  }

  #after(record: SleepRecord | undefined, slept: boolean): void {
    const { log, events, cpufreq, ledger, upkeep, channels } = this.#host;
    this.isNear = false;
    // Claims are gone for good then, and clocks are put back.
    if (this.#stopped.signal.aborted) return;
    const fields = slept
      ? { sleptS: record?.sleptS, clockS: record?.clockS, wokenBy: record?.wokenBy }
      : { sleptS: 0 };
    log.info(slept ? "The host is awake" : "The host did not sleep; claims are made again", fields);
    // CPUs go and come around a sleep.
    const scanned = cpufreq.refresh();
    if (!scanned.ok) this.#tell([scanned.error]);
    this.#tell(ledger.settle());
    upkeep.resumed();
    events.emit("host-awake", fields);
    channels.notice({ do: "host-awake", sleptS: Math.round((slept && record?.sleptS) || 0) });
  }

  #tell(errors: readonly SysfsError[]): void {
    for (const error of errors) this.#host.log.error(explainSysfs(error));
  }
}

/** Puts every domain back as the operator had it; the claims stay in the ledger. Returns the failures. */
export function giveBack({ cpufreq }: Host): readonly SysfsError[] {
  return cpufreq.domains.flatMap((domain) => {
    const restored = domain.restore();
    return restored.ok ? [] : [restored.error];
  });
}
