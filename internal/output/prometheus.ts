// Metrics as Prometheus reads them.

import { BOUNDS_S } from "../metrics/histogram.ts";
import type { Reading, Snapshot } from "../metrics/snapshot.ts";

/** Returns `snapshot` in Prometheus' text format. Source: Prometheus, exposition formats, text format 0.0.4. */
export function prometheus(snapshot: Snapshot): string {
  let text = "";
  for (const reading of snapshot.readings()) {
    text += `# HELP ${reading.name} ${reading.help}.\n# TYPE ${reading.name} ${reading.type}\n`;
    text += reading.type === "histogram" ? buckets(reading) : series(reading);
  }
  return text;
}

function series({ name, labels, samples }: Exclude<Reading, { type: "histogram" }>): string {
  return samples.map(({ labels: values, value }) => `${name}${braces(labels, values)} ${value}\n`).join("");
}

function buckets({ name, histogram }: Extract<Reading, { type: "histogram" }>): string {
  let count = 0;
  let text = "";
  histogram.counts.forEach((here, i) => {
    count += here;
    text += `${name}_bucket${braces(["le"], [String(BOUNDS_S[i] ?? "+Inf")])} ${count}\n`;
  });
  return `${text}${name}_sum ${histogram.sumS}\n${name}_count ${count}\n`;
}

function braces(names: readonly string[], values: readonly string[]): string {
  if (names.length === 0) return "";
  return `{${names.map((name, i) => `${name}="${escaped(values[i] ?? "")}"`).join(",")}}`;
}

/** A VM's name may hold anything but a slash and control characters. */
function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
}
