// When which of the host's profiles is due, in numbers.

import type * as v from "valibot";
import type { TimeSpan } from "../values/policy.ts";
import { hostTimeZone, spanOf } from "./policy.ts";
import type { scheduleSchema } from "./schedule-schema.ts";

export interface ProfileSchedule {
  readonly timeZone: string;
  /** The first that holds wins. */
  readonly windows: readonly (TimeSpan & { readonly profile: string })[];
  /** Outside of all windows; undefined for none at all. */
  readonly otherwise: string | undefined;
}

/** Returns the schedule as it is written. */
export const scheduleOf = (section: v.InferOutput<typeof scheduleSchema>): ProfileSchedule => ({
  timeZone: section.timezone ?? hostTimeZone(),
  windows: (section.windows ?? []).map(({ profile, ...span }) => ({ ...spanOf(span), profile })),
  otherwise: section.default,
});
