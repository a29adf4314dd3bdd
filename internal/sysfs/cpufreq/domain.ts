// One clock that we may set: its settings are saved, it is taken, written, checked and given back, in this order.

import type { FrequencyTable } from "../../values/frequency.ts";
import { dirname } from "node:path";
import { DONE, ok, type Result } from "../../values/result.ts";
import type { DomainId, Khz, Pcpu } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf, lacksUserspace, pinOf } from "../driver/index.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { readTurboAllowed } from "./boost.ts";
import { readHardware } from "./domain-state.ts";
import { FILE } from "./files.ts";
import { type KhzRange, type OwnLimits, readLimits, writeLimits } from "./limits.ts";
import { OwnSettings } from "./own.ts";
import type { OriginalsStore } from "./store.ts";
import type { Pin } from "./pin.ts";
import { exceedsCap, withCap, writeCap } from "./cap.ts";
import { entryFor, prepare, type Prepared } from "./prepared.ts";
import { limitsOf, type Reach, reachOf } from "./reach.ts";
import { Room } from "./room.ts";
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
  readonly #settings: OwnSettings;
  readonly #room: Room;
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
  /** The upper limit that stands in place of the operator's own while nobody claims the domain. */
  #cap: Khz | undefined;

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
    this.#room = new Room(dir);
    this.#settings = new OwnSettings(id, dir, found.driver, store);
    this.#changed = changed;
    this.#found = found;
    this.#own = this.#settings.limits(found.unset);
    this.#reach = reachOf(found, this.#own);
    this.#prepared = prepare(this.#reach.allowed);
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
    const own = this.#taken ? this.#own : this.#settings.limits(found.value.unset);
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

  /** The upper limit that cap() set, while it stands. */
  get ceiling(): Khz | undefined {
    return this.#cap;
  }

  /**
   * Keeps a domain that nobody claims at `ceiling` kHz at most; a claim that stood ends. The first call saves the originals, which
   * restore() puts back. The next set() goes before it. Errors: as set(); EIO for what the kernel took and does not show.
   */
  cap(ceiling: Khz): Result<void, SysfsError> {
    if (this.#cap === ceiling) return DONE;
    const again =
      this.#cap !== undefined && this.#own ? writeCap(this.#attrs, this.#own, ceiling) : undefined;
    if (again?.ok) this.#cap = ceiling;
    if (again !== undefined) return again;
    const found = this.#read();
    if (!found.ok) return found;
    const originals = this.#settings.keep(found.value.unset);
    if (!originals.ok) return originals;
    this.#follow(found.value, originals.value);
    const back = this.#target
      ? restoreDomain(this.#attrs, withCap(originals.value, ceiling), this.target)
      : DONE;
    const capped = back.ok ? writeCap(this.#attrs, originals.value, ceiling) : back;
    if (!capped.ok) return capped;
    this.close();
    this.#release();
    this.#cap = ceiling;
    return DONE;
  }

  /**
   * Sets the frequency to `target` kHz, rounded up to the table's next entry and kept within the limits that the operator had set
   * before us. The first call saves the originals and takes the governor; later ones are one write (two where min = max).
   * @returns the effective kHz. Errors: whatever the kernel answers; EINVAL for saved originals that can't be understood: then nothing is written.
   */
  set(target: Khz): Result<Khz, SysfsError> {
    const taken = this.#taken && this.#cap === undefined ? DONE : this.#take();
    if (!taken.ok) return taken;
    const entry = entryFor(this.#prepared, target);
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
      this.#follow(
        found.value,
        this.#taken ? this.#own : (this.#settings.limits(found.value.unset) ?? this.#own),
      );
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
    if (!this.#target) return this.#cap === undefined ? ok(false) : exceedsCap(this.#attrs, this.#cap);
    const narrowed = this.#room.narrowed(this.#target.khz, this.range);
    if (!narrowed.ok) return narrowed;
    if (narrowed.value !== undefined) return ok(!this.#room.isTight(narrowed.value));
    const held = this.#pin.holds(this.#target.khz);
    return held.ok ? ok(!held.value) : held;
  }

  /** Opens the files anew, takes the governor, makes room and writes the last target again: after hotplug, resume or drift. Returns the target; undefined when there is none. */
  reapply(): Result<Khz | undefined, SysfsError> {
    if (this.#wanted === undefined) {
      const done = this.#cap && this.#own ? writeCap(this.#attrs, this.#own, this.#cap) : DONE;
      return done.ok ? ok(undefined) : done;
    }
    const entry = entryFor(this.#prepared, this.#wanted);
    this.#pin.close();
    const taken = this.#pin.take();
    if (!taken.ok) return taken;
    const room = this.#room.make(entry.khz, this.range, this.#own);
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
    this.#release();
    return this.#store.forget(this.id);
  }

  #release(): void {
    this.#taken = false;
    this.#room.forget();
    this.#wanted = undefined;
    this.#target = undefined;
    this.#cap = undefined;
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
    const before = this.#settings.saved();
    const originals = this.#settings.keep(found.value.unset);
    if (!originals.ok) return originals;
    const taken = this.#pin.take();
    if (!taken.ok) {
      // Nothing was changed: a file made just now would only undo what the operator does next.
      if (before.ok && before.value === undefined) this.#store.forget(this.id);
      return taken;
    }
    const lifted = this.#cap === undefined ? DONE : writeLimits(this.#attrs, originals.value);
    if (!lifted.ok) return lifted;
    this.#cap = undefined;
    this.#taken = true;
    this.#follow(found.value, originals.value);
    return DONE;
  }

  #read(): Result<Hardware, SysfsError> {
    return readHardware(this.#cpus, this.id);
  }

  #follow(found: Hardware, own: OwnLimits | undefined): void {
    this.#found = found;
    this.#own = own;
    const reach = reachOf(found, own);
    if (JSON.stringify(reach) === JSON.stringify(this.#reach)) return;
    this.#reach = reach;
    this.#changed();
    this.#prepared = prepare(this.#reach.allowed);
  }
}
