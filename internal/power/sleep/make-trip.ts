// The way into sleep and back in its order: VMs, guests and clocks, alarm, sleep, and everything put back the other way round.

import { DONE, err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { cpuRootOf } from "../../sysfs/cpufreq/originals.ts";
import type { WakeClock } from "../../sysfs/wake-alarm.ts";
import { snapshotKnobs } from "../profiles/knob-snapshot.ts";
import { restoreSettings } from "../profiles/write.ts";
import { armAlarm, planAlarm } from "./alarm.ts";
import type { EnterSleep } from "./enter-sleep.ts";
import { INTERRUPTED, type LibvirtVm, prepareVms } from "./prepare-vms.ts";
import { type Moment, momentNow, recordOf, type SleepRecord } from "./sleep-record.ts";
import type { SuspendRequest, SuspendWorld } from "./suspend-request.ts";
import type { Trip } from "./trip.ts";

/** Seconds: a shorter sleep would end before it began. */
export const LEAST_S = 5;
/** Later than this after the alarm is told, in s: a machine takes some to come back, one from a disk many. */
const LATE_S = 60;

/** What it takes. */
interface Means {
  readonly trip: Trip;
  readonly enter: EnterSleep;
  readonly clock: WakeClock | undefined;
  /** libvirt's VMs, to be prepared. */
  readonly vms: readonly LibvirtVm[];
}

/** How it went. */
interface Made {
  readonly record: SleepRecord;
  readonly warnings: readonly string[];
  readonly prepared: readonly string[];
  readonly notRestored: readonly string[];
}

/** Why it came to no sleep. */
interface NotMade {
  readonly why: string;
  /** Absent when it was not even tried. */
  readonly record?: SleepRecord;
  readonly notRestored: readonly string[];
}

/** Returns the seconds from `nowMs` to the end that is asked for; undefined when somebody else ends it. */
export function secondsUntil(wake: SuspendRequest["wake"], nowMs: number): number | undefined {
  if (wake === "none") return undefined;
  return "inS" in wake ? wake.inS : (wake.atMs - nowMs) / 1000;
}

/** Prepares, sleeps and puts everything back. */
export async function makeTrip(
  { wake, prepare }: SuspendRequest,
  { roots, hooks = {}, libvirt, nowMs, signal }: SuspendWorld,
  { trip, enter, clock, vms }: Means,
): Promise<Result<Made, NotMade>> {
  const notRestored: string[] = [];
  const prepared =
    prepare === "none"
      ? DONE
      : await prepareVms(
          prepare,
          vms,
          libvirt,
          (noted) => {
            const done = trip.note({ vms: noted });
            return done.ok ? DONE : err(explainSysfs(done.error));
          },
          signal,
        );
  let on: { readonly knobs: ReturnType<typeof snapshotKnobs> } | undefined;
  let before: Moment | undefined;
  let alarmS: number | undefined;
  const steps = {
    async soon() {
      const seconds = secondsUntil(wake, nowMs());
      const planned = clock && seconds !== undefined ? planAlarm(clock, seconds) : undefined;
      const inS = planned?.ok ? planned.value.inS : seconds;
      await hooks.before?.(inS === undefined ? undefined : nowMs() + inS * 1000);
      on = { knobs: snapshotKnobs(roots.sysfsRoot) };
    },
    arm(): Result<void, string> {
      before = momentNow(roots, clock);
      const seconds = secondsUntil(wake, nowMs());
      if (clock === undefined || seconds === undefined) return DONE;
      if (seconds < LEAST_S) return err("the time to wake came before the host was ready to sleep");
      const armed = armAlarm(clock, seconds, trip);
      if (armed.ok) alarmS = armed.value;
      return armed.ok ? DONE : armed;
    },
    signal,
  };
  const slept = !prepared.ok ? prepared : signal?.aborted ? err(INTERRUPTED) : await enter(steps);
  const record =
    before === undefined
      ? undefined
      : recordOf(roots, before, momentNow(roots, clock), { slept: slept.ok, clock, alarmS });
  const gaveUp = record?.failure;
  const isDone = slept.ok && record !== undefined && gaveUp === undefined;
  notRestored.push(...trip.undoMachine());
  if (on !== undefined) {
    for (const { error } of restoreSettings(cpuRootOf(roots), on.knobs))
      notRestored.push(explainSysfs(error));
    await hooks.after?.(record, isDone);
  }
  notRestored.push(...(await trip.undoVms(libvirt)));
  if (isDone) {
    const { lateS } = record;
    const warnings =
      lateS !== undefined && lateS > LATE_S ? [`the host was awake only ${lateS} s after the alarm`] : [];
    return ok({ record, warnings, prepared: vms.map(({ name }) => name), notRestored });
  }
  const why = !slept.ok
    ? slept.error
    : gaveUp
      ? `the kernel gave up at step ${gaveUp.step || "?"}, device ${gaveUp.device || "?"} (${gaveUp.errno})`
      : "it was not tried";
  return err({ why, ...(record && { record }), notRestored });
}
