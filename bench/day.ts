// A day of one vCPU under three governors: what the agent's rule saves, and what it makes work wait.
//
//   bun bench/day.ts [--seed 1]
//
// A model, not a measurement: work arrives each quarter of a second, a clock does so much of it, the rest waits. Energy is taken as the sum of
// the frequency, which leaves voltage and sleep states out and so flatters nobody but the one who always runs at the highest.

import { parseArgs } from "node:util";
import { type FrequencyTable, highest, lowest, move, roundUp } from "../internal/values/frequency.ts";
import { decideLoad, type LoadRules, START } from "../internal/guest/agent/governor/load.ts";
import { table } from "../internal/output/table.ts";
import { type Khz, khz } from "../internal/values/units.ts";
import { random } from "../tests/fixtures/packet/random.ts";

const PERIOD_MS = 250;
const SAMPLES = (24 * 3600 * 1000) / PERIOD_MS;
/** The ten steps of the test machine's acpi-cpufreq. */
const CLOCK: FrequencyTable = {
  steps: Array.from({ length: 10 }, (_, i) => khz(2_600_000 - i * 200_000)),
  nominal: 0,
};
const TOP = highest(CLOCK, false);
/** The agent's defaults. */
const RULES: LoadRules = { up: 0.8, down: 0.4, holdMs: 2000 };

/** What a governor makes of one sample: the next frequency. */
type Governor = (busy: number, nowMs: number, now: Khz) => Khz;

const GOVERNORS: Readonly<Record<string, () => Governor>> = {
  "always max": () => () => TOP,
  /** Source: drivers/cpufreq/cpufreq_ondemand.c, od_update(): above the threshold to the top, else in proportion to the load. */
  ondemand: () => (busy) => {
    if (busy > 0.8) return TOP;
    const bottom = lowest(CLOCK);
    return roundUp(CLOCK, khz(bottom + busy * (TOP - bottom)));
  },
  "load (ours)": () => {
    let state = START;
    return (busy, nowMs, now) => {
      const decided = decideLoad(RULES, state, busy, nowMs);
      state = decided.state;
      return decided.move === "hold" ? now : move(CLOCK, { khz: now, turbo: false }, decided.move).khz;
    };
  },
  "always min": () => () => lowest(CLOCK),
};

/** Returns the work that arrives in each sample, 1 being what the highest frequency does: quiet nights, busy days, bursts in both. */
function arriving(seed: number): Float64Array {
  const below = random(seed);
  const chance = () => below(1_000_000) / 1_000_000;
  const work = new Float64Array(SAMPLES);
  let burst = 0;
  let height = 0;
  for (let i = 0; i < SAMPLES; i++) {
    const hour = (i * PERIOD_MS) / 3_600_000;
    const day = Math.max(0, Math.sin(((hour - 6) / 24) * 2 * Math.PI));
    if (burst === 0 && chance() < 0.0005 + 0.004 * day) {
      burst = 4 + below(60);
      height = 0.5 + 0.5 * chance();
    }
    const steady = 0.02 + 0.3 * day * (0.7 + 0.6 * chance());
    work[i] = Math.min(1, burst > 0 ? steady + height : steady);
    if (burst > 0) burst--;
  }
  return work;
}

/** Lives through the day and returns the sum of the frequency and the time in which work waited, as shares of the highest and of the day. */
function live(work: Float64Array, governor: Governor) {
  let now = TOP;
  let waiting = 0;
  let sum = 0;
  let late = 0;
  let moves = 0;
  for (const [i, arrives] of work.entries()) {
    const capacity = now / TOP;
    const done = Math.min(capacity, arrives + waiting);
    waiting += arrives - done;
    if (waiting > 1e-9) late++;
    sum += capacity;
    const next = governor(done / capacity, i * PERIOD_MS, now);
    if (next !== now) moves++;
    now = next;
  }
  return { energy: sum / SAMPLES, late: late / SAMPLES, moves };
}

const { values } = parseArgs({ options: { seed: { type: "string", default: "1" } } });
const work = arriving(Number(values.seed));
let arrived = 0;
for (const part of work) arrived += part;
console.log(
  `A day of ${SAMPLES} samples, ${((arrived / SAMPLES) * 100).toFixed(1)} % of the highest frequency's work:\n`,
);
const rows = Object.entries(GOVERNORS).map(([name, make]) => {
  const { energy, late, moves } = live(work, make());
  const minutes = (late * 24 * 60).toFixed(1);
  return [name, `${(energy * 100).toFixed(1)} %`, `${(late * 100).toFixed(2)} %`, minutes, `${moves}`];
});
console.log(table([["GOVERNOR", "SUM OF F", "WORK WAITS", "MINUTES", "CHANGES"], ...rows]));
