// Faults of sysfs for the soak: strace lets some of powermon's writes to attributes fail, or take long, as an unwell driver does.

import { readFileSync, rmSync } from "node:fs";

/** What strace does to every few calls of pwrite64, by which powermon writes attributes and nothing else. Source: strace(1), --inject. */
const FAULTS = [
  { name: "EIO", inject: "error=EIO" },
  { name: "EBUSY", inject: "error=EBUSY" },
  { name: "2 ms late", inject: "delay_enter=2000" },
] as const;

/** How often a fault comes: in the first of these many writes, and then in each of them again. */
const FIRST = 40;
const EVERY = 40;

/** One kind of fault for one run of powermon. */
export interface SysfsFault {
  readonly name: string;
  /** Words before powermon's own; the process that they start becomes powermon, strace looks on from beside. */
  readonly words: readonly string[];
  /** How many calls had the fault, as far as is written down; the record of them is removed. */
  count(): number;
}

/** Returns why no faults can be made here; undefined when they can. */
export function lackOfFaults(): string | undefined {
  if (Bun.which("strace") === null) return "strace is not installed";
  const tried = Bun.spawnSync(["strace", "-D", "--seccomp-bpf", "-f", "-qq", "-o", "/dev/null", "true"]);
  return tried.success ? undefined : `strace may not trace here: ${tried.stderr.toString().trim()}`;
}

/**
 * Returns a fault for one run.
 * @param next a random whole number below its argument
 * @param record where strace writes the calls
 */
export function anyFault(next: (below: number) => number, record: string): SysfsFault {
  const { name, inject } = FAULTS[next(FAULTS.length)] as (typeof FAULTS)[number];
  const when = `when=${1 + next(FIRST)}+${1 + next(EVERY)}`;
  return {
    name,
    // Only what is traced stops: the filter lets every other call pass at its own speed.
    words: [
      ...["strace", "-D", "--seccomp-bpf", "-f", "-qq", "-o", record, "-e", "trace=pwrite64"],
      ...["-e", "signal=none", "-e", `inject=pwrite64:${inject}:${when}`],
    ],
    count() {
      const lines = readFileSync(record, "utf8").split("\n");
      rmSync(record, { force: true });
      return lines.filter((line) => /\((?:INJECTED|DELAYED)\)/.test(line)).length;
    },
  };
}
