// From figures to a table: ratios first, because a bare time says more about the machine than about powermon.

/** One line of the report. Limits are inclusive and concern the ratio or powermon's own value. */
export interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly wanted?: { readonly of: "ratio" | "value"; readonly most?: number; readonly least?: number };
}

/** The two servers of the bench. */
export type Side = "powermon" | "yardstick";

/** Figures by side, one a round; round i of both sides ran next to each other. */
export type Figures = { readonly [S in Side]: readonly number[] };

/** A metric with its figures summed up. */
export interface Line extends Metric {
  /** Median over the rounds of powermon / yardstick; undefined where the yardstick has 0. */
  readonly ratio: number | undefined;
  readonly ratios: readonly number[];
  readonly figures: Figures;
  /** Medians over the rounds. */
  readonly powermon: number;
  readonly yardstick: number;
  /** Whether the wanted value was met; undefined when none is wanted. */
  readonly met: boolean | undefined;
}

/** Returns the middle of `values`, the mean of the two middle ones when their number is even, NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Sums up a metric: medians of both sides, and the median of the ratios of neighbouring runs. */
export function summarize(metric: Metric, figures: Figures): Line {
  const ratios = figures.powermon.map((value, round) => value / (figures.yardstick[round] ?? Number.NaN));
  const ratio = ratios.every(Number.isFinite) ? median(ratios) : undefined;
  const powermon = median(figures.powermon);
  const { wanted } = metric;
  const judged = wanted?.of === "ratio" ? ratio : powermon;
  const met =
    wanted === undefined || judged === undefined
      ? undefined
      : judged <= (wanted.most ?? Number.POSITIVE_INFINITY) && judged >= (wanted.least ?? 0);
  return { ...metric, ratio, ratios, figures, powermon, yardstick: median(figures.yardstick), met };
}

/** Returns the lines as a markdown table; `subject` and `other` name what ran on powermon's side and on the yardstick's. */
export function table(lines: readonly Line[], subject: string, other: string): string {
  const head = ["what", "ratio", "wanted", "met", subject, other, "ratios of the rounds"];
  const rows = lines.map((line) => [
    line.title,
    line.ratio === undefined ? "-" : `**${short(line.ratio)}**`,
    wantedText(line),
    line.met === undefined ? "" : line.met ? "yes" : "NO",
    `${short(line.powermon)} ${line.unit}`,
    `${short(line.yardstick)} ${line.unit}`,
    line.ratio === undefined ? "" : `${short(Math.min(...line.ratios))} - ${short(Math.max(...line.ratios))}`,
  ]);
  const widths = head.map((word, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), word.length),
  );
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |\n`;
  return row(head) + row(widths.map((width) => "-".repeat(width))) + rows.map(row).join("");
}

function wantedText({ wanted, unit }: Metric): string {
  if (wanted === undefined) return "";
  const sign = wanted.most === undefined ? ">=" : "<=";
  return `${sign} ${wanted.most ?? wanted.least}${wanted.of === "ratio" ? "x" : ` ${unit}`}`;
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}
