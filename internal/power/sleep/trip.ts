// What a sleep changes beside clocks (VMs, wake alarm, meaning of mem and disk), written down before it is touched: whoever comes after a crash undoes it.

import { takeLock } from "../../os/lock.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "../../sysfs/boot-record.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { powerDir, readPowerState } from "../../sysfs/power-state.ts";
import { findWakeClock } from "../../sysfs/wake-alarm.ts";
import { DONE, ok, type Result } from "../../values/result.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { bringBack, isPreparedVms, type Libvirt, type PreparedVms } from "./prepare-vms.ts";

/** The alarm that was set, in seconds of its clock. */
interface ArmedAlarm {
  /** Such as rtc0. */
  readonly clock: string;
  readonly at: number;
  /** The later one of somebody else that stood there. */
  readonly theirs?: number | undefined;
}

/** What `mem` or `disk` was made to mean. */
interface ChangedChoice {
  readonly file: "mem_sleep" | "disk";
  readonly was: string;
  readonly set: string;
}

/** What stands to be undone. */
interface Changes {
  readonly vms?: PreparedVms;
  readonly alarm?: ArmedAlarm;
  readonly choice?: ChangedChoice;
}

/** What was undone of a sleep whose process has ended, a sentence without a full stop each. */
export interface Undone {
  readonly undone: readonly string[];
  readonly failed: readonly string[];
}

/** A service that stops is waited for no longer than a minute or two. */
const PATIENT = { limitMs: 30_000 };

export const suspendLockIn = (stateDir: string): string => `${stateDir}/suspend.lock`;
const recordIn = (stateDir: string): string => `${stateDir}/suspend.json`;

/** The record of one sleep, of the process that has the lock. */
export class Trip {
  readonly #roots: Roots;
  #changes: Changes;

  constructor(roots: Roots, changes: Changes = {}) {
    this.#roots = roots;
    this.#changes = changes;
  }

  /** Writes down what will be touched next. Errors: ENOSPC, EACCES, EROFS: then it must not be touched. */
  note(more: Changes): Result<void, SysfsError> {
    const { procRoot, stateDir } = this.#roots;
    const changes = { ...this.#changes, ...more };
    const written = writeBootRecord(procRoot, recordIn(stateDir), changes);
    if (written.ok) this.#changes = changes;
    return written;
  }

  /** Puts the alarm and the meaning of mem and disk back, unless somebody has changed them since. Returns what failed. */
  undoMachine(): string[] {
    const { alarm, choice } = this.#changes;
    const failed: string[] = [];
    const rest: { alarm?: ArmedAlarm; choice?: ChangedChoice } = {};
    const tell = (done: Result<void, SysfsError>, kept: () => void) => {
      if (done.ok) return;
      failed.push(explainSysfs(done.error));
      kept();
    };
    if (alarm !== undefined) tell(undoAlarm(this.#roots.sysfsRoot, alarm), () => (rest.alarm = alarm));
    if (choice !== undefined) tell(undoChoice(this.#roots.sysfsRoot, choice), () => (rest.choice = choice));
    this.#keep({ ...(this.#changes.vms && { vms: this.#changes.vms }), ...rest });
    return failed;
  }

  /** Brings back the VMs that were prepared, as far as they are still as they were left. Returns what failed. */
  async undoVms(libvirt: Omit<Libvirt, "uri">): Promise<readonly string[]> {
    const { vms, ...rest } = this.#changes;
    if (vms === undefined) return [];
    const { failed, left } = await bringBack(vms, libvirt);
    this.#keep({ ...rest, ...(left.length > 0 && { vms: { ...vms, vms: left } }) });
    return failed;
  }

  /** What stands to be undone, in words. */
  get words(): string[] {
    return wordsOf(this.#changes);
  }

  /** A record that can't be made smaller only undoes again what is undone. */
  #keep(changes: Changes): void {
    this.#changes = changes;
    const { procRoot, stateDir } = this.#roots;
    if (Object.keys(changes).length === 0) forgetBootRecord(recordIn(stateDir));
    else writeBootRecord(procRoot, recordIn(stateDir), changes);
  }
}

/**
 * Undoes what a sleep left whose process was killed; nothing when one is under way, or when there is nothing. What can't be undone stays
 * written down for another try.
 */
export async function undoTrip(roots: Roots, libvirt: Omit<Libvirt, "uri"> = PATIENT): Promise<Undone> {
  const { procRoot, stateDir } = roots;
  const read = readBootRecord(procRoot, recordIn(stateDir), judge);
  if (!read.ok) return { undone: [], failed: [explainSysfs(read.error)] };
  if (read.value.state === "none") return { undone: [], failed: [] };
  const lock = takeLock(suspendLockIn(stateDir));
  if (!lock.ok) {
    return lock.error.kind === "busy"
      ? { undone: [], failed: [] }
      : { undone: [], failed: [explainSysfs(lock.error)] };
  }
  try {
    if (read.value.state !== "current") {
      // VMs, alarm and choices of another boot are gone with it.
      forgetBootRecord(recordIn(stateDir));
      return { undone: [], failed: [] };
    }
    const trip = new Trip(roots, read.value.record);
    const words = trip.words;
    const failed = [...trip.undoMachine(), ...(await trip.undoVms(libvirt))];
    const left = new Set(trip.words);
    return { undone: words.filter((one) => !left.has(one)), failed };
  } finally {
    lock.value();
  }
}

/** Returns what undoTrip() would undo, a sentence without a full stop each; nothing is touched. Errors: as the record's. */
export function foreseeTrip({ procRoot, stateDir }: Roots): Result<readonly string[], SysfsError> {
  const read = readBootRecord(procRoot, recordIn(stateDir), judge);
  if (!read.ok) return read;
  return ok(read.value.state === "current" ? wordsOf(read.value.record) : []);
}

/** Returns what stands to be undone, in words. */
const wordsOf = ({ vms, alarm, choice }: Changes): string[] => [
  ...(vms?.vms.map(({ name }) => `VM ${name} brought back`) ?? []),
  ...(alarm ? [`the wake alarm of ${alarm.clock} cleared`] : []),
  ...(choice ? [`power/${choice.file} says ${choice.was} again`] : []),
];

function undoAlarm(sysfsRoot: string, { clock, at, theirs }: ArmedAlarm): Result<void, SysfsError> {
  const found = findWakeClock(sysfsRoot, clock);
  if (!found.ok || found.value === undefined) return found.ok ? DONE : found;
  const stands = found.value.alarm();
  if (!stands.ok) return stands;
  if (theirs !== undefined && (stands.value === undefined || stands.value === at)) {
    const now = found.value.now();
    if (now.ok && now.value < theirs) return found.value.arm(theirs);
  }
  return stands.value === at ? found.value.disarm() : DONE;
}

function undoChoice(sysfsRoot: string, { file, was, set }: ChangedChoice): Result<void, SysfsError> {
  const state = readPowerState(sysfsRoot);
  if (!state.ok) return state;
  const now = file === "mem_sleep" ? state.value.memSleep?.current : state.value.disk?.current;
  return now === set || now === undefined ? powerDir(sysfsRoot).write(file, was) : DONE;
}

function judge(raw: Readonly<Record<string, unknown>>): Changes | undefined {
  const { vms, alarm, choice } = raw;
  if (vms !== undefined && !isPreparedVms(vms)) return undefined;
  if (alarm !== undefined && !isAlarm(alarm)) return undefined;
  if (choice !== undefined && !isChoice(choice)) return undefined;
  return { ...(vms && { vms }), ...(alarm && { alarm }), ...(choice && { choice }) };
}

const isObject = (raw: unknown): raw is Readonly<Record<string, unknown>> =>
  typeof raw === "object" && raw !== null;

const isAlarm = (raw: unknown): raw is ArmedAlarm =>
  isObject(raw) &&
  typeof raw["clock"] === "string" &&
  Number.isSafeInteger(raw["at"]) &&
  (raw["theirs"] === undefined || Number.isSafeInteger(raw["theirs"]));

const isChoice = (raw: unknown): raw is ChangedChoice =>
  isObject(raw) &&
  (raw["file"] === "mem_sleep" || raw["file"] === "disk") &&
  [raw["was"], raw["set"]].every((word) => typeof word === "string" && /^[a-z0-9_]{1,32}$/.test(word));
