// powermon vm pin: moves a vCPU to other pCPUs, and its claims with it.

import * as v from "valibot";
import { cpuNumbers, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { clientOf, CONTROL_ARGS, tell, vcpuNumber, VM_ARG, vmName } from "../control.ts";

export default defineCommand({
  meta: {
    name: "pin",
    summary: "pin a vCPU to a pCPU",
    details:
      "Through libvirt, running and stored definition, when the VM is libvirt's; else the vCPU's thread is pinned until the VM stops.",
    examples: ["powermon vm pin vm1 0 4", "powermon vm pin vm1 1 4-5"],
  },
  args: {
    vm: VM_ARG,
    vcpu: { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" },
    pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU, or a list of them" },
    ...CONTROL_ARGS,
  },
  run(context) {
    const { vm, vcpu, pcpu } = parseArgs(
      v.object({ vm: vmName, vcpu: vcpuNumber, pcpu: cpuNumbers }),
      context.args,
    );
    return tell(
      clientOf(context.args).ask("pinVcpu", { vm, vcpu, pcpus: pcpu }),
      context,
      ({ pcpus, source }) =>
        `${vm}: vCPU ${vcpu} is on pCPU ${formatCpuList(pcpus) || "none"}${source === undefined ? "" : ` (${source})`}`,
    );
  },
});
