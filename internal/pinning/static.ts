// Pins that the operator wrote down: for hosts where the QEMU process can't be looked at.

import { err, ok, type Result } from "../values/result.ts";
import { type Pcpu, pcpu } from "../values/units.ts";
import type { Pins, PinSource } from "./pins.ts";

/** vCPU -> pCPUs of one VM. */
export type VmPins = ReadonlyMap<number, readonly Pcpu[]>;

/** Largest CPU number taken; the kernel's own limit. Source: NR_CPUS in arch/x86/Kconfig. */
const MAX_CPU = 8191;

/** Returns the source that answers from what `pinsOf` says of a VM; one without pins is unknown to it. */
export function staticPins(pinsOf: (vm: string) => VmPins | undefined): PinSource {
  return {
    name: "static",
    live: false,
    pins({ vm }, vcpu): Pins {
      const pins = pinsOf(vm);
      if (pins === undefined || pins.size === 0)
        return { kind: "unknown", why: `no static pins for VM ${JSON.stringify(vm)}` };
      const pcpus = pins.get(vcpu);
      return pcpus === undefined
        ? { kind: "unknown", why: `static pins of VM ${JSON.stringify(vm)} do not name vCPU ${vcpu}` }
        : { kind: "known", pcpus };
    },
  };
}

/**
 * Returns the pins in `words`, each of the form `vm1:0=2,1=3`; a VM named twice gets both.
 * Errors: a sentence with the word and the right form.
 */
export function parsePins(words: readonly string[]): Result<ReadonlyMap<string, VmPins>, string> {
  const table = new Map<string, Map<number, Pcpu[]>>();
  for (const word of words) {
    const colon = word.lastIndexOf(":");
    const vm = word.slice(0, colon);
    const pairs = word.slice(colon + 1).split(",");
    const wrong = (what: string) =>
      err(
        `${what} in ${JSON.stringify(word)}; pins are written VM:VCPU=PCPU[,VCPU=PCPU...], such as vm1:0=2,1=3`,
      );
    if (colon < 1) return wrong("No VM name");
    // Else it would be taken for a VM of that name.
    if (/:\d+=\d+,/.test(vm)) return wrong("Several VMs; give each one a --pin of its own");
    const pins = table.get(vm) ?? new Map<number, Pcpu[]>();
    for (const pair of pairs) {
      const match = /^(\d{1,4})=(\d{1,4})$/.exec(pair);
      if (match === null) return wrong(`${JSON.stringify(pair)} is not VCPU=PCPU`);
      const [vcpu, cpu] = [Number(match[1]), Number(match[2])];
      if (cpu > MAX_CPU || vcpu > MAX_CPU) return wrong(`A CPU past ${MAX_CPU}`);
      if (pins.has(vcpu)) return wrong(`vCPU ${vcpu} pinned twice`);
      pins.set(vcpu, [pcpu(cpu)]);
    }
    table.set(vm, pins);
  }
  return ok(table);
}
