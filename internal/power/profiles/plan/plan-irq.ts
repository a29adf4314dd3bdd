// What keeps interrupts away from the CPUs of VMs: each one's CPUs without these, as far as any are left.

import { formatCpuList, parseCpuList } from "../../../values/cpulist.ts";
import { type Attribute, pathOf } from "../../../sysfs/attribute.ts";
import { irqUsers, listIrqs } from "../../../sysfs/irq.ts";
import { listOrEmpty, readOrEmpty } from "../../../pinning/proc.ts";
import type { Pcpu } from "../../../values/units.ts";
import type { CpuSets } from "../cpu-selector.ts";
import type { Draft, Lack } from "./draft.ts";
import { isAway, readSetting } from "../setting.ts";

/** Interrupts that are named in a warning; of the rest it tells how many they are. */
const MOST_NAMED = 8;

/** Returns the CPUs that interrupts are kept from: isolated ones and those that VMs are pinned to. */
const kept = ({ isolated, pinned }: CpuSets): Pcpu[] =>
  [...new Set([...isolated, ...pinned()])].sort((a, b) => a - b);

/**
 * Adds the CPUs of every interrupt, and of those to come, to the draft.
 * @param original what an attribute had before the profile in force; undefined where that did not touch it
 */
export function planIrq(
  cpuRoot: string,
  sets: CpuSets,
  original: (attribute: Attribute) => string | undefined,
  draft: Draft,
): void {
  const away = new Set(kept(sets));
  const rest = sets.online.filter((cpu) => !away.has(cpu));
  if (rest.length === 0)
    return draft.lacks("irq", "machine", "every CPU is isolated, or has a VM pinned to it");
  const irqs = listIrqs(cpuRoot);
  if (!irqs.ok) return draft.fails("irq", "machine", irqs.error);
  if (irqs.value.length === 0) return draft.lacks("irq", "machine", "it shows no interrupts in /proc/irq");
  const all: Attribute[] = [
    { knob: "irq default" },
    ...irqs.value.map((irq) => ({ knob: "irq", irq }) as const),
  ];
  for (const attribute of all) {
    const now = readSetting(cpuRoot, attribute);
    if (!now.ok && isAway(cpuRoot, attribute, now.error)) continue;
    const text = original(attribute) ?? (now.ok ? now.value.text : "");
    const cpus = parseCpuList(text);
    if (!now.ok || !cpus.ok) {
      draft.fails(
        "irq",
        whereOf(attribute),
        now.ok ? `${pathOf(attribute)} says ${JSON.stringify(text)}` : now.error,
      );
      continue;
    }
    const left = cpus.value.filter((cpu) => !away.has(cpu as Pcpu));
    const usable = left.some((cpu) => sets.online.includes(cpu as Pcpu));
    draft.set(attribute, formatCpuList(usable ? left : rest));
  }
}

const whereOf = (attribute: Attribute): string =>
  "irq" in attribute ? `interrupt ${attribute.irq}` : "interrupts to come";

/** Returns what the kernel's no to a move of an interrupt is: it is not in anybody's hands. Source: kernel/irq/proc.c, write_irq_affinity: EIO, newer EPERM. */
export const unmovable = (irq: number, code: string): Lack => ({
  knob: "irq",
  where: `interrupt ${irq}`,
  why: code,
  stays: true,
});

/** Returns sentences about interrupts that stay where they are, and about who moves them besides. */
export function irqWarnings(
  { cpuRoot, procRoot }: { readonly cpuRoot: string; readonly procRoot: string },
  staying: readonly Lack[],
  sets: CpuSets,
): string[] {
  const warnings: string[] = [];
  if (staying.length > 0) {
    const numbers = staying.map(({ where }) => Number(where.split(" ")[1]));
    const named = numbers.slice(0, MOST_NAMED).map((irq) => {
      const users = irqUsers(cpuRoot, irq).join(", ");
      return users === "" ? `${irq}` : `${irq} (${users})`;
    });
    const more = numbers.length > MOST_NAMED ? ` and ${numbers.length - MOST_NAMED} more` : "";
    const codes = [...new Set(staying.map(({ why }) => why))].join(", ");
    warnings.push(
      `${numbers.length === 1 ? "Interrupt" : "Interrupts"} ${named.join(", ")}${more} can't be moved: the kernel keeps what its drivers manage by themselves (${codes}).`,
    );
  }
  const balancer = listOrEmpty(procRoot).find(
    (pid) => /^\d+$/.test(pid) && readOrEmpty(`${procRoot}/${pid}/comm`).trim() === "irqbalance",
  );
  if (balancer !== undefined)
    warnings.push(
      `irqbalance runs (process ${balancer}) and moves interrupts as it sees fit: stop it, or let it have IRQBALANCE_BANNED_CPULIST=${formatCpuList(kept(sets))}.`,
    );
  return warnings;
}
