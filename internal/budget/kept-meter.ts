// A meter that is looked for until it is there, and again when it went away: what comes back may have another name.

import { err, type Result } from "../values/result.ts";
import { type MeterName, meterText } from "../values/meter.ts";
import type { Reading } from "./judge.ts";
import { type Meter, openMeter } from "./meter.ts";

/** One that is not there is looked for this often, ms. */
const SEEK_MS = 2000;

export class KeptMeter {
  readonly #sysfsRoot: string;
  #name: MeterName;
  #meter: Meter | undefined;
  #why = "";
  #seekAt = -Infinity;

  /** @param sysfsRoot stands for /sys */
  constructor(sysfsRoot: string, name: MeterName) {
    this.#sysfsRoot = sysfsRoot;
    this.#name = name;
  }

  /** As the configuration names it. */
  get name(): string {
    return meterText(this.#name);
  }

  /** Takes another meter. Returns whether it is another. */
  change(name: MeterName): boolean {
    if (meterText(name) === this.name) return false;
    this.#name = name;
    this.#meter = undefined;
    this.#seekAt = -Infinity;
    return true;
  }

  /** Reads it. Errors: why not, a sentence without a full stop. @param nowMs from a clock that never goes back */
  read(nowMs: number): Result<Reading, string> {
    if (this.#meter === undefined) {
      if (nowMs < this.#seekAt) return err(this.#why);
      this.#seekAt = nowMs + SEEK_MS;
      const opened = openMeter(this.#name, this.#sysfsRoot);
      if (!opened.ok) return err((this.#why = opened.error));
      this.#meter = opened.value;
    }
    const read = this.#meter.read();
    if (read.ok) return read;
    this.#meter = undefined;
    return err((this.#why = read.error));
  }
}
