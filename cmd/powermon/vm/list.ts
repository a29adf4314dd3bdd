// powermon vm list: which VMs are here.

import { defineCommand } from "../../../internal/cli/command.ts";
import { table } from "../../../internal/output/table.ts";
import { cell, clientOf, CONTROL_ARGS, tell } from "../control.ts";

export default defineCommand({
  meta: {
    name: "list",
    summary: "list the VMs that powermon serves",
    details: "PLACED counts the vCPUs whose pCPUs are known.",
    examples: ["powermon vm list", "powermon vm list --json"],
  },
  args: CONTROL_ARGS,
  run: (context) =>
    tell(clientOf(context.args).ask("vms"), context, (vms) =>
      vms.length === 0
        ? "No VMs."
        : table([
            ["VM", "PID", "CHANNELS", "VCPUS", "PLACED", "QUERIES"],
            ...vms.map(({ vm, pid, channels, vcpus, settings }) => [
              vm,
              cell(pid),
              String(channels.length),
              String(vcpus.length),
              String(vcpus.filter(({ pcpus }) => pcpus.length > 0).length),
              settings.queries.value ? "on" : "off",
            ]),
          ]),
    ),
});
