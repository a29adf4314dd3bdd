// What every rule must keep: it looks at no clock, remembers nothing, and changes no input.

import { describe, expect, setSystemTime, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { PolicyRule } from "../../internal/values/policy.ts";
import { RULES, ruleFor } from "../../internal/rules/index.ts";
import { type Inputs, UNDECIDED, type Verdict } from "../../internal/rules/rule.ts";
import { POLICY_TYPES } from "../../internal/values/request.ts";
import { at, span, timeRule, TRAFFIC } from "./rules.ts";

const SAMPLES: readonly PolicyRule[] = [
  timeRule("Europe/Berlin", [span("08:00", "12:00", "max"), span("12:00", "20:00", "traffic")], "min"),
  { type: "traffic", traffic: TRAFFIC },
  { type: "workload", workload: "medium" },
  { type: "branch-ratio", threshold: 0.001, quietSamples: 4 },
];
const NOWS = ["2026-03-29T00:59:00Z", "2026-06-10T06:00:00Z", "2026-06-10T15:00:00Z"].map(at);
const INPUTS: readonly Inputs[] = NOWS.flatMap((now) =>
  [undefined, 0, 950, 5000, 20_000].map((pps) => ({
    now,
    pps,
    branches: { branches: 1e6, misses: pps ?? 0 },
  })),
);

/** Returns every verdict over the inputs, each following the one before. */
function run(rule: PolicyRule): Verdict[] {
  let verdict = UNDECIDED;
  return INPUTS.map((inputs) => (verdict = ruleFor(rule).evaluate(rule, inputs, verdict)));
}

test("RULES has every policy type, and every file of the folder is in use", () => {
  expect(Object.keys(RULES).sort()).toEqual([...POLICY_TYPES].sort());
  expect(SAMPLES.map(({ type }) => type).sort()).toEqual([...POLICY_TYPES].sort());
});

test("no rule asks what time it is", () => {
  const dir = join(import.meta.dir, "../../internal/rules");
  for (const file of ["index", "rule", "level", "span", "branch-ratio", "time", "traffic", "workload"].map(
    (name) => `${name}.ts`,
  )) {
    expect(readFileSync(join(dir, file), "utf8"), file).not.toMatch(
      /Date\.now|new Date|performance|Temporal\.Now|setTimeout|Math\.random/,
    );
  }
});

describe.each(SAMPLES.map((rule) => [rule.type, rule] as const))("rule %s", (_type, rule) => {
  test("evaluate() gives the same verdicts for the same inputs, whatever the clock says", () => {
    const first = run(rule);
    setSystemTime(new Date("2031-01-01T03:00:00Z"));
    const second = run(rule);
    setSystemTime();
    expect(second).toEqual(first);
  });

  test("evaluate() changes neither its inputs nor what came before", () => {
    const frozen = Object.freeze({ ...UNDECIDED });
    for (const inputs of INPUTS) ruleFor(rule).evaluate(Object.freeze(rule), Object.freeze(inputs), frozen);
    expect(frozen).toEqual(UNDECIDED);
  });

  test("evaluate() decides something over the inputs", () => {
    expect(run(rule).some(({ level }) => level !== undefined)).toBe(true);
  });

  test("nextLook() is later than now", () => {
    for (const now of NOWS) expect(ruleFor(rule).nextLook(rule, now) ?? Infinity).toBeGreaterThan(now);
  });

  test("evaluate() holds what it had when nothing was measured", () => {
    if (rule.type === "workload" || rule.type === "time") return;
    const held: Verdict = { level: "medium", quiet: 0 };
    expect(ruleFor(rule).evaluate(rule, { now: 0 }, held).level).toBe("medium");
  });
});
