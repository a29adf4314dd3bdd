// The host sleeps and comes back as it was: checks, alarm, VMs, sleep, and everything put back in order.

import { all, err, ok, type Result } from "../../values/result.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { readPowerState } from "../../sysfs/power-state.ts";
import { readFreeSwapKb } from "../../sysfs/swap.ts";
import { findWakeClock, type WakeClock } from "../../sysfs/wake-alarm.ts";
import { enterByKernel, enterByLogind, type EnterSleep } from "./enter-sleep.ts";
import { snapshotKnobs } from "../profiles/knob-snapshot.ts";
import { takeLock } from "../../os/lock.ts";
import type { Logind } from "./logind.ts";
import { type Libvirt, type Preparation, type Prepared, prepareVms, runningVms } from "./prepare-vms.ts";
import { restoreSettings } from "../profiles/write.ts";
import { momentNow, recordOf, type SleepRecord } from "./sleep-record.ts";
import type { SleepTarget } from "./sleep-target.ts";
import { type Blocker, blockersOf } from "./suspend-blockers.ts";

/** Seconds: a shorter sleep would end before it began; libvirt refuses less than 60, which we only warn of. */
const LEAST_S = 5;
const WARN_S = 60;

/** What a daemon adds; alone, none of it is needed. */
interface SuspendHooks {
  /** VMs with claims, and how many each has. */
  readonly claims?: () => ReadonlyMap<string, number>;
  /**
   * The host is about to sleep until `untilMs` (Date.now), or until somebody wakes it: tell guests, give claimed clocks back. What the
   * knobs are after it is what they are again when after() is called.
   */
  readonly before?: (untilMs: number | undefined) => Promise<void> | void;
  /**
   * The host is awake, its knobs are back, VMs are not yet: apply claims again, let time policies catch up, tell guests. Called after
   * every before(); `record` is undefined when it never slept.
   */
  readonly after?: (record: SleepRecord | undefined) => Promise<void> | void;
}

/** A suspend that is asked for. */
export interface SuspendRequest {
  readonly target: SleepTarget;
  /** Seconds until the alarm, or the time of it (Date.now); "none" sleeps until somebody else wakes it. */
  readonly wake: { readonly inS: number } | { readonly atMs: number } | "none";
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly prepare: Preparation;
  /** s2idle, shallow, deep; or a method of power/disk. Then logind is passed by. */
  readonly variant?: string | undefined;
}

/** Where it happens. */
export interface SuspendWorld {
  readonly roots: Roots;
  readonly logind: Logind | undefined;
  /** VMs that are known to run. */
  readonly vms: readonly string[];
  readonly libvirt: Libvirt;
  readonly hooks?: SuspendHooks;
  /** Instead of the kernel's files or logind. */
  readonly enter?: EnterSleep;
  readonly nowMs: () => number;
}

/** How it went. */
export interface SuspendOutcome {
  readonly target: SleepTarget;
  readonly via: "kernel" | "logind";
  readonly slept: boolean;
  readonly wakeAt?: string;
  readonly clock?: string;
  readonly blockers: readonly Blocker[];
  readonly warnings: readonly string[];
  readonly prepared: readonly string[];
  /** Absent in a dry run. */
  readonly record?: SleepRecord;
  /** What could not be put back, a sentence each. */
  readonly notRestored: readonly string[];
}

/** Why there was no sleep. */
export type SuspendRefusal =
  | { readonly kind: "unsupported" | "blocked"; readonly blockers: readonly Blocker[] }
  | { readonly kind: "too-short"; readonly seconds: number }
  | { readonly kind: "busy"; readonly pid: number }
  | {
      readonly kind: "failed";
      readonly why: string;
      readonly record?: SleepRecord;
      readonly notRestored: readonly string[];
    };

/** Suspends the host and resolves when it is awake again and everything is back. */
export async function suspendHost(
  request: SuspendRequest,
  world: SuspendWorld,
): Promise<Result<SuspendOutcome, SuspendRefusal>> {
  const failed = (why: string, more: { record?: SleepRecord; notRestored?: readonly string[] } = {}) =>
    err({ kind: "failed", why, notRestored: [], ...more } as const);
  const { roots, logind, hooks = {} } = world;
  const { target, wake } = request;
  const seconds = wake === "none" ? undefined : secondsUntil(wake, world.nowMs());
  if (seconds !== undefined && seconds < LEAST_S) return err({ kind: "too-short", seconds });

  const found = all({
    state: readPowerState(roots.sysfsRoot),
    freeSwapKb: readFreeSwapKb(roots.procRoot),
    clock: findWakeClock(roots.sysfsRoot),
  });
  if (!found.ok) return failed(explainSysfs(found.error));
  const { state, clock, freeSwapKb } = found.value;
  const claims = hooks.claims?.();
  const looked = request.prepare === "none" ? ok([]) : await runningVms(world.libvirt);
  if (!looked.ok) {
    const { why, isAbsent } = looked.error;
    if (!isAbsent) return failed(why);
    const blockers = [{ kind: "libvirt", what: `no VM can be prepared: ${why}`, forceable: false }] as const;
    return err({ kind: "unsupported", blockers });
  }
  // What is prepared does not block.
  const vms = [...new Set([...world.vms, ...(claims?.keys() ?? [])])].filter(
    (vm) => !looked.value.includes(vm),
  );
  const blockers = blockersOf({
    target,
    state,
    statePath: `${roots.sysfsRoot}/power/state`,
    freeSwapKb,
    clock,
    wakes: wake !== "none",
    logind,
    vms: vms.map((vm) => ({ vm, claims: claims && (claims.get(vm) ?? 0) })),
  });
  const via = viaOf(request, logind);
  const warnings =
    seconds !== undefined && seconds < WARN_S
      ? [`${Math.floor(seconds)} s is short: a machine that takes long to suspend may miss the alarm`]
      : [];
  const about = { target, via, blockers, ...(clock && wake !== "none" && { clock: clock.name }) };
  const hard = blockers.filter((one) => !one.forceable);
  if (hard.length > 0) {
    const lacks = hard.some(({ kind }) => kind === "kernel" || kind === "wake-clock" || kind === "swap");
    return err({ kind: lacks ? "unsupported" : "blocked", blockers });
  }
  if (request.dryRun) {
    const wakeAt =
      seconds === undefined ? {} : { wakeAt: new Date(world.nowMs() + seconds * 1000).toISOString() };
    return ok({ ...about, ...wakeAt, slept: false, warnings, prepared: [], notRestored: [] });
  }
  if (blockers.length > 0 && !request.force) return err({ kind: "blocked", blockers });

  const lock = takeLock(`${roots.stateDir}/suspend.lock`);
  if (!lock.ok) return lock.error.kind === "busy" ? err(lock.error) : failed(explainSysfs(lock.error));
  const notRestored: string[] = [];
  let prepared: Prepared | undefined;
  try {
    if (request.prepare !== "none") {
      const done = await prepareVms(request.prepare, world.libvirt);
      if (!done.ok) return failed(done.error);
      prepared = done.value;
    }
    const left = wake === "none" ? undefined : secondsUntil(wake, world.nowMs());
    const untilMs = left === undefined ? undefined : world.nowMs() + left * 1000;
    await hooks.before?.(untilMs);
    const knobs = snapshotKnobs(roots.sysfsRoot);
    const alarm = clock && left !== undefined ? armed(clock, left, warnings) : ok(undefined);
    if (!alarm.ok) {
      await hooks.after?.(undefined);
      return failed(explainSysfs(alarm.error));
    }
    const enter =
      world.enter ??
      (via === "logind"
        ? enterByLogind(roots, target)
        : enterByKernel(roots.sysfsRoot, target, request.variant));
    const before = momentNow(roots, clock);
    const slept = await enter();
    const record = recordOf(roots, before, momentNow(roots, clock), alarm.value?.at);
    notRestored.push(...(alarm.value?.release() ?? []));
    for (const { error } of restoreSettings(cpuRootOf(roots), knobs)) notRestored.push(explainSysfs(error));
    await hooks.after?.(record);
    notRestored.push(...((await prepared?.undo()) ?? []));
    const vmNames = prepared?.vms ?? [];
    prepared = undefined;
    if (!slept.ok) return failed(slept.error, { record, notRestored });
    if (record.failure) {
      const { device, step, errno } = record.failure;
      return failed(`the kernel gave up at step ${step || "?"}, device ${device || "?"} (${errno})`, {
        record,
        notRestored,
      });
    }
    const wakeAt = untilMs === undefined ? {} : { wakeAt: new Date(untilMs).toISOString() };
    return ok({ ...about, ...wakeAt, slept: true, warnings, prepared: vmNames, record, notRestored });
  } finally {
    await prepared?.undo();
    lock.value();
  }
}

/** logind when it runs and would do it; a variant, freeze and a forced no go to the kernel. */
function viaOf({ target, variant, force }: SuspendRequest, logind: Logind | undefined): "kernel" | "logind" {
  const can = logind?.can[target];
  if (can === undefined || variant !== undefined || (force && (can === "no" || logind?.inhibitors.length)))
    return "kernel";
  return "logind";
}

const secondsUntil = (wake: { readonly inS: number } | { readonly atMs: number }, nowMs: number): number =>
  "inS" in wake ? wake.inS : (wake.atMs - nowMs) / 1000;

/** Arms the alarm. One that somebody else set for an earlier time stays and wakes the machine then; a later one is set again after. */
function armed(
  clock: WakeClock,
  inS: number,
  warnings: string[],
): Result<{ readonly at: number; release(): string[] }, SysfsError> {
  const now = clock.now();
  if (!now.ok) return now;
  const others = clock.alarm();
  if (!others.ok) return others;
  const at = now.value + Math.ceil(inS);
  const theirs = others.value !== undefined && others.value > now.value ? others.value : undefined;
  if (theirs !== undefined && theirs <= at) {
    warnings.push(`somebody else's wake alarm stands ${theirs - now.value} s from now: the host wakes then`);
    return ok({ at: theirs, release: () => [] });
  }
  const done = clock.arm(at);
  if (!done.ok) return done;
  return ok({
    at,
    release() {
      const back = theirs === undefined ? clock.disarm() : clock.arm(theirs);
      return back.ok ? [] : [explainSysfs(back.error)];
    },
  });
}

/** Returns the refusal as sentences without a full stop. */
export function explainSuspend(refusal: SuspendRefusal): string[] {
  switch (refusal.kind) {
    case "unsupported":
    case "blocked":
      return refusal.blockers.map((one) => one.what);
    case "too-short":
      return [
        `${Math.max(0, Math.floor(refusal.seconds))} s is too short to sleep; the least is ${LEAST_S} s`,
      ];
    case "busy":
      return [`process ${refusal.pid} suspends the host already`];
    case "failed":
      return [refusal.why, ...refusal.notRestored.map((one) => `not put back: ${one}`)];
  }
}
