// The daemon's part of a suspend: claims are given back before and made again after it, and guests are told.

import type { SleepAsk } from "../api/sleep.ts";
import type { EnterSleep } from "../power/sleep/enter-sleep.ts";
import { askLogind } from "../power/sleep/logind.ts";
import { findRunningVms } from "../power/running-vms.ts";
import type { SleepRecord } from "../power/sleep/sleep-record.ts";
import type { SleepTarget } from "../power/sleep/sleep-target.ts";
import { explainSuspend, suspendHost, type SuspendRefusal } from "../power/sleep/suspend.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import type { Roots } from "../sysfs/cpufreq/originals.ts";
import { type Code, no } from "../values/answer.ts";
import { ok } from "../values/result.ts";
import type { Host } from "./host.ts";

const CODE_OF: Readonly<Record<SuspendRefusal["kind"], Code>> = {
  unsupported: "unsupported",
  blocked: "refused",
  "too-short": "invalid",
  busy: "busy",
  failed: "failed",
};

export class HostSleep {
  /** True from the moment that claims are given back until they stand again. */
  isNear = false;
  /** logind speaks of the machine it runs on, not of a folder. */
  readonly isReal: boolean;
  readonly #host: Host;
  readonly #roots: Roots;
  readonly #enter: EnterSleep | undefined;

  /** @param enter sleeps instead of the kernel */
  constructor(host: Host, roots: Roots, enter: EnterSleep | undefined) {
    this.#host = host;
    this.#roots = roots;
    this.#enter = enter;
    this.isReal = roots.sysfsRoot === "/sys";
  }

  /** Sleeps and resolves when the host is awake again and claims stand. */
  async suspend({ wake, logind, ...request }: SleepAsk) {
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
          before: (untilMs) => this.#before(request.target, untilMs),
          after: (record) => this.#after(record),
        },
        ...(this.#enter && { enter: this.#enter }),
        nowMs: Date.now,
      },
    );
    if (done.ok) {
      for (const one of [...done.value.warnings, ...done.value.notRestored]) log.warn(`Suspend: ${one}`);
      return ok(done.value);
    }
    const reasons = explainSuspend(done.error);
    const passes = done.error.kind === "blocked" && done.error.blockers.every((one) => one.forceable);
    const text = [...reasons, ...(passes ? ["force sleeps in spite of it"] : [])].join("; ");
    if (!request.dryRun) log.warn(`The host does not sleep: ${text}`);
    return no(CODE_OF[done.error.kind], `${text}.`);
  }

  /** Claims by VM; an operator's own speak against nothing. */
  #claims(): ReadonlyMap<string, number> {
    const claims = new Map<string, number>();
    for (const { operator, grant } of this.#host.ledger.claims())
      if (!operator && grant.vm !== "") claims.set(grant.vm, (claims.get(grant.vm) ?? 0) + 1);
    return claims;
  }

  #before(target: SleepTarget, untilMs: number | undefined): void {
    const { log, events, channels } = this.#host;
    const until = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
    log.info("The host goes to sleep", { target, until });
    events.emit("host-sleeps", { target, until });
    channels.notice({ do: "host-sleeps", wakeS: Math.ceil((untilMs ?? 0) / 1000) });
    this.isNear = true;
    this.#tell(giveBack(this.#host));
  }

  #after(record: SleepRecord | undefined): void {
    const { log, events, cpufreq, ledger, upkeep, channels } = this.#host;
    this.isNear = false;
    const fields = { sleptS: record?.sleptS, clockS: record?.clockS, wokenBy: record?.wokenBy };
    log.info("The host is awake", fields);
    // CPUs go and come around a sleep.
    const scanned = cpufreq.refresh();
    if (!scanned.ok) this.#tell([scanned.error]);
    this.#tell(ledger.settle());
    upkeep.resumed();
    events.emit("host-awake", fields);
    channels.notice({ do: "host-awake", sleptS: Math.round(record?.sleptS ?? 0) });
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
