// powermon vm limits: what a VM may have at most and at least.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { bound, clientOf, CONTROL_ARGS, onOff, tell, VM_ARG, vmName } from "../control.ts";
import { showSettings } from "./text.ts";

const Args = v.object({
  vm: vmName,
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  turbo: v.optional(onOff),
  rate: v.optional(integer(0, 1_000_000)),
  burst: v.optional(integer(1, 1_000_000)),
  save: v.boolean(),
});

export default defineCommand({
  meta: {
    name: "limits",
    summary: "show or change a VM's limits",
    details: "Without a limit to change, shows what holds and where it comes from.",
    examples: [
      "powermon vm limits vm1",
      "powermon vm limits vm1 --floor 1200000 --ceiling base --turbo off --save",
      "powermon vm limits vm1 --rate 1000 --burst 50",
    ],
  },
  args: {
    vm: VM_ARG,
    floor: { type: "string", valueHint: "kHz|min|base|max", description: "lowest frequency of its claims" },
    ceiling: {
      type: "string",
      valueHint: "kHz|min|base|max",
      description: "highest frequency of its claims",
    },
    turbo: { type: "enum", options: ["on", "off"], description: "whether the guest may use turbo" },
    rate: { type: "string", valueHint: "n", description: "requests per second that are served, 0 for any" },
    burst: { type: "string", valueHint: "n", description: "requests that may come at once" },
    save: { type: "boolean", description: "keep the change over a restart of powermon" },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { vm, save, rate: requestsPerSecond, ...others } = parseArgs(Args, context.args);
    const change = { ...others, requestsPerSecond };
    const client = clientOf(context.args);
    if (Object.values(change).some((value) => value !== undefined))
      return tell(client.ask("changeVm", { vm, ...change, save }), context, showSettings);
    if (save) throw new UsageError("--save has nothing to save; name a limit, such as --ceiling base.");
    return tell(client.ask("vm", { vm }), context, showSettings);
  },
});
