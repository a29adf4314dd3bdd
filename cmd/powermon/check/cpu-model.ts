// Whether a VM's CPU model runs our guest program: QEMU's default does not, and what is seen then is SIGILL.

import type { DomainDefinition } from "../../../internal/pinning/domain-definition.ts";
import { type Finding, note, warning } from "./finding.ts";

/** x86 models without SSE4.2 or POPCNT; libvirt's and QEMU's names, in small letters. Source: QEMU target/i386/cpu.c; libvirt src/cpu_map. */
const OLD = new Set([
  ...["qemu32", "qemu64", "kvm32", "kvm64", "486", "pentium", "pentium2", "pentium3", "pentiumpro"],
  ...["coreduo", "core2duo", "n270", "conroe", "penryn", "athlon", "phenom"],
  ...["opteron_g1", "opteron_g2", "opteron_g3"],
]);
/** What a definition or a -cpu has to add to one of these. */
const NEEDED = ["sse4.2", "popcnt"];
const TODO =
  "Give it <cpu mode='host-passthrough'/> or host-model, or -cpu host of QEMU, and start it anew; DPDK's programs may need no such CPU.";

/** Returns what is to say of the CPU that libvirt defines. */
export function checkDefinedCpu({ arch, cpu }: DomainDefinition): Finding[] {
  if (arch !== undefined && !/^(x86_64|i686)$/.test(arch)) return [];
  if (cpu !== undefined && cpu.mode !== "custom") return [note("CPU model", `Its CPU is ${cpu.mode}.`)];
  return judge(cpu?.model ?? "qemu64", cpu?.features ?? []);
}

/** Returns what is to say of the CPU that a QEMU was started with. @param words its command line */
export function checkStartedCpu(words: readonly string[]): Finding[] {
  if (!/x86|i386|kvm/.test(words[0] ?? "")) return [];
  const at = words.lastIndexOf("-cpu");
  const [model = "qemu64", ...features] = (at < 0 ? "qemu64" : (words[at + 1] ?? "")).split(",");
  return judge(
    model,
    features.map((feature) => feature.replace(/^\+/, "").replace(/=on$/, "").replace("sse4_2", "sse4.2")),
  );
}

function judge(model: string, features: readonly string[]): Finding[] {
  const plain = model.replace(/-(x86_64|v\d+)$/, "");
  if (!OLD.has(plain.toLowerCase()) || NEEDED.every((one) => features.includes(one)))
    return [note("CPU model", `Its CPU model is ${model}.`)];
  return [
    warning(
      "CPU model",
      `Its CPU model ${model} lacks SSE4.2 or POPCNT: vmpower-guest can't run in it.`,
      TODO,
    ),
  ];
}
