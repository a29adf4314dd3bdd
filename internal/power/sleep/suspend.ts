// The host sleeps and comes back as it was: checks, alarm, VMs, sleep, and everything put back in order.

import type { Code, Problem } from "../../values/answer.ts";
import { all, err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { type ImageRoom, readImageRoom } from "../../sysfs/image-room.ts";
import { readPowerState } from "../../sysfs/power-state.ts";
import { findWakeClock } from "../../sysfs/wake-alarm.ts";
import { takeLock } from "../../os/lock.ts";
import { planAlarm, warnOfAlarm } from "./alarm.ts";
import { enterByLogind } from "./enter-by-logind.ts";
import { enterByKernel } from "./enter-sleep.ts";
import type { Logind } from "./logind.ts";
import { LEAST_S, makeTrip, secondsUntil } from "./make-trip.ts";
import { runningVms } from "./prepare-vms.ts";
import type { SleepRecord } from "./sleep-record.ts";
import type { SleepTarget } from "./sleep-target.ts";
import { type Blocker, blockersOf } from "./suspend-blockers.ts";
import type { SuspendRequest, SuspendWorld } from "./suspend-request.ts";
import { suspendLockIn, Trip, undoTrip } from "./trip.ts";

/** Seconds; libvirt refuses less. */
const WARN_S = 60;

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

/**
 * Suspends the host and resolves when it is awake again and everything is back. Whatever is touched on the way is noted first: undoTrip()
 * undoes it should this process be killed.
 */
export async function suspendHost(
  request: SuspendRequest,
  world: SuspendWorld,
): Promise<Result<SuspendOutcome, SuspendRefusal>> {
  const failed = (why: string) => err({ kind: "failed", why, notRestored: [] } as const);
  const { roots, logind, hooks = {} } = world;
  const { target, wake } = request;
  const seconds = secondsUntil(wake, world.nowMs());
  if (seconds !== undefined && seconds < LEAST_S) return err({ kind: "too-short", seconds });

  const found = all({
    state: readPowerState(roots.sysfsRoot),
    room: readImageRoom(roots),
    clock: findWakeClock(roots.sysfsRoot),
  });
  if (!found.ok) return failed(explainSysfs(found.error));
  const { state, clock, room } = found.value;
  const planned = clock && seconds !== undefined ? planAlarm(clock, seconds) : ok(undefined);
  if (!planned.ok) return failed(planned.error);
  const wakeInS = planned.value?.inS ?? seconds;
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
    (vm) => !looked.value.some(({ name }) => name === vm),
  );
  const blockers = blockersOf({
    target,
    state,
    statePath: `${roots.sysfsRoot}/power/state`,
    room,
    clock,
    wakeInS,
    logind,
    vms: vms.map((vm) => ({ vm, claims: claims && (claims.get(vm) ?? 0) })),
  });
  const via = viaOf(request, logind);
  const warnings = warningsOf(target, wakeInS, room, planned.value && warnOfAlarm(planned.value));
  const wakeAt =
    wakeInS === undefined ? {} : { wakeAt: new Date(world.nowMs() + wakeInS * 1000).toISOString() };
  const about = { target, via, blockers, ...(clock && wake !== "none" && { clock: clock.name }), ...wakeAt };
  const hard = blockers.filter((one) => !one.forceable);
  if (hard.length > 0) {
    const lacks = hard.some(({ kind }) => kind === "kernel" || kind === "wake-clock" || kind === "swap");
    return err({ kind: lacks ? "unsupported" : "blocked", blockers });
  }
  if (request.dryRun) return ok({ ...about, slept: false, warnings, prepared: [], notRestored: [] });
  if (blockers.length > 0 && !request.force) return err({ kind: "blocked", blockers });

  const left = await undoTrip(roots, world.libvirt);
  if (left.failed.length > 0)
    return failed(`an earlier sleep was cut off, and can't be undone: ${left.failed.join("; ")}`);
  const lock = takeLock(suspendLockIn(roots.stateDir));
  if (!lock.ok) return lock.error.kind === "busy" ? err(lock.error) : failed(explainSysfs(lock.error));
  try {
    const trip = new Trip(roots);
    const enter =
      world.enter ??
      (via === "logind"
        ? enterByLogind(target)
        : enterByKernel(roots.sysfsRoot, target, trip, request.variant));
    const made = await makeTrip(request, world, { trip, enter, clock, vms: looked.value });
    if (!made.ok) return err({ kind: "failed", ...made.error });
    return ok({ ...about, slept: true, ...made.value, warnings: [...warnings, ...made.value.warnings] });
  } finally {
    lock.value();
  }
}

function warningsOf(
  target: SleepTarget,
  wakeInS: number | undefined,
  room: ImageRoom,
  alarm: string | undefined,
): string[] {
  const short =
    wakeInS !== undefined && wakeInS < WARN_S
      ? `${Math.floor(wakeInS)} s is short: a machine that takes long to suspend may miss the alarm`
      : undefined;
  const lost =
    (target === "disk" || target === "hybrid") && room.resumes === false
      ? "the kernel knows no resume device (resume= of its command line): unless the boot loader or the initrd names one, the next boot drops the image"
      : undefined;
  return [short, alarm, lost].filter((one) => one !== undefined);
}

/** logind when it runs and would do it; a variant, freeze and a forced no go to the kernel. */
function viaOf({ target, variant, force }: SuspendRequest, logind: Logind | undefined): "kernel" | "logind" {
  const can = logind?.can[target];
  if (can === undefined || variant !== undefined || (force && (can === "no" || logind?.inhibitors.length)))
    return "kernel";
  return "logind";
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

const CODE_OF: Readonly<Record<SuspendRefusal["kind"], Code>> = {
  unsupported: "unsupported",
  blocked: "refused",
  "too-short": "invalid",
  busy: "busy",
  failed: "failed",
};

/** Returns whether force would pass what speaks against it. */
export const isForceable = (refusal: SuspendRefusal): boolean =>
  refusal.kind === "blocked" && refusal.blockers.every((one) => one.forceable);

/** Returns the refusal as operators' programs get it. */
export function problemOf(refusal: SuspendRefusal): Problem {
  const hint = isForceable(refusal) ? ["force sleeps in spite of it"] : [];
  const blockers = "blockers" in refusal ? refusal.blockers : [];
  const notRestored = "notRestored" in refusal ? refusal.notRestored : [];
  return {
    code: CODE_OF[refusal.kind],
    message: `${[...explainSuspend(refusal), ...hint].join("; ")}.`,
    details: { blockers, notRestored, ...("record" in refusal && { record: refusal.record }) },
  };
}
