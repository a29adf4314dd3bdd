// One clock that we may set: without it nothing would save, take, write, check and give back a domain in the right order.

import type { FrequencyTable } from "../../values/frequency.ts";
import { DONE, ok, type Result } from "../../values/result.ts";
import type { DomainId, Khz, Pcpu } from "../../values/units.ts";
import { AttrDir, attrBytes } from "../attr.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf, lacksUserspace, pinOf } from "../driver/index.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { FILE } from "./files.ts";
import { type KhzRange, type OwnLimits, readLimits, writeLimits } from "./limits.ts";
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
  readonly table: FrequencyTable;
  readonly hasTurbo: boolean;
  /** The highest frequency that isn't turbo, where the kernel tells. */
  readonly baseKhz: Khz | undefined;
  /** Whether it is held by equal limits only because the kernel offers no governor userspace. */
  readonly lacksUserspace: boolean;
  readonly #attrs: AttrDir;
  readonly #pin: Pin;
  readonly #store: OriginalsStore;
  readonly #prepared: readonly Prepared[];
  /** The prepared entries within the operator's own limits, once the domain is taken. */
  #allowed: readonly Prepared[] | undefined;
  #target: Prepared | undefined;
  /** The operator's own limits, once the domain is taken. */
  #limits: OwnLimits | undefined;
  /** Limits that stayed when they were widened: the kernel's, as when it is too hot. */
  #tight: KhzRange | undefined;

  constructor(id: DomainId, dir: AttrDir, found: Hardware, store: OriginalsStore) {
    this.id = id;
    this.dir = dir.path;
    this.pcpus = found.pcpus;
    this.driver = found.driver;
    this.table = driverOf(found.driver).table(found);
    this.hasTurbo = this.table.nominal > 0;
    this.baseKhz = found.base;
    this.lacksUserspace = lacksUserspace(found);
    this.#attrs = dir;
    this.#pin = pinOf(found, dir);
    this.#store = store;
    this.#prepared = this.table.steps.map((step) => ({
      khz: step,
      bytes: attrBytes(`${step}`),
      done: ok(step),
    }));
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
    const taken = this.#allowed ? DONE : this.#take();
    if (!taken.ok) return taken;
    const entry = this.#entryFor(target);
    const done = this.#pin.set(entry.khz, entry.bytes);
    if (!done.ok) {
      // Nobody's frequency holds here yet, so nobody would give it back.
      if (!this.#target) this.restore();
      return done;
    }
    this.#target = entry;
    return entry.done;
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
    const entry = this.#target;
    if (!entry) return ok(undefined);
    this.#pin.close();
    const taken = this.#pin.take();
    if (!taken.ok) return taken;
    const room = this.#makeRoom(entry.khz);
    if (!room.ok) return room;
    const done = this.#pin.set(entry.khz, entry.bytes);
    return done.ok ? entry.done : done;
  }

  /** Puts the saved originals back and forgets them; does nothing when none are saved. A failure keeps the file for another try. */
  restore(): Result<void, SysfsError> {
    const saved = this.#store.load(this.id);
    if (!saved.ok) return saved;
    this.close();
    const done = saved.value.state === "saved" ? restoreDomain(this.#attrs, saved.value.originals) : DONE;
    if (!done.ok) return done;
    this.#allowed = undefined;
    this.#limits = undefined;
    this.#tight = undefined;
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
      const read = readOriginals(this.#attrs);
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
    this.#limits = originals;
    const within = this.#prepared.filter(({ khz }) => khz >= originals.min && khz <= originals.max);
    const nearest = this.#prepared.find(({ khz }) => khz <= originals.max) ?? this.#prepared.at(-1);
    this.#allowed = within.length > 0 || !nearest ? within : [nearest];
    return DONE;
  }

  /** Reads the limits and returns them when they exclude `target`, which the operator's own did not. */
  #narrowed(target: Khz): Result<KhzRange | undefined, SysfsError> {
    if (!this.#limits || !includes(this.#limits, target)) return ok(undefined);
    const now = readLimits(this.#attrs);
    return now.ok ? ok(includes(now.value, target) ? undefined : now.value) : now;
  }

  /** Widens limits that exclude `target` to the operator's own, and remembers those that stay as they were. */
  #makeRoom(target: Khz): Result<void, SysfsError> {
    this.#tight = undefined;
    const narrowed = this.#narrowed(target);
    if (!narrowed.ok) return narrowed;
    if (narrowed.value === undefined || !this.#limits) return DONE;
    const widened = writeLimits(this.#attrs, this.#limits);
    if (!widened.ok) return widened;
    const left = this.#narrowed(target);
    if (left.ok) this.#tight = left.value;
    return DONE;
  }

  /** As the kernel: clip to the limits, then the lowest entry at or above, else the highest there is. */
  #entryFor(target: Khz): Prepared {
    const allowed = this.#allowed ?? this.#prepared;
    for (let i = allowed.length - 1; i > 0; i--) {
      const entry = allowed[i] as Prepared;
      if (entry.khz >= target) return entry;
    }
    return allowed[0] as Prepared;
  }
}

const includes = ({ min, max }: KhzRange, target: Khz): boolean => min <= target && target <= max;

const isSame = (a: KhzRange, b: KhzRange | undefined): boolean => a.min === b?.min && a.max === b.max;
