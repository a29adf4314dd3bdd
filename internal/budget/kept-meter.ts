// A meter that is looked for until it is there, and again when it went away: what comes back may have another name.

import { err, ok, type Result } from "../values/result.ts";
import { type MeterName, meterText } from "../values/meter.ts";
import { FROZEN_MS, type Reading } from "./judge.ts";
import { type Meter, openMeter } from "./meter.ts";

/** One that is not there is looked for this often, ms. */
const SEEK_MS = 2000;

export class KeptMeter {
  readonly #sysfsRoot: string;
  #name: MeterName;
  #meter: Meter | undefined;
  #why = "";
  #seekAt = -Infinity;
  /** Since when an answer is awaited, and the last one that nobody took yet. */
  #askedAt: number | undefined;
  #answer: Result<Reading, string> | undefined;

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
    this.#drop();
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
    const { readLater } = this.#meter;
    const read = readLater === undefined ? this.#meter.read() : this.#await(this.#meter, readLater, nowMs);
    if (read.ok) return read;
    this.#drop();
    return err((this.#why = read.error));
  }

  /** Returns what a slow meter has answered since the time before, and asks it again: nobody waits for it. */
  #await(meter: Meter, readLater: NonNullable<Meter["readLater"]>, nowMs: number): Result<Reading, string> {
    const answer = this.#answer;
    this.#answer = undefined;
    if (this.#askedAt === undefined) {
      this.#askedAt = nowMs;
      void readLater().then((read) => {
        this.#askedAt = undefined;
        if (this.#meter === meter) this.#answer = read;
      });
    } else if (nowMs - this.#askedAt >= FROZEN_MS) {
      return err(`it has not answered for ${Math.floor((nowMs - this.#askedAt) / 1000)} s`);
    }
    return answer ?? ok({ kind: "waits" });
  }

  /** What is awaited stays so: of calls that hang there is one. */
  #drop(): void {
    this.#meter = undefined;
    this.#answer = undefined;
  }
}
