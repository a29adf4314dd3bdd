// When which of the host's profiles is due, in numbers.

import type * as v from "valibot";
import { spanOf } from "./policy.ts";
import type { scheduleSchema } from "./schedule-schema.ts";

/** Returns the schedule as it is written. */
export const scheduleOf = (section: v.InferOutput<typeof scheduleSchema>) => ({
  /** Undefined for the host's own, whichever that is at the time. */
  timeZone: section.timezone,
  /** The first that holds wins. */
  windows: (section.windows ?? []).map(({ profile, ...span }) => ({ ...spanOf(span), profile })),
  /** Outside of all windows; undefined for none at all. */
  otherwise: section.default,
});
export type ProfileSchedule = Readonly<ReturnType<typeof scheduleOf>>;
