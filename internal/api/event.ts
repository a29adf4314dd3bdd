// One thing that happened, as the stream of events tells it.

import * as v from "valibot";

/** `at` is ISO 8601, `event` the kind; the rest depends on it. */
export const event = v.looseObject({ at: v.string(), event: v.string() });
export type HappenedEvent = Readonly<v.InferOutput<typeof event>>;
