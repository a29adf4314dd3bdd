// powermon policy: what the host does by itself.

import * as v from "valibot";
import { defineCommand } from "../../internal/cli/command.ts";
import { table } from "../../internal/output/table.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { cell, VM_ARG, vmName } from "./control.ts";
import { showPolicies, standing, vcpusText, wishesText } from "./policy/report.ts";

export default defineCommand({
  meta: {
    name: "policy",
    summary: "list, set, remove and try policies by which the host moves clocks itself",
  },
  commands: {
    ...loaded(
      askCommand("policies", {
        meta: {
          name: "list",
          summary: "list the policies of operators and guests",
          details: "A policy written into a FIFO has /fifoN for its VM.",
          examples: ["powermon policy list", "powermon policy list --json"],
        },
        show: (policies) =>
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
      }),
      askCommand("policy", {
        meta: {
          name: "show",
          summary: "show a VM's policies, what they wish now and what keeps them from it",
          examples: ["powermon policy show vm1", "powermon policy show vm1 --json"],
        },
        args: { vm: VM_ARG },
        means: v.object({ vm: vmName }),
        show: showPolicies,
      }),
    ),
    set: () => import("./policy/set.ts"),
    ...loaded(
      askCommand("removePolicy", {
        meta: {
          name: "remove",
          summary: "end an operator's policy for a VM; the guest's own takes over",
          details: "One that is written in powermon.toml itself is back with the next reload.",
          examples: ["powermon policy remove vm1", "powermon policy remove vm1 --save"],
        },
        args: { vm: VM_ARG, save: { type: "boolean", description: "take it out of what was saved, too" } },
        means: v.object({ vm: vmName, save: v.boolean() }),
        show: (_, { vm }) => `${vm}: operator's policy removed`,
      }),
    ),
    simulate: () => import("./policy/simulate.ts"),
  },
});
