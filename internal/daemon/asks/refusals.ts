// What guests were refused last, newest first.

import type { PastRefusal, Vm } from "../../channels/vm.ts";

/** Returns a refusal with its time in ISO 8601. */
export function refusalOf({ at, message }: PastRefusal) {
  return { at: new Date(at).toISOString(), message };
}

/** Returns the last refusal of each vCPU of `vms` that `isWanted`, at most `most` of them. */
export function lastRefusals(vms: Iterable<Vm>, most: number, isWanted: (vm: Vm, vcpu: number) => boolean) {
  return [...vms]
    .flatMap((vm) =>
      [...vm.refusals]
        .filter(({ vcpu }) => isWanted(vm, vcpu))
        .map((past) => ({ ...refusalOf(past), vm: vm.vm, vcpu: past.vcpu })),
    )
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, most);
}
