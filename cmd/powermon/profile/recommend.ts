// powermon profile recommend: which built-in profile fits this machine, and why.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { recommendProfile } from "../../../internal/power/profiles/recommend.ts";
import { fail } from "../control.ts";
import { ROOT_ARGS, rootsOf } from "../roots.ts";

export default defineCommand({
  meta: {
    name: "recommend",
    summary: "tell which built-in profile fits this machine, and why; nothing is changed",
    details:
      "Goes by what the machine shows: a battery that is drawn from, CPUs that are isolated and the VMs pinned there, a driver with a governor that follows the load. Where two are recommended, write both into one [profile.NAME] to have them in force together. Status 5: no built-in profile has anything to set on this machine.",
    examples: ["powermon profile recommend", "powermon profile recommend --json"],
  },
  args: {
    ...ROOT_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  run({ args, io }) {
    const roots = rootsOf(args);
    const found = recommendProfile(roots);
    if (!found.ok) return fail({ code: "failed", message: `powermon: ${found.error}.` }, args.json, io);
    if (found.value.length === 0) {
      const message =
        "powermon: no built-in profile has anything to set here: `powermon capabilities` says why.";
      return fail({ code: "unsupported", message }, args.json, io);
    }
    const lines = found.value.map(({ profile, cpus, why }) => {
      const flag = cpus === undefined ? "" : ` --cpus ${cpus}`;
      return `powermon profile apply ${profile}${flag}\n  ${why}`;
    });
    io.out(args.json ? json({ recommended: found.value }) : lines.join("\n"));
    return STATUS.done;
  },
});
