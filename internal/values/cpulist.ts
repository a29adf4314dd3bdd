// The kernel's way to write CPU sets, both ways.

import { err, ok, type Result } from "./result.ts";

/** The kernel's largest NR_CPUS on x86-64 (arch/x86/Kconfig): bounds what a range may unfold to. */
export const MAX_CPUS = 8192;

/**
 * Returns the CPU numbers of a list such as "0-3,8,10-14:1/2", ascending, each once; blanks may stand for commas, as in
 * related_cpus. The error says what is wrong. Source: Documentation/admin-guide/kernel-parameters.rst, cpu lists.
 */
export function parseCpuList(text: string): Result<number[], string> {
  const found = new Set<number>();
  for (const part of text.split(/[\s,]+/).filter((word) => word !== "")) {
    const words = /^(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5})\/(\d{1,5}))?)?$/.exec(part);
    if (!words) return err(`${JSON.stringify(part)} is not a CPU number or range such as 3, 0-3 or 0-15:1/2`);
    const first = Number(words[1]);
    const last = Number(words[2] ?? first);
    const used = Number(words[3] ?? 1);
    const group = Number(words[4] ?? 1);
    if (last < first) return err(`range ${part} runs backwards`);
    if (last >= MAX_CPUS) return err(`CPU ${last} is beyond ${MAX_CPUS - 1}`);
    if (used < 1 || group < used) return err(`range ${part} must use 1 to its group size CPUs of each group`);
    for (let cpu = first; cpu <= last; cpu++) if ((cpu - first) % group < used) found.add(cpu);
  }
  return ok([...found].sort((a, b) => a - b));
}

/** Returns CPU numbers, or a list of them that is written already, with the word before them, such as "CPU 3" or "CPUs 0-3,8". */
export function cpusText(cpus: Iterable<number> | string): string {
  const list = typeof cpus === "string" ? cpus : formatCpuList(cpus);
  return `CPU${/\D/.test(list) ? "s" : ""} ${list}`;
}

/** Returns CPU numbers as the kernel prints them, such as "0-3,8"; order and repeats don't matter. */
export function formatCpuList(cpus: Iterable<number>): string {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i];
    while (sorted[i + 1] === (sorted[i] ?? 0) + 1) i++;
    parts.push(sorted[i] === first ? `${first}` : `${first}-${sorted[i]}`);
  }
  return parts.join(",");
}
