// A domain's settings as its operator has them: those that were saved in this boot, else those that stand.

import { DONE, ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { type KhzRange, type OwnLimits, readOwnLimits } from "./limits.ts";
import { type Originals, type OriginalsStore, readOriginals } from "./store.ts";

export class OwnSettings {
  readonly #id: DomainId;
  readonly #attrs: AttrDir;
  readonly #driver: string;
  readonly #store: OriginalsStore;

  /** @param driver scaling_driver's text: what was saved under another one means nothing */
  constructor(id: DomainId, attrs: AttrDir, driver: string, store: OriginalsStore) {
    this.#id = id;
    this.#attrs = attrs;
    this.#driver = driver;
    this.#store = store;
  }

  /** Reads this boot's originals, if they are saved and this driver's. */
  saved(): Result<Originals | undefined, SysfsError> {
    const saved = this.#store.load(this.#id);
    if (!saved.ok) return saved;
    const originals = saved.value.state === "saved" ? saved.value.originals : undefined;
    return ok((originals?.driver ?? this.#driver) === this.#driver ? originals : undefined);
  }

  /** Returns this boot's originals; where none are saved yet they are read and saved. @param unset see readOriginals() */
  keep(unset: KhzRange): Result<Originals, SysfsError> {
    const saved = this.saved();
    if (!saved.ok || saved.value !== undefined) return saved as Result<Originals, SysfsError>;
    const read = readOriginals(this.#attrs, unset);
    const kept = read.ok ? this.#store.save(this.#id, read.value) : DONE;
    return kept.ok ? read : kept;
  }

  /** Reads the operator's own limits, saved ones first, since those that stand may be a claim's; undefined while the CPUs are offline. */
  limits(unset: KhzRange): OwnLimits | undefined {
    const saved = this.saved();
    const own = saved.ok && saved.value ? saved : readOwnLimits(this.#attrs, unset);
    return own.ok ? own.value : undefined;
  }
}
