// vmpower-guest energy: the joules that this VM's vCPUs used, as the host counts them.

import { defineCommand, type Io } from "../../internal/cli/command.ts";
import type { Status } from "../../internal/cli/status.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { PLACE_ARGS } from "./channel.ts";
import type { Used } from "./place/place.ts";
import { withPlace } from "./with-place.ts";

export default defineCommand({
  meta: {
    name: "energy",
    summary: "show the joules that this VM used, as the host counts them",
    details:
      "The first question makes the host count; from then on it looks every 10 s, and tells whole joules of whole periods: their sum since then and how long that is. Subtract two answers for the time in between. " +
      "The host must allow this VM to query (there: powermon vm query VM on), else status 3. Status 5 and the reason where the host has no meter, can't tell this VM's part, or is too old. docs/energy.md says what is counted and how far it can be off.\n" +
      'JSON: {"port", "outcome", "message", "joules", "seconds", "periodS", "resolutionJ"}; the last four are null where there is no answer.',
    examples: ["vmpower-guest energy", "vmpower-guest energy --json"],
  },
  args: PLACE_ARGS,
  run: ({ args, io }) => withPlace(args, io, async (place) => tell(await place.energy(), args.json, io)),
});

function tell({ port, outcome, message, status, used }: Used, asJson: boolean, io: Io): Status {
  if (asJson) {
    const none = { joules: null, seconds: null, periodS: null, resolutionJ: null };
    io.out(json({ port, outcome, message, ...(used ?? none) }));
    return status;
  }
  if (used === undefined) io.err(message ?? "");
  else if (used.seconds === 0)
    io.err(`The host began to count; the first joules are there in ${2 * used.periodS} s at most.`);
  else {
    const { joules, seconds, periodS } = used;
    const row = [joules, seconds, (joules / seconds).toFixed(1), `${periodS} s`].map(String);
    io.out(table([["JOULES", "SECONDS", "WATTS", "NEW EVERY"], row]));
  }
  return status;
}
