// What a file may say about when which of the host's profiles is due.

import * as v from "valibot";
import { MAX_WINDOWS, spanEntries } from "./policy-schema.ts";
import { isProfileName } from "./profile-schema.ts";
import { zone } from "./shapes.ts";
import { table } from "./table.ts";

const NAME = 'Write a profile\'s name, such as "powersave".';
const name = v.pipe(v.string(NAME), v.check(isProfileName, NAME));
const WINDOWS = `Write a list of at most ${MAX_WINDOWS} windows, such as [{ from = "22:00", to = "06:00", profile = "powersave" }].`;

/** The table `profile-schedule` of a configuration file. */
export const scheduleSchema = table({
  timezone: v.exactOptional(zone),
  default: v.exactOptional(name),
  windows: v.exactOptional(
    v.pipe(
      v.array(
        table(
          { ...spanEntries, profile: name },
          'Write a table such as { from = "22:00", to = "06:00", profile = "powersave" }.',
        ),
        WINDOWS,
      ),
      v.maxLength(MAX_WINDOWS, WINDOWS),
    ),
  ),
});
