// A domain's settings as they were before us, in a file, so that a crash does not leave a guest's last wish behind.

import { renameSync } from "node:fs";
import { DONE, err, ok, type Result } from "../../values/result.ts";
import { type DomainId, domainId, type Khz, khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import { forgetBootRecord, readBootRecord, writeBootRecord } from "../boot-record.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";
import { listNumbered } from "../numbered.ts";
import { FILE } from "./files.ts";
import { type KhzRange, type OwnLimits, readKhz, readOwnLimits } from "./limits.ts";

/** What restore puts back. */
export interface Originals extends OwnLimits {
  readonly governor: string;
  /** Only under governor userspace, where it means something. */
  readonly setspeed: Khz | undefined;
  /** Whose settings they are: another driver begins anew. Undefined in records of an older powermon. */
  readonly driver: string | undefined;
}

/** What is known about a domain's originals: none saved, saved since this boot, or left over from another boot. */
export type Saved =
  { readonly state: "none" | "stale" } | { readonly state: "saved"; readonly originals: Originals };

/**
 * The folder that keeps originals, one file per domain: `<stateDir>/originals/policyN.json`. What has been given back is named
 * `policyN.json.back`: nobody restores it, and it gets its old name where the next claim finds the same originals.
 */
export class OriginalsStore {
  readonly #folder: string;
  readonly #procRoot: string;
  /** What this process has saved, as JSON, wherever it is now. */
  readonly #texts = new Map<DomainId, string>();

  /** @param procRoot stands for /proc: the boot id tells this boot's files from older ones */
  constructor(stateDir: string, procRoot: string) {
    this.#folder = `${stateDir}/originals`;
    this.#procRoot = procRoot;
  }

  /** Returns the domains that have a file, in order; none when there is no folder. */
  list(): Result<DomainId[], SysfsError> {
    const numbers = listNumbered(this.#folder, "policy", ".json");
    return numbers.ok ? ok(numbers.value.map(domainId)) : numbers;
  }

  /** Reads what is saved for `id`. Errors: EINVAL for a file that can't be understood, ENOENT when there is no boot id. */
  load(id: DomainId): Result<Saved, SysfsError> {
    const read = readBootRecord(this.#procRoot, this.#path(id), judge);
    if (!read.ok) return read;
    if (read.value.state === "none") return ok({ state: "none" });
    if (read.value.state !== "current") return ok({ state: "stale" });
    return ok({ state: "saved", originals: read.value.record });
  }

  /** Saves `originals` for `id` whole or not at all; no disk is waited for. Errors: ENOSPC, EACCES, EROFS. */
  save(id: DomainId, originals: Originals): Result<void, SysfsError> {
    const text = JSON.stringify(originals);
    if (this.#texts.get(id) === text && moved(this.#backPath(id), this.#path(id))) return DONE;
    this.#texts.delete(id);
    const saved = writeBootRecord(this.#procRoot, this.#path(id), originals);
    if (saved.ok) this.#texts.set(id, text);
    return saved;
  }

  /** Forgets what is saved for `id`, if anything. */
  forget(id: DomainId): Result<void, SysfsError> {
    if (this.#texts.has(id) && moved(this.#path(id), this.#backPath(id))) return DONE;
    this.#texts.delete(id);
    return forgetBootRecord(this.#path(id));
  }

  #path(id: DomainId): string {
    return `${this.#folder}/policy${id}.json`;
  }

  #backPath(id: DomainId): string {
    return `${this.#path(id)}.back`;
  }
}

/** Gives the file at `from` the name `to`, in one step: whoever is killed leaves one of them. Returns whether it did. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/**
 * Reads the settings of the domain in `dir` that restore would put back.
 * @param unset the limits that show where nobody set any
 */
export function readOriginals(dir: AttrDir, unset: KhzRange): Result<Originals, SysfsError> {
  const governor = dir.read(FILE.governor);
  if (!governor.ok) return governor;
  if (!isGovernor(governor.value))
    return err(notUnderstood(`${dir.path}/${FILE.governor}`, governor.value ?? ""));
  const limits = readOwnLimits(dir, unset);
  if (!limits.ok) return limits;
  const speed = governor.value === "userspace" ? readKhz(dir, FILE.speed) : ok(undefined);
  if (!speed.ok) return speed;
  const driver = dir.peek(FILE.driver);
  return ok({ governor: governor.value, ...limits.value, setspeed: speed.value, driver });
}

function judge({
  governor,
  min,
  max,
  setspeed,
  noMin,
  noMax,
  driver,
}: Readonly<Record<string, unknown>>): Originals | undefined {
  if (!isGovernor(governor) || !isKhz(min) || !isKhz(max) || min > max) return undefined;
  if (governor === "userspace" ? !isKhz(setspeed) : setspeed !== undefined) return undefined;
  const speed = isKhz(setspeed) ? setspeed : undefined;
  // Records of an older powermon say nothing of limits that are none.
  const none = { noMin: noMin === true, noMax: noMax === true };
  return { governor, min, max, ...none, setspeed: speed, driver: isGovernor(driver) ? driver : undefined };
}

/** Source: include/linux/cpufreq.h, CPUFREQ_NAME_LEN 16 with the final zero. */
const isGovernor = (value: unknown): value is string =>
  typeof value === "string" && /^[A-Za-z0-9_-]{1,15}$/.test(value);

const isKhz = (value: unknown): value is Khz =>
  typeof value === "number" && Number.isSafeInteger(value) && khz(value) > 0;
