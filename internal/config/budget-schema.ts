// What a file may say about how many watts the host may draw, and who pays when it would draw more.

import * as v from "valibot";
import { MAX_WATTS, METER_FORM, parseMeter } from "../values/meter.ts";
import { PRIORITIES } from "../values/vm-settings.ts";
import { MAX_WINDOWS, spanEntries } from "./policy-schema.ts";
import { bound, flag, integer, oneOf, zone } from "./shapes.ts";
import { table } from "./table.ts";

const WATTS = integer(1, MAX_WATTS, "watts");
const METER = `Write ${METER_FORM}.`;
const WINDOWS = `Write [[budget.windows]] tables, at most ${MAX_WINDOWS}, such as { from = "17:00", to = "20:00", watts = 80 }.`;

/** The table `budget` of a configuration file. */
export const budgetSchema = table({
  watts: v.exactOptional(WATTS),
  meter: v.exactOptional(
    v.pipe(
      v.string(METER),
      v.check((meter) => parseMeter(meter) !== undefined, METER),
    ),
  ),
  guard_percent: v.exactOptional(integer(0, 20, "the percentage of the budget that is left unused")),
  host_priority: v.exactOptional(oneOf(PRIORITIES)),
  backstop: v.exactOptional(flag),
  fallback: v.exactOptional(bound),
  timezone: v.exactOptional(zone),
  windows: v.exactOptional(
    v.pipe(
      v.array(table({ ...spanEntries, watts: WATTS }, WINDOWS), WINDOWS),
      v.maxLength(MAX_WINDOWS, WINDOWS),
    ),
  ),
});
