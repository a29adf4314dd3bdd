// A refusal as the guest may read it: nothing of pCPUs, other VMs and the host's files.

import type { Refusal } from "../../values/refusal.ts";

/** Returns the sentence of `no` for the guest, at most some 200 bytes, without the host's CPU numbers, paths or other VMs' names. */
export function tellGuest(no: Refusal): string {
  switch (no.kind) {
    case "name-mismatch":
      return "The request has another VM's name in it; give this VM's own, or none.";
    case "names-pcpu":
      return "The request names a physical CPU; a guest may name its own vCPUs only.";
    case "no-such-vcpu":
      return `The host knows ${no.count} vCPUs of this VM; vCPU ${no.vcpu} is not one of them.`;
    case "not-listed":
      return `An answer of DPDK's has room for ${no.most} vCPUs; ask for vCPU ${no.vcpu} by the extension.`;
    case "not-pinned":
      return `The host doesn't know which physical CPU vCPU ${no.vcpu} runs on; its operator can pin it.`;
    case "floating":
      return `vCPU ${no.vcpu} is not pinned to one physical CPU; its operator can pin it.`;
    case "no-cpufreq":
      return `The physical CPU of vCPU ${no.vcpu} has no clock that can be set.`;
    case "clock-hung":
      return `The clock of the physical CPU of vCPU ${no.vcpu} does not answer; the host's operator knows of it.`;
    case "no-turbo":
      return `The physical CPU of vCPU ${no.vcpu} has no turbo frequencies.`;
    case "turbo-off":
      return "This VM may not use turbo; the host's operator can allow it.";
    case "command-off":
      return `This VM may not ask "${no.command}"; the host's operator can allow it.`;
    case "rate":
      if (no.of === "policies")
        return `This VM sends more than ${no.perSecond} policies a second; one that stands need not be sent again.`;
      return `This VM asks more than ${no.perSecond} times a second; ask less often.`;
    case "queries-off":
      return "This VM may not query; the host's operator can allow it.";
    case "policy-lacks":
      return no.lacks === "vcpus"
        ? "The policy names no vCPU to control; name at least one."
        : "The policy follows traffic but names no MAC address; name at least one.";
    case "mac-nowhere":
      return `The policy names MAC ${no.mac}, which the host can't find; name one of this VM's own.`;
    case "no-interface":
      return "The policy names an interface that the host does not have.";
    case "no-branch-counters":
      return `The branches of vCPU ${no.vcpu} can't be counted on its physical CPU.`;
    case "no-meter":
      return no.lacks === "meter"
        ? "The host has no meter that it can read of its CPUs' energy."
        : "The host doesn't know which of its threads are this VM's vCPUs, so it can't tell their part.";
  }
}
