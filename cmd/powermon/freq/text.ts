// Frequencies in text: show, set and release answer with the same rows.

import type { FreqReport } from "../../../internal/api/freq.ts";
import { table } from "../../../internal/output/table.ts";
import { cell } from "../control.ts";

/** Returns a line a CPU; frequencies in kHz. */
export function showFreqs(freqs: readonly FreqReport[]): string {
  if (freqs.length === 0) return "No CPU has a cpufreq domain.";
  return table([
    ["CPU", "DOMAIN", "DRIVER", "GOVERNOR", "TARGET kHz", "KERNEL kHz", "MIN", "NOMINAL", "MAX", "OPERATOR"],
    ...freqs.map((freq) => [
      String(freq.cpu),
      String(freq.domain),
      freq.driver,
      cell(freq.governor),
      cell(freq.targetKhz),
      cell(freq.currentKhz),
      String(freq.minKhz),
      String(freq.nominalKhz),
      String(freq.maxKhz),
      freq.operatorClaim ? "claims it" : "-",
    ]),
  ]);
}
