// Every no that a guest can hear, with its data and its sentence for the operator.

/** Why a request was refused. */
export type Refusal =
  | { readonly kind: "name-mismatch"; readonly stated: string; readonly vm: string }
  | { readonly kind: "names-pcpu"; readonly vm: string }
  | { readonly kind: "no-such-vcpu"; readonly vm: string; readonly vcpu: number; readonly count: number }
  /** `most` is how many vCPUs, from 0 on, an answer has room for. */
  | { readonly kind: "not-listed"; readonly vm: string; readonly vcpu: number; readonly most: number }
  | { readonly kind: "not-pinned"; readonly vm: string; readonly vcpu: number; readonly why: string }
  | { readonly kind: "floating"; readonly vm: string; readonly vcpu: number; readonly pcpus: string }
  | { readonly kind: "no-cpufreq"; readonly vm: string; readonly vcpu: number; readonly pcpu: number }
  | { readonly kind: "clock-hung"; readonly vm: string; readonly vcpu: number; readonly pcpu: number }
  | { readonly kind: "no-turbo"; readonly vm: string; readonly vcpu: number; readonly pcpu: number }
  | { readonly kind: "turbo-off"; readonly vm: string }
  | { readonly kind: "command-off"; readonly vm: string; readonly command: string }
  /** `of` where it is not the VM's own rate. */
  | {
      readonly kind: "rate";
      readonly vm: string;
      readonly perSecond: number;
      readonly of?: "policies";
    }
  | { readonly kind: "queries-off"; readonly vm: string }
  | { readonly kind: "policy-lacks"; readonly vm: string; readonly lacks: "vcpus" | "macs" }
  | { readonly kind: "mac-nowhere"; readonly vm: string; readonly mac: string }
  | { readonly kind: "no-interface"; readonly vm: string; readonly name: string }
  | {
      readonly kind: "no-branch-counters";
      readonly vm: string;
      readonly vcpu: number;
      readonly pcpu: number;
      readonly why: string;
    }
  /** Its joules can't be told: nothing counts a package's energy, or the threads of its vCPUs are not known. */
  | {
      readonly kind: "no-meter";
      readonly vm: string;
      readonly lacks: "meter" | "threads";
      readonly why: string;
    };

/** Returns the sentence that tells an operator what was wrong and what would be right. */
export function explain(no: Refusal): string {
  switch (no.kind) {
    case "name-mismatch":
      return `The guest calls itself ${JSON.stringify(no.stated)}, but this channel belongs to VM ${JSON.stringify(no.vm)}; give the guest the VM's own name, or none.`;
    case "names-pcpu":
      return `VM ${JSON.stringify(no.vm)} names a physical CPU; a guest may name its own vCPUs only.`;
    case "no-such-vcpu":
      return `VM ${JSON.stringify(no.vm)} has no vCPU ${no.vcpu}; it has ${no.count} (0 to ${no.count - 1}).`;
    case "not-listed":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} is past the ${no.most} (0 to ${no.most - 1}) that an answer of DPDK's has room for; powermon's extension, which vmpower-guest speaks, has all.`;
    case "not-pinned":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} has no known pCPU: ${no.why}`;
    case "floating":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} floats over pCPUs ${no.pcpus}; pin it to one, or set floating = "all".`;
    case "no-cpufreq":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, which has no cpufreq domain.`;
    case "clock-hung":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, whose clock is left alone since a call on it did not return; try it again with: powermon freq retry ${no.pcpu}.`;
    case "no-turbo":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, which has no turbo frequencies.`;
    case "turbo-off":
      return `VM ${JSON.stringify(no.vm)} may not use turbo; allow it with: powermon vm limits ${no.vm} --turbo on.`;
    case "command-off":
      return `VM ${JSON.stringify(no.vm)} may not ask "${no.command}"; its setting "commands" does not list it.`;
    case "rate":
      if (no.of === "policies")
        return `VM ${JSON.stringify(no.vm)} sends more than ${no.perSecond} policies a second; one that stands need not be sent again.`;
      return `VM ${JSON.stringify(no.vm)} asks more than ${no.perSecond} times a second; raise its rate with: powermon vm limits ${no.vm} --rate N.`;
    case "queries-off":
      return `VM ${JSON.stringify(no.vm)} may not query; allow it with: powermon vm query ${no.vm} on.`;
    case "policy-lacks":
      return no.lacks === "vcpus"
        ? `The policy of VM ${JSON.stringify(no.vm)} names no vCPU to control; name at least one.`
        : `The policy of VM ${JSON.stringify(no.vm)} follows traffic but names no MAC address or interface; name at least one.`;
    case "mac-nowhere":
      return `The policy of VM ${JSON.stringify(no.vm)} names MAC ${no.mac}, which no tap, macvtap, veth or VF of this host has and no bridge has learned; name one of the VM's own, or its host interface.`;
    case "no-interface":
      return `The policy of VM ${JSON.stringify(no.vm)} names interface ${JSON.stringify(no.name)}, which this host does not have.`;
    case "no-branch-counters":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, whose branches can't be counted: ${no.why}`;
    case "no-meter":
      return `VM ${JSON.stringify(no.vm)} asks for its joules, which can't be told: ${no.why}.`;
  }
}
