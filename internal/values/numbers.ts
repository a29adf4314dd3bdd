// CPUs, vCPUs and channels by number: how they are listed, and which numbers can be.

import { parseCpuList } from "./cpulist.ts";

/** CPUs or channels by number, or each there is. */
export type Numbers = readonly number[] | "all";

/** The largest vCPU number of a VM. Source: QEMU hw/i386/pc_q35.c, max_cpus of the newest machines. */
export const MAX_VCPU = 4095;
/** The largest number of a VM's channels: each is a file of the channel folder. */
export const MAX_CHANNEL = 1023;

/** Returns the numbers of a list such as "0-3,5", or "all" as it is; undefined when it is neither or one is above `most`. */
export function parseNumbers(text: string, most: number): Numbers | undefined {
  if (text === "all") return text;
  const list = parseCpuList(text);
  return list.ok && list.value.length > 0 && (list.value.at(-1) ?? 0) <= most ? list.value : undefined;
}
