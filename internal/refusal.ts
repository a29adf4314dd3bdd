// Every no that a guest can hear, with its data and its sentence: without it a refusal would be a bare NACK nobody can explain.

/** Why a request was refused. */
export type Refusal =
  | { readonly kind: "name-mismatch"; readonly claimed: string; readonly vm: string }
  | { readonly kind: "names-pcpu"; readonly vm: string }
  | { readonly kind: "no-such-vcpu"; readonly vm: string; readonly vcpu: number; readonly count: number }
  | { readonly kind: "not-pinned"; readonly vm: string; readonly vcpu: number; readonly why: string }
  | { readonly kind: "floating"; readonly vm: string; readonly vcpu: number; readonly pcpus: string }
  | { readonly kind: "no-cpufreq"; readonly vm: string; readonly vcpu: number; readonly pcpu: number }
  | { readonly kind: "no-turbo"; readonly vm: string; readonly vcpu: number; readonly pcpu: number }
  | { readonly kind: "queries-off"; readonly vm: string }
  | { readonly kind: "policies-off"; readonly vm: string };

/** Returns the sentence that tells an operator what was wrong and what would be right. */
export function explain(no: Refusal): string {
  switch (no.kind) {
    case "name-mismatch":
      return `The guest calls itself ${JSON.stringify(no.claimed)}, but this channel belongs to VM ${JSON.stringify(no.vm)}; give the guest the VM's own name, or none.`;
    case "names-pcpu":
      return `VM ${JSON.stringify(no.vm)} names a physical CPU; a guest may name its own vCPUs only.`;
    case "no-such-vcpu":
      return `VM ${JSON.stringify(no.vm)} has no vCPU ${no.vcpu}; it has ${no.count} (0 to ${no.count - 1}).`;
    case "not-pinned":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} has no known pCPU: ${no.why}`;
    case "floating":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} floats over pCPUs ${no.pcpus}; pin it to one, or set floating = "all".`;
    case "no-cpufreq":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, which has no cpufreq domain.`;
    case "no-turbo":
      return `vCPU ${no.vcpu} of VM ${JSON.stringify(no.vm)} runs on pCPU ${no.pcpu}, which has no turbo frequencies.`;
    case "queries-off":
      return `VM ${JSON.stringify(no.vm)} may not query; allow it with --allow-query ${no.vm}.`;
    case "policies-off":
      return `VM ${JSON.stringify(no.vm)} sent a policy; this powermon takes scale requests only.`;
  }
}
