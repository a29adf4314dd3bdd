// A recorded load as counters that a dry run can read: rates that hold from one line of a CSV to the next.

import { err, ok, type Result } from "../values/result.ts";

/** From `at` on, so much per second of each column. */
interface Row {
  readonly at: number;
  readonly rates: readonly number[];
}

/** Larger traces are cut by somebody else first. */
const MAX_ROWS = 1_000_000;

/** Counters that grow as the trace says; before its first line nothing happens, the last one holds on. */
export class Trace {
  readonly #rows: readonly Row[];
  /** Counted up to the start of row `#next - 1`, or nothing. */
  #next = 0;
  readonly #totals: number[];

  constructor(rows: readonly Row[], columns: number) {
    this.#rows = rows;
    this.#totals = Array<number>(columns).fill(0);
  }

  /** Returns each column's count up to `now`, ms since 1970, which may not be earlier than in the call before. */
  totals(now: number): readonly number[] {
    let row = this.#rows[this.#next - 1];
    for (
      let next = this.#rows[this.#next];
      next !== undefined && next.at <= now;
      next = this.#rows[this.#next]
    ) {
      if (row !== undefined) this.#add(this.#totals, row, next.at);
      row = next;
      this.#next++;
    }
    const totals = [...this.#totals];
    if (row !== undefined) this.#add(totals, row, now);
    return totals;
  }

  #add(totals: number[], row: Row, until: number): void {
    for (const [column, rate] of row.rates.entries()) {
      totals[column] = (totals[column] ?? 0) + (rate * (until - row.at)) / 1000;
    }
  }
}

/**
 * Returns the trace in CSV text: a time (seconds from `from`, or ISO 8601 with an offset) and `columns` rates per second a line,
 * ascending; a first line of words and lines that start with # are left out. The error names the line.
 */
export function parseTrace(text: string, columns: number, from: number): Result<Trace, string> {
  const rows: Row[] = [];
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const cells = line.split(",").map((cell) => cell.trim());
    const at = timeOf(cells[0] ?? "", from);
    if (at === undefined && index === 0 && cells.every(isHeading)) continue;
    const rates = cells.slice(1).map((cell) => (cell === "" ? Number.NaN : Number(cell)));
    const right = `a line is a time and ${columns} ${columns === 1 ? "rate" : "rates"} per second, such as 60,1500${",3".repeat(columns - 1)}`;
    if (at === undefined) return err(`line ${index + 1} starts with no time: ${right}`);
    if (rates.length !== columns || !rates.every((rate) => Number.isFinite(rate) && rate >= 0)) {
      return err(`line ${index + 1} has other than ${columns} numbers from 0 on: ${right}`);
    }
    if (at < (rows.at(-1)?.at ?? -Infinity))
      return err(`line ${index + 1} is earlier than the one before it`);
    rows.push({ at, rates });
    if (rows.length > MAX_ROWS) return err(`there are more than ${MAX_ROWS} lines`);
  }
  return rows.length === 0 ? err("there is no line with a time in it") : ok(new Trace(rows, columns));
}

/** Returns whether a cell names a column: a value that is no number, such as nan, names none. */
function isHeading(cell: string): boolean {
  return /^[^\d+.-]/.test(cell) && !/^(nan|inf|infinity|null|none|n\/a)$/i.test(cell);
}

function timeOf(cell: string, from: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(cell)) return from + Number(cell) * 1000;
  if (!/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)$/.test(cell)) return undefined;
  const at = Date.parse(cell);
  return Number.isNaN(at) ? undefined : at;
}
