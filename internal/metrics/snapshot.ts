// One reading of all metrics with a limit on their series: a host of many VMs, or a hostile one, can't flood the monitoring.

import type { Histogram } from "./histogram.ts";
import { type HistogramName, type LabelsOf, METRICS, type MetricName, type NumberName } from "./metrics.ts";

/** Most series of one metric. */
export const MAX_SERIES = 1024;

/** One value and the values of its metric's labels. */
export interface Sample {
  readonly labels: readonly string[];
  readonly value: number;
}

/** A metric as it was read. */
export type Reading = {
  readonly name: MetricName;
  readonly help: string;
  readonly labels: readonly string[];
} & (
  | { readonly type: "counter" | "gauge"; readonly samples: readonly Sample[] }
  | { readonly type: "histogram"; readonly histogram: Histogram }
);

export class Snapshot {
  readonly #samples = new Map<MetricName, Sample[]>();
  readonly #histograms = new Map<MetricName, Histogram>();
  readonly #dropped = new Map<MetricName, number>();

  /** Adds one series; past MAX_SERIES it is left out and counted, since a sum over a changing rest would jump. */
  add<N extends NumberName>(name: N, value: number, ...labels: LabelsOf<N>): void {
    let samples = this.#samples.get(name);
    if (samples === undefined) this.#samples.set(name, (samples = []));
    if (samples.length < MAX_SERIES) samples.push({ labels: labels.map(String), value });
    else this.#dropped.set(name, (this.#dropped.get(name) ?? 0) + 1);
  }

  /** Adds a series that counts nothing yet, while its metric has room: it must be there before its first time, and never in another's place. */
  addZero<N extends NumberName>(name: N, ...labels: LabelsOf<N>): void {
    if ((this.#samples.get(name)?.length ?? 0) < MAX_SERIES) this.add(name, 0, ...labels);
  }

  /** Adds a histogram; what it counts afterwards may or may not show. */
  addHistogram(name: HistogramName, histogram: Histogram): void {
    this.#histograms.set(name, histogram);
  }

  /** Returns what was added, in the order of METRICS; metrics without a series are left out. */
  *readings(): Generator<Reading> {
    for (const [name, dropped] of this.#dropped) this.add("powermon_dropped_series", dropped, name);
    this.#dropped.clear();
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const { type, help, labels } = METRICS[name];
      const samples = this.#samples.get(name);
      const histogram = this.#histograms.get(name);
      if (type === "histogram") {
        if (histogram !== undefined) yield { name, help, labels, type, histogram };
      } else if (samples !== undefined) yield { name, help, labels, type, samples };
    }
  }
}
