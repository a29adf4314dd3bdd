// A domain's settings as they were before us, on disk: without it a crash would leave the machine at a guest's last wish.

import { err, ok, type Result } from "../../values/result.ts";
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
}

/** What is known about a domain's originals: none saved, saved since this boot, or left over from another boot. */
export type Saved =
  { readonly state: "none" | "stale" } | { readonly state: "saved"; readonly originals: Originals };

/** The folder that keeps originals, one file per domain: `<stateDir>/originals/policyN.json`. */
export class OriginalsStore {
  readonly #folder: string;
  readonly #procRoot: string;

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
    if (read.value.state !== "current") return ok({ state: read.value.state });
    return ok({ state: "saved", originals: read.value.record });
  }

  /** Saves `originals` for `id` whole or not at all, synced when it returns. Errors: ENOSPC, EACCES, EROFS. */
  save(id: DomainId, originals: Originals): Result<void, SysfsError> {
    return writeBootRecord(this.#procRoot, this.#path(id), originals);
  }

  /** Forgets what is saved for `id`, if anything. */
  forget(id: DomainId): Result<void, SysfsError> {
    return forgetBootRecord(this.#path(id));
  }

  #path(id: DomainId): string {
    return `${this.#folder}/policy${id}.json`;
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
  return speed.ok ? ok({ governor: governor.value, ...limits.value, setspeed: speed.value }) : speed;
}

function judge({
  governor,
  min,
  max,
  setspeed,
  noMin,
  noMax,
}: Readonly<Record<string, unknown>>): Originals | undefined {
  if (!isGovernor(governor) || !isKhz(min) || !isKhz(max) || min > max) return undefined;
  if (governor === "userspace" ? !isKhz(setspeed) : setspeed !== undefined) return undefined;
  const speed = isKhz(setspeed) ? setspeed : undefined;
  // Records of an older powermon say nothing of limits that are none.
  return { governor, min, max, noMin: noMin === true, noMax: noMax === true, setspeed: speed };
}

/** Source: include/linux/cpufreq.h, CPUFREQ_NAME_LEN 16 with the final zero. */
const isGovernor = (value: unknown): value is string =>
  typeof value === "string" && /^[A-Za-z0-9_-]{1,15}$/.test(value);

const isKhz = (value: unknown): value is Khz =>
  typeof value === "number" && Number.isSafeInteger(value) && khz(value) > 0;
