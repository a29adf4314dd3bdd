// One clock that we may set: without it nothing would save, take, write, check and give back a domain in the right order.

import { type FrequencyTable, within } from "../../values/frequency.ts";
import { isDeepStrictEqual } from "node:util";
import { DONE, ok, type Result } from "../../values/result.ts";
import { type DomainId, type Khz, khz, type Pcpu } from "../../values/units.ts";
import { AttrDir, attrBytes } from "../attr.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf, lacksUserspace, pinOf } from "../driver/index.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";
import { type KhzRange, type OwnLimits, readLimits, readOwnLimits, writeLimits } from "./limits.ts";
import { type Originals, type OriginalsStore, readOriginals } from "./store.ts";
import type { Pin } from "./pin.ts";
import { restoreDomain } from "./originals.ts";

/** A table entry made ready, so that a change of frequency allocates nothing. */
interface Prepared {
  readonly khz: Khz;
  readonly bytes: Buffer;
  readonly done: Result<Khz, never>;
}

/** One domain. Nothing is written before the first set(), which saves the originals. */
export class Domain {
  readonly id: DomainId;
  readonly dir: string;
  /** related_cpus: the CPUs that share this clock, online or not. */
  readonly pcpus: readonly Pcpu[];
  /** scaling_driver's text. */
  readonly driver: string;
  /** Whether it is held by equal limits only because the kernel offers no governor userspace. */
  readonly lacksUserspace: boolean;
  readonly #attrs: AttrDir;
  readonly #pin: Pin;
  readonly #store: OriginalsStore;
  #found: Hardware;
  /** The operator's own limits: as they were when the domain was taken, else when it was looked at last. */
  #own: OwnLimits | undefined;
  #taken = false;
  /** What every claim stays within. */
  #range: KhzRange;
  #table: FrequencyTable;
  #allowed: FrequencyTable;
  #prepared: readonly Prepared[];
  /** What was asked for last, before it was rounded. */
  #wanted: Khz | undefined;
  #target: Prepared | undefined;
  /** Limits that stayed when they were widened: the kernel's, as when it is too hot. */
  #tight: KhzRange | undefined;

  constructor(id: DomainId, dir: AttrDir, found: Hardware, store: OriginalsStore) {
    this.id = id;
    this.dir = dir.path;
    this.pcpus = found.pcpus;
    this.driver = found.driver;
    this.lacksUserspace = lacksUserspace(found);
    this.#attrs = dir;
    this.#pin = pinOf(found, dir);
    this.#store = store;
    this.#found = found;
    this.#own = this.#readOwn();
    [this.#table, this.#allowed, this.#range, this.#prepared] = this.#fit();
  }

  /** The hardware's frequencies. It is another object when they or `allowed` have changed. */
  get table(): FrequencyTable {
    return this.#table;
  }

  /** Those within `range`, which are what can be set now. */
  get allowed(): FrequencyTable {
    return this.#allowed;
  }

  /** What every claim stays within: the operator's own limits, and those that the driver has for all CPUs. */
  get range(): KhzRange {
    return this.#range;
  }

  /** What the driver's limits for all CPUs leave of the hardware's range. */
  get bounds(): KhzRange {
    return this.#found.bounds;
  }

  /** Whether the hardware has turbo, and it is on. */
  get hasTurbo(): boolean {
    return this.#table.nominal > 0;
  }

  /** The highest frequency that isn't turbo, where the kernel tells. */
  get baseKhz(): Khz | undefined {
    return this.#found.base;
  }

  /** What was last written, if this domain is ours. */
  get target(): Khz | undefined {
    return this.#target?.khz;
  }

  /**
   * Sets the frequency to `target` kHz, rounded up to the table's next entry and kept within the limits that the operator had set
   * before us. The first call saves the originals and takes the governor; later ones are one write (two where min = max).
   * @returns the effective kHz. Errors: whatever the kernel answers; EINVAL for saved originals that can't be understood: then nothing is written.
   */
  set(target: Khz): Result<Khz, SysfsError> {
    const taken = this.#taken ? DONE : this.#take();
    if (!taken.ok) return taken;
    const entry = this.#entryFor(target);
    const done = this.#pin.set(entry.khz, entry.bytes);
    if (!done.ok) {
      // Nobody's frequency holds here yet, so nobody would give it back.
      if (!this.#target) this.restore();
      return done;
    }
    this.#wanted = target;
    this.#target = entry;
    return entry.done;
  }

  /** Takes what was found of the domain now: frequencies and limits follow it at the next set() or reapply(). */
  adopt(found: Hardware): void {
    const own = this.#taken ? this.#own : (this.#readOwn() ?? this.#own);
    if (isDeepStrictEqual(found, this.#found) && isDeepStrictEqual(own, this.#own)) return;
    this.#found = found;
    this.#own = own;
    [this.#table, this.#allowed, this.#range, this.#prepared] = this.#fit();
  }

  /** Reads what the kernel was told, in kHz: scaling_setspeed, or the upper limit where speed isn't set by hand. Never scaling_cur_freq. */
  current(): Result<Khz, SysfsError> {
    return this.#pin.told();
  }

  /** Reads the governor's name; undefined when the file is not there or can't be read now. */
  governor(): string | undefined {
    return this.#attrs.peek(FILE.governor);
  }

  /** Reads scaling_cur_freq in kHz, which can take a cross-CPU call; undefined when the driver has none. */
  observed(): Result<Khz | undefined, SysfsError> {
    return this.#attrs.readNumber(FILE.observed) as Result<Khz | undefined, SysfsError>;
  }

  /**
   * Reads whether the kernel no longer holds what was last written, or limits that exclude it; false when nothing was written, and
   * for limits that can't be widened.
   */
  drifted(): Result<boolean, SysfsError> {
    if (!this.#target) return ok(false);
    const narrowed = this.#narrowed(this.#target.khz);
    if (!narrowed.ok) return narrowed;
    if (narrowed.value !== undefined) return ok(!isSame(narrowed.value, this.#tight));
    const held = this.#pin.holds(this.#target.khz);
    return held.ok ? ok(!held.value) : held;
  }

  /** Opens the files anew, takes the governor, makes room and writes the last target again: after hotplug, resume or drift. Returns the target; undefined when there is none. */
  reapply(): Result<Khz | undefined, SysfsError> {
    if (this.#wanted === undefined) return ok(undefined);
    const entry = this.#entryFor(this.#wanted);
    this.#pin.close();
    const taken = this.#pin.take();
    if (!taken.ok) return taken;
    const room = this.#makeRoom(entry.khz);
    if (!room.ok) return room;
    const done = this.#pin.set(entry.khz, entry.bytes);
    if (!done.ok) return done;
    this.#target = entry;
    return entry.done;
  }

  /** Puts the saved originals back and forgets them; does nothing when none are saved. A failure keeps the file for another try. */
  restore(): Result<void, SysfsError> {
    const saved = this.#store.load(this.id);
    if (!saved.ok) return saved;
    this.close();
    const done = saved.value.state === "saved" ? restoreDomain(this.#attrs, saved.value.originals) : DONE;
    if (!done.ok) return done;
    this.#taken = false;
    this.#tight = undefined;
    this.#wanted = undefined;
    this.#target = undefined;
    return this.#store.forget(this.id);
  }

  /** Gives the files back; the next set() opens them anew. */
  close(): void {
    this.#pin.close();
  }

  /** Saves the originals unless this boot's are saved already, as after a crash, then takes the governor. */
  #take(): Result<void, SysfsError> {
    const saved = this.#store.load(this.id);
    if (!saved.ok) return saved;
    let originals: Originals;
    if (saved.value.state === "saved") originals = saved.value.originals;
    else {
      const read = readOriginals(this.#attrs, this.#found.unset);
      if (!read.ok) return read;
      originals = read.value;
      const kept = this.#store.save(this.id, originals);
      if (!kept.ok) return kept;
    }
    const taken = this.#pin.take();
    if (!taken.ok) {
      // Nothing was changed: a file made just now would only undo what the operator does next.
      if (saved.value.state !== "saved") this.#store.forget(this.id);
      return taken;
    }
    this.#taken = true;
    if (!isDeepStrictEqual(originals, this.#own)) {
      this.#own = originals;
      [this.#table, this.#allowed, this.#range, this.#prepared] = this.#fit();
    }
    return DONE;
  }

  /** Reads the operator's own limits, saved ones first, since those that stand may be a claim's; undefined while the CPUs are offline. */
  #readOwn(): OwnLimits | undefined {
    const saved = this.#store.load(this.id);
    if (saved.ok && saved.value.state === "saved") return saved.value.originals;
    const own = readOwnLimits(this.#attrs, this.#found.unset);
    return own.ok ? own.value : undefined;
  }

  /** Works out what can be set of what was found. As the kernel has it, an operator's minimum goes before the driver's maximum. */
  #fit(): [FrequencyTable, FrequencyTable, KhzRange, Prepared[]] {
    const found = this.#found;
    const { bounds } = found;
    const table = driverOf(found.driver).table(found);
    const [top = found.max] = table.steps;
    const own = this.#own;
    const least = own === undefined || own.noMin ? found.min : own.min;
    const most = own === undefined || own.noMax ? khz(Math.max(top, found.max)) : own.max;
    const max = khz(Math.max(least, bounds.max < found.max ? Math.min(most, bounds.max) : most));
    const range = { min: khz(Math.min(Math.max(least, bounds.min), max)), max };
    const allowed = within(table, range, found.listed.length === 0);
    const prepared = allowed.steps.map((step) => ({
      khz: step,
      bytes: attrBytes(`${step}`),
      done: ok(step),
    }));
    return [table, allowed, range, prepared];
  }

  /** Reads the limits and returns them when they exclude `target`, which the operator's own did not. */
  #narrowed(target: Khz): Result<KhzRange | undefined, SysfsError> {
    if (!includes(this.#range, target)) return ok(undefined);
    const now = readLimits(this.#attrs);
    return now.ok ? ok(includes(now.value, target) ? undefined : now.value) : now;
  }

  /** Widens limits that exclude `target` to the operator's own, and remembers those that stay as they were. */
  #makeRoom(target: Khz): Result<void, SysfsError> {
    this.#tight = undefined;
    const narrowed = this.#narrowed(target);
    if (!narrowed.ok) return narrowed;
    if (narrowed.value === undefined || !this.#own) return DONE;
    const widened = writeLimits(this.#attrs, this.#own);
    if (!widened.ok) return widened;
    const left = this.#narrowed(target);
    if (left.ok) this.#tight = left.value;
    return DONE;
  }

  /** As the kernel: clip to the limits, then the lowest entry at or above, else the highest there is. */
  #entryFor(target: Khz): Prepared {
    const entries = this.#prepared;
    for (let i = entries.length - 1; i > 0; i--) {
      const entry = entries[i] as Prepared;
      if (entry.khz >= target) return entry;
    }
    return entries[0] as Prepared;
  }
}

const includes = ({ min, max }: KhzRange, target: Khz): boolean => min <= target && target <= max;

const isSame = (a: KhzRange, b: KhzRange | undefined): boolean => a.min === b?.min && a.max === b.max;
