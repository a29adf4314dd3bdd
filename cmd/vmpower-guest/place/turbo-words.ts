// Whether turbo was switched on or off for a clock of one's own: each command is a program of its own, and the next is to know it.

import { forgetBootRecord, readBootRecord, writeBootRecord } from "../../../internal/sysfs/boot-record.ts";
import type { Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import type { DomainId } from "../../../internal/values/units.ts";
import type { SysfsError } from "../../../internal/values/sysfs-error.ts";
import { ok, type Result } from "../../../internal/values/result.ts";

/** The last word on turbo for each clock in this boot, one file each: `<stateDir>/turbo/policyN.json`. */
export class TurboWords {
  readonly #roots: Roots;

  constructor(roots: Roots) {
    this.#roots = roots;
  }

  /** Returns what was said last; undefined where nothing was, in this boot. Errors: EINVAL for a file that can't be understood, EACCES. */
  said(id: DomainId): Result<boolean | undefined, SysfsError> {
    const read = readBootRecord(this.#roots.procRoot, this.#path(id), judge);
    if (!read.ok) return read;
    return ok(read.value.state === "current" ? read.value.record.turbo : undefined);
  }

  /** Remembers `turbo` for a clock. Errors: ENOSPC, EACCES, EROFS. */
  say(id: DomainId, turbo: boolean): Result<void, SysfsError> {
    return writeBootRecord(this.#roots.procRoot, this.#path(id), { turbo });
  }

  /** Forgets what was said of a clock, if anything. Errors: EACCES, EROFS. */
  forget(id: DomainId): Result<void, SysfsError> {
    return forgetBootRecord(this.#path(id));
  }

  #path(id: DomainId): string {
    return `${this.#roots.stateDir}/turbo/policy${id}.json`;
  }
}

function judge({ turbo }: Readonly<Record<string, unknown>>): { readonly turbo: boolean } | undefined {
  return typeof turbo === "boolean" ? { turbo } : undefined;
}
