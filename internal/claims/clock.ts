// What the ledger needs of a machine's clocks: it decides over them, and whoever has the files moves them.

import type { FrequencyTable } from "../values/frequency.ts";
import type { Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import type { DomainId, Khz, Pcpu } from "../values/units.ts";

/** CPUs that share a clock. */
export interface DomainClock {
  readonly id: DomainId;
  readonly pcpus: readonly Pcpu[];
  readonly table: FrequencyTable;
  /** The part of it that can be set now: within the limits of the machine's operator and of the driver. */
  readonly allowed: FrequencyTable;
  /** Reads what `allowed` will be once it was told something: its limits may have moved while nobody claimed it. */
  whenTaken(): FrequencyTable;
  /** Whether its turbo, where it has any, may be used by whoever has not said so. */
  readonly turboAtStart: boolean;
  /** What it was told, kHz; undefined while it is as its operator had it. */
  readonly target: Khz | undefined;
  /** The upper limit that cap() set, kHz, while it stands. */
  readonly ceiling: Khz | undefined;
  /** Tells the clock `target`; returns what it was told, kHz. */
  set(target: Khz): Result<Khz, SysfsError>;
  /** Keeps it at `ceiling` at most while nobody claims it; a claim that stood ends. */
  cap(ceiling: Khz): Result<void, SysfsError>;
  /** Gives it back as it was before the first set() or cap(). */
  restore(): Result<void, SysfsError>;
}

/** All clocks of a machine. */
export interface DomainClocks {
  domainById(id: DomainId): DomainClock | undefined;
  /** Returns a domain and those whose CPUs are its SMT siblings. */
  group(id: DomainId): readonly DomainClock[];
}
