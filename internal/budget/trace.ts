// A recorded load: how much each VM's CPUs were at work from one line of a CSV to the next.

import { err, ok, type Result } from "../values/result.ts";
import { isVmName } from "../values/vm-name.ts";
import type { TraceRow } from "./simulate.ts";

/** More than a day by the second. */
const MAX_ROWS = 100_000;
const MAX_VMS = 1024;
/** A week: a simulated second takes about a microsecond for each CPU. */
const MAX_S = 604_800;

/** What a trace says. */
export interface LoadTrace {
  /** VMs in the order of their columns. */
  readonly vms: readonly string[];
  readonly rows: readonly TraceRow[];
  /** Up to its last line. */
  readonly seconds: number;
}

/**
 * Returns the trace in CSV text: a first line "seconds,VM,VM,...", then a line for each change: the second, ascending from 0, and for each VM
 * how much its CPUs are at work, 0 to 1. Lines that start with # are left out; the last line ends it. The error names the line.
 */
export function parseLoads(text: string): Result<LoadTrace, string> {
  const rows: TraceRow[] = [];
  let vms: readonly string[] | undefined;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [first = "", ...cells] = line.split(",").map((cell) => cell.trim());
    const wrong = (what: string) => err(`line ${index + 1} ${what}`);
    if (vms === undefined) {
      if (first !== "seconds" || cells.length === 0)
        return wrong('is no heading such as "seconds,web,batch"');
      if (cells.length > MAX_VMS) return wrong(`names more than ${MAX_VMS} VMs`);
      const bad = cells.find((cell, at) => !isVmName(cell) || cells.indexOf(cell) !== at);
      if (bad !== undefined)
        return wrong(`names ${JSON.stringify(bad)}, which is no VM's name or stands twice`);
      vms = cells;
      continue;
    }
    const atS = /^\d+(\.\d+)?$/.test(first) ? Number(first) : Number.NaN;
    if (!(atS <= MAX_S)) return wrong(`does not start with seconds from 0 to ${MAX_S}`);
    const before = rows.at(-1)?.atS;
    if (before === undefined ? atS !== 0 : atS <= before)
      return wrong(
        before === undefined ? "is the first and not of second 0" : "is not later than the one before it",
      );
    const busy = cells.map((cell) => (/^\d+(\.\d+)?$/.test(cell) ? Number(cell) : Number.NaN));
    if (busy.length !== vms.length || !busy.every((share) => share <= 1))
      return wrong(`has other than ${vms.length} numbers from 0 to 1 after its time`);
    rows.push({ atS, busy });
    if (rows.length > MAX_ROWS) return err(`there are more than ${MAX_ROWS} lines`);
  }
  const seconds = rows.at(-1)?.atS ?? 0;
  if (vms === undefined || rows.length < 2) return err("there are no two lines of load, a begin and an end");
  return ok({ vms, rows, seconds });
}
