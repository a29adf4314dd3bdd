// On which CPUs interrupts may arrive: each one's own list, and what one that comes later begins with.

import { readdirSync } from "node:fs";
import { formatCpuList } from "../values/cpulist.ts";
import type { Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listNumbered } from "./numbered.ts";

/** Where they are, from the folder of CPUs on: /proc beside /sys. Source: Documentation/core-api/irq/irq-affinity.rst. */
const IRQ = "../../../../proc/irq";

/** Returns where the CPUs of interrupt `irq` are, from the folder of CPUs on. */
export const irqPath = (irq: number): string => `${IRQ}/${irq}/smp_affinity_list`;

/** Where the CPUs of interrupts to come are, as a mask, from the folder of CPUs on. */
export const IRQ_DEFAULT = `${IRQ}/default_smp_affinity`;

/** Returns the numbers of all interrupts; none where there is no /proc/irq. Errors: as listFolder. */
export const listIrqs = (cpuRoot: string): Result<number[], SysfsError> =>
  listNumbered(`${cpuRoot}/${IRQ}`, "");

/** Returns the names of who serves interrupt `irq`, such as nvme0q1; none where nobody does. Source: kernel/irq/proc.c, register_handler_proc. */
export function irqUsers(cpuRoot: string, irq: number): readonly string[] {
  try {
    return readdirSync(`${cpuRoot}/${IRQ}/${irq}`, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Returns the CPUs of a mask such as ff or 1,00000000 as a list; undefined for other text. Source: Documentation/core-api/printk-formats.rst, bitmap. */
export function maskToList(mask: string): string | undefined {
  if (!/^[\da-f]{1,8}(,[\da-f]{8}){0,255}$/i.test(mask)) return undefined;
  const bits = BigInt(`0x${mask.replaceAll(",", "")}`);
  const cpus: number[] = [];
  for (let cpu = 0; bits >> BigInt(cpu) > 0n; cpu++) if ((bits >> BigInt(cpu)) & 1n) cpus.push(cpu);
  return formatCpuList(cpus);
}

/** Returns the mask of `cpus` in groups of 32 bits, as the kernel takes it. */
export function maskOf(cpus: readonly number[]): string {
  const bits = cpus.reduce((all, cpu) => all | (1n << BigInt(cpu)), 0n).toString(16);
  const whole = bits.padStart(Math.ceil(bits.length / 8) * 8, "0");
  return (whole.match(/.{8}/g) ?? []).join(",");
}
