// One clock that we may set: its settings are saved, it is taken, written, checked and given back, in this order.

import type { FrequencyTable } from "../../values/frequency.ts";
import { dirname } from "node:path";
import { DONE, ok, type Result } from "../../values/result.ts";
import type { DomainId, Khz, Pcpu } from "../../values/units.ts";
import { AttrDir } from "../attr.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf, lacksUserspace, pinOf } from "../driver/index.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { readTurboAllowed } from "./boost.ts";
import { readHardware } from "./domain-state.ts";
import { FILE } from "./files.ts";
import { type KhzRange, type OwnLimits, readLimits, readOwnLimits, writeLimits } from "./limits.ts";
import { type Originals, type OriginalsStore, readOriginals } from "./store.ts";
import type { Pin } from "./pin.ts";
import { prepare, type Prepared } from "./prepared.ts";
import { limitsOf, type Reach, reachOf } from "./reach.ts";
import { restoreDomain } from "./originals.ts";

/** One domain. Nothing is written before the first set(), which saves the originals. */
export class Domain {
  readonly id: DomainId;
  readonly dir: string;
  /** related_cpus: the CPUs that share this clock, online or not. */
  readonly pcpus: readonly Pcpu[];
  /** scaling_driver's text. */
  readonly driver: string;
  /** Whether its turbo, where it has any, may be used by whoever has not said so. */
  readonly turboAtStart: boolean;
  /** Whether it is held by equal limits only because the kernel offers no governor userspace. */
  readonly lacksUserspace: boolean;
  /** The folder of CPUs. */
  readonly #cpus: string;
  readonly #attrs: AttrDir;
  readonly #pin: Pin;
  readonly #store: OriginalsStore;
  readonly #changed: () => void;
  #found: Hardware;
  /** The operator's own limits: as they were when the domain was taken, else when it was looked at last. */
  #own: OwnLimits | undefined;
  #taken = false;
  #reach: Reach;
  #prepared: readonly Prepared[];
  /** What was asked for last, before it was rounded. */
  #wanted: Khz | undefined;
  #target: Prepared | undefined;
  /** Limits that stayed when they were widened: the kernel's, as when it is too hot. */
  #tight: KhzRange | undefined;

  /** @param changed told when what can be set is another than it was */
  constructor(id: DomainId, dir: AttrDir, found: Hardware, store: OriginalsStore, changed: () => void) {
    this.id = id;
    this.dir = dir.path;
    this.#cpus = dirname(dirname(dir.path));
    this.pcpus = found.pcpus;
    this.driver = found.driver;
    this.turboAtStart = driverOf(found.driver).turboAtStart;
    this.lacksUserspace = lacksUserspace(found);
    this.#attrs = dir;
    this.#pin = pinOf(found, dir);
    this.#store = store;
    this.#changed = changed;
    this.#found = found;
    this.#own = this.#readOwn(found.unset);
    this.#reach = reachOf(found, this.#own);
    this.#prepared = prepare(this.#reach);
  }

  /** The hardware's frequencies. It is another object when they or `allowed` have changed. */
  get table(): FrequencyTable {
    return this.#reach.table;
  }

  /** Those within `range`, which are what can be set now. */
  get allowed(): FrequencyTable {
    return this.#reach.allowed;
  }

  /** Reads what can be set once it is taken; `limits` of its operator stand in place of those that are there. */
  whenTaken(limits: Partial<OwnLimits> = {}): FrequencyTable {
    const found = this.#taken ? ok(this.#found) : this.#read();
    if (!found.ok) return this.allowed;
    const own = this.#taken ? this.#own : this.#readOwn(found.value.unset);
    return reachOf(found.value, own && { ...own, ...limits }).allowed;
  }

  /** What every claim stays within: the operator's own limits, and those that the driver has for all CPUs. */
  get range(): KhzRange {
    return this.#reach.range;
  }

  /** The operator's own limits, and those that the driver has for all CPUs; an end that is none is undefined. */
  get limits() {
    return limitsOf(this.#found, this.#own);
  }

  /** Reads the limits that the kernel holds now. Errors: EBUSY while the CPUs are offline. */
  held(): Result<KhzRange, SysfsError> {
    return readLimits(this.#attrs);
  }

  /** Whether the hardware has turbo, and it is on. */
  get hasTurbo(): boolean {
    return this.#reach.table.nominal > 0;
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

  /** Reads whether turbo was switched since the domain was read last. */
  turboMoved(): boolean {
    const allowed = readTurboAllowed(this.#cpus, driverOf(this.driver), this.id);
    return allowed.ok && allowed.value !== this.#found.turboAllowed;
  }

  /** Takes what is found of the domain now. Returns whether its frequencies have changed: they follow at the next set() or reapply(). */
  reread(found = this.#read()): boolean {
    const { table } = this;
    if (found.ok)
      this.#follow(found.value, this.#taken ? this.#own : (this.#readOwn(found.value.unset) ?? this.#own));
    return table !== this.table;
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
    const done =
      saved.value.state === "saved" ? restoreDomain(this.#attrs, saved.value.originals, this.target) : DONE;
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
    // What was seen at the last scan may have changed since.
    const found = this.#read();
    if (!found.ok) return found;
    const saved = this.#saved();
    if (!saved.ok) return saved;
    const read = saved.value === undefined ? readOriginals(this.#attrs, found.value.unset) : saved;
    if (!read.ok || read.value === undefined) return read as Result<never, SysfsError>;
    const kept = saved.value === undefined ? this.#store.save(this.id, read.value) : DONE;
    if (!kept.ok) return kept;
    const taken = this.#pin.take();
    if (!taken.ok) {
      // Nothing was changed: a file made just now would only undo what the operator does next.
      if (saved.value === undefined) this.#store.forget(this.id);
      return taken;
    }
    this.#taken = true;
    this.#follow(found.value, read.value);
    return DONE;
  }

  #read(): Result<Hardware, SysfsError> {
    return readHardware(this.#cpus, this.id);
  }

  /** Reads this boot's originals, if they are saved and this driver's. */
  #saved(): Result<Originals | undefined, SysfsError> {
    const saved = this.#store.load(this.id);
    if (!saved.ok) return saved;
    const originals = saved.value.state === "saved" ? saved.value.originals : undefined;
    return ok((originals?.driver ?? this.driver) === this.driver ? originals : undefined);
  }

  /** Reads the operator's own limits, saved ones first, since those that stand may be a claim's; undefined while the CPUs are offline. */
  #readOwn(unset: KhzRange): OwnLimits | undefined {
    const saved = this.#saved();
    const own = saved.ok && saved.value ? saved : readOwnLimits(this.#attrs, unset);
    return own.ok ? own.value : undefined;
  }

  #follow(found: Hardware, own: OwnLimits | undefined): void {
    this.#found = found;
    this.#own = own;
    const reach = reachOf(found, own);
    if (JSON.stringify(reach) === JSON.stringify(this.#reach)) return;
    this.#reach = reach;
    this.#changed();
    this.#prepared = prepare(this.#reach);
  }

  /** Reads the limits and returns them when they exclude `target`, which the operator's own did not. */
  #narrowed(target: Khz): Result<KhzRange | undefined, SysfsError> {
    if (!includes(this.range, target)) return ok(undefined);
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
