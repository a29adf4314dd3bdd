// perf events on this kernel: software events stand for branches where the machine has no counters, so the calls themselves are real.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  BRANCHES,
  openPerfPair,
  type PerfEvent,
  probeBranchCounters,
} from "../../internal/rules/perf-events.ts";
import { pcpu } from "../../internal/values/units.ts";

/** PERF_TYPE_SOFTWARE: PERF_COUNT_SW_CPU_CLOCK in ns, PERF_COUNT_SW_CONTEXT_SWITCHES. */
const CPU_CLOCK: PerfEvent = { type: 1, config: 0 };
const SWITCHES: PerfEvent = { type: 1, config: 3 };
const CPU = pcpu(
  Number(/Cpus_allowed_list:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0),
);

/** A container may forbid the system call altogether. */
const denied = (() => {
  const pair = openPerfPair(CPU, CPU_CLOCK, SWITCHES);
  if (!pair.ok) return pair.error;
  pair.value.close();
  return undefined;
})();

describe("openPerfPair()", () => {
  test.skipIf(denied !== undefined)(
    `reads both events of a CPU, and they grow${denied === undefined ? "" : ` (${denied})`}`,
    () => {
      const pair = openPerfPair(CPU, CPU_CLOCK, SWITCHES);
      if (!pair.ok) throw new Error(pair.error);
      const before = pair.value.read();
      const end = performance.now() + 20;
      while (performance.now() < end); // a busy CPU is what is counted
      const after = pair.value.read();
      pair.value.close();
      const passed = (after?.first ?? 0) - (before?.first ?? 0);
      expect(passed).toBeGreaterThan(1_000_000);
      expect(passed).toBeLessThan(10_000_000_000);
      expect(after?.second).toBeGreaterThanOrEqual(before?.second ?? Infinity);
    },
  );

  test("says why when there is no such CPU", () => {
    const pair = openPerfPair(pcpu(100_000), CPU_CLOCK, SWITCHES);
    expect(pair.ok ? "" : pair.error).toMatch(/no such CPU|no counters|may not use|no perf events/);
  });

  test("says why when the machine has no such event, and leaves no file open", () => {
    const pair = openPerfPair(CPU, CPU_CLOCK, { type: 1, config: 9999 });
    expect(pair.ok ? "" : pair.error).toMatch(/no counter|no such CPU|may not use|no perf events/);
  });
});

describe("probeBranchCounters()", () => {
  test("agrees with what opening says", () => {
    const pair = openPerfPair(CPU, BRANCHES);
    if (pair.ok) pair.value.close();
    expect(probeBranchCounters(CPU)).toBe(pair.ok ? undefined : pair.error);
  });
});
