// Puts the host's profiles in force by the clock.

import { type ProfileSchedule, scheduleOf } from "../../config/schedule.ts";
import type { ConfigFile } from "../../config/schema.ts";
import { nextEdge, spanAt } from "../../rules/span.ts";
import type { Log } from "../../log.ts";
import type { Clock } from "../../rules/desk.ts";

/** Looks again at least this often, in ms: a timer does not run while the machine sleeps, and clocks are set. */
const MOST_MS = 60_000;

export class ProfileClock {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #put: (profile: string | undefined) => string | undefined;
  #schedule: ProfileSchedule | undefined;
  /** What was put in force last. */
  #due: string | undefined;
  #cancel: (() => void) | undefined;

  /** @param put puts a profile in force, or takes it back when undefined; returns why it could not */
  constructor(clock: Clock, log: Log, put: (profile: string | undefined) => string | undefined) {
    this.#clock = clock;
    this.#log = log;
    this.#put = put;
  }

  /** Goes by what a configuration says from now on; what is in force stays until something else is due. */
  configure({ "profile-schedule": section }: ConfigFile): void {
    this.#schedule = section && scheduleOf(section);
    this.look();
  }

  /** Acts when something else is due than was put in force last; what fails is tried again at the next look. */
  look(): void {
    this.stop();
    if (this.#schedule === undefined) return;
    const { timeZone, windows, otherwise } = this.#schedule;
    const now = this.#clock.now();
    const due = spanAt(timeZone, windows, now)?.profile ?? otherwise;
    if (due !== this.#due) {
      const why = this.#put(due);
      const fields = { profile: due ?? "none" };
      if (why === undefined) {
        this.#log.info("Another profile is due by the schedule", fields);
        this.#due = due;
      } else this.#log.warnFolded(`schedule ${why}`, `The schedule's profile is tried again: ${why}`, fields);
    }
    const edge = nextEdge(timeZone, windows, now);
    if (edge === undefined && due === this.#due) return;
    const ms = Math.min(MOST_MS, Math.max(1, (edge ?? Infinity) - now));
    this.#cancel = this.#clock.setTimer(ms, () => this.look());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
