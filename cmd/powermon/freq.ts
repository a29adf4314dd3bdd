// powermon freq: the clocks, and the operator's own claims on them.

import * as v from "valibot";
import type { FreqReport } from "../../internal/api/freq.ts";
import { cpuList, cpuNumbers } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { table } from "../../internal/output/table.ts";
import { STEPS } from "../../internal/values/frequency.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import { cell, wordOrKhz } from "./control.ts";

const CPUS = {
  type: "positional",
  valueHint: "CPULIST|all",
  description: "CPUs such as 0-3,8, or all",
} as const;
const Cpus = v.object({ cpus: cpuList });

export default defineCommand({
  meta: { name: "freq", summary: "show CPUs' frequencies; claim one, or end the claim" },
  commands: loaded(
    askCommand("freq", {
      meta: {
        name: "show",
        summary: "show CPUs' frequencies in kHz: what powermon told, what the kernel holds, the range",
        details: "TARGET is empty where powermon has set nothing.",
        examples: ["powermon freq show", "powermon freq show 0-3,8 --json"],
      },
      args: { cpus: { ...CPUS, default: "all" } },
      means: Cpus,
      show,
    }),
    askCommand("setFreq", {
      meta: {
        name: "set",
        summary: "claim a frequency for CPUs as the operator",
        details:
          "The claim stands beside those of the VMs: where CPUs share a clock the highest wins, within the site's limits. It ends with `powermon freq release`, or with powermon.",
        examples: [
          "powermon freq set 4-7 max",
          "powermon freq set 2 1800000",
          "powermon freq set 2 turbo-on",
        ],
      },
      args: {
        cpus: { type: "positional", valueHint: "CPULIST", description: "CPUs such as 0-3,8" },
        target: {
          type: "positional",
          valueHint: `${STEPS.join("|")}|kHz`,
          description: `${STEPS.join(", ")}, or kHz`,
        },
      },
      means: v.object({ cpus: cpuNumbers, target: wordOrKhz(STEPS) }),
      show,
    }),
    askCommand("releaseFreq", {
      meta: {
        name: "release",
        summary: "end the operator's claims on CPUs",
        examples: ["powermon freq release 4-7", "powermon freq release all"],
      },
      args: { cpus: CPUS },
      means: Cpus,
      show,
    }),
    askCommand("retryFreq", {
      meta: {
        name: "retry",
        summary: "try again what is left alone since a call on it did not return",
        details:
          "Each file is tried by a process of its own, which may hang in it; a clock that answers is served again at once. powermon does the same by itself after 10 minutes, then after twice as long each time. While the process that hung is still in its call nothing is tried.",
        examples: ["powermon freq retry 2", "powermon freq retry all"],
      },
      args: { cpus: CPUS },
      means: Cpus,
      show: (tried) =>
        tried.length === 0
          ? "Nothing is left alone."
          : tried.map(({ path, answers }) => `${path}: ${answers ? "answers" : "still hangs"}`).join("\n"),
    }),
  ),
});

/** Returns a line a CPU; frequencies in kHz. */
function show(freqs: readonly FreqReport[]): string {
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
