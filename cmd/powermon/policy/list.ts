// powermon policy list: which VMs the host moves by itself, and by what.

import { defineCommand } from "../../../internal/cli/command.ts";
import { table } from "../../../internal/output/table.ts";
import { cell, clientOf, CONTROL_ARGS, tell } from "../control.ts";
import { standing, vcpusText, wishesText } from "./report.ts";

export default defineCommand({
  meta: {
    name: "list",
    summary: "list the policies of operators and guests",
    details: "A policy written into a FIFO has /fifoN for its VM.",
    examples: ["powermon policy list", "powermon policy list --json"],
  },
  args: CONTROL_ARGS,
  run: (context) =>
    tell(clientOf(context.args).ask("policies"), context, (policies) =>
      policies.length === 0
        ? "No policies."
        : table([
            ["VM", "BY", "TYPE", "STANDS", "VCPUS", "WISHES", "PROBLEM"],
            ...policies.map((policy) => [
              policy.vm,
              policy.origin,
              policy.type,
              standing(policy),
              vcpusText(policy.vcpus),
              wishesText(policy.wishes),
              cell(policy.problem),
            ]),
          ]),
    ),
});
