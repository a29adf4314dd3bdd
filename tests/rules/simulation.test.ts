// Dry runs: the engine's decisions over simulated days, and time that adds up.

import { describe, expect, test } from "bun:test";
import { type SimulatedDomain, type Simulation, simulate } from "../../internal/rules/simulation.ts";
import { parseTrace } from "../../internal/rules/trace.ts";
import { khz, pcpu } from "../../internal/values/units.ts";
import { at, span, timeRule, TRAFFIC } from "./rules.ts";
import { policy, workload } from "./policy-world.ts";

const HOUR = 3_600_000;
const table = { steps: [2600, 2200, 1600, 1200, 800].map((mhz) => khz(mhz * 1000)), nominal: 0 };
const DOMAINS: readonly SimulatedDomain[] = [
  { pcpus: [pcpu(0), pcpu(1)], table, turboAtStart: true },
  { pcpus: [pcpu(2)], table, turboAtStart: true },
];

function run(what: Partial<Simulation> & Pick<Simulation, "policy">) {
  const done = simulate({
    cpus: [0, 1, 2].map(pcpu),
    domains: DOMAINS,
    from: at("2026-10-25T00:00:00+02:00"),
    to: at("2026-10-26T00:00:00+01:00"),
    ...what,
  });
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  const { changes, shares } = done.value;
  return {
    changes: changes.map(
      ({ at, cpu, level, khz }) => `${new Date(at).toISOString().slice(11, 19)} ${cpu} ${level} ${khz}`,
    ),
    shares: shares.map(({ cpu, khz, ms }) => `${cpu} ${khz} ${ms / HOUR}`),
  };
}

describe("simulate()", () => {
  test("tells each change of a TIME policy and the hours at each frequency, on a day of 25 hours", () => {
    const rule = timeRule(
      "Europe/Berlin",
      [span("02:00", "03:00", "max"), span("12:00", "18:00", khz(1_500_000))],
      "min",
    );
    const { changes, shares } = run({ policy: policy(rule), cpus: [pcpu(2)] });
    expect(changes).toEqual([
      "22:00:00 2 min 800000",
      "00:00:00 2 max 2600000",
      "02:00:00 2 min 800000",
      "11:00:00 2 1500000 1600000",
      "17:00:00 2 min 800000",
    ]);
    expect(shares).toEqual(["2 2600000 2", "2 1600000 6", "2 800000 17"]);
  });

  test("tells what the policy left as it was", () => {
    const { shares } = run({
      policy: policy(timeRule("Europe/Berlin", [span("12:00", "18:00", "max")])),
      cpus: [pcpu(2)],
    });
    expect(shares).toEqual(["2 2600000 12", "2 undefined 13"]);
  });

  test("gives CPUs that share a clock the highest wish, and moves those only that the policy names", () => {
    const { changes } = run({ policy: workload("low", [0]) });
    expect(changes).toEqual(["22:00:00 0 min 800000", "22:00:00 1 min 800000"]);
  });

  test("refuses a vCPU that has no CPU", () => {
    const done = simulate({
      policy: workload("low", [3]),
      cpus: [pcpu(0)],
      domains: DOMAINS,
      from: 0,
      to: 1,
    });
    expect(done).toMatchObject({ ok: false, error: { kind: "no-such-vcpu", vcpu: 3, count: 1 } });
  });

  test("follows a trace of traffic, with the policy's hysteresis", () => {
    const from = at("2026-10-25T00:00:00Z");
    const traffic = parseTrace("0,100\n60,12000\n120,9500\n180,8000\n240,0", 1, from);
    if (!traffic.ok) throw new Error(traffic.error);
    const what = {
      policy: policy({ type: "traffic", traffic: TRAFFIC }),
      cpus: [pcpu(2)],
      from,
      to: from + HOUR / 12,
    };
    expect(run({ ...what, traffic: traffic.value }).changes).toEqual([
      "00:00:02 2 min 800000",
      "00:01:01 2 max 2600000",
      "00:03:01 2 medium 1600000",
      "00:04:01 2 min 800000",
    ]);
  });

  test("follows a trace of branches: up at once, down after 32 quiet samples", () => {
    const from = at("2026-10-25T00:00:00Z");
    const branches = parseTrace("0,500000000,100000\n10,500000000,3000000\n20,500000000,100000", 2, from);
    if (!branches.ok) throw new Error(branches.error);
    const rule = { type: "branch-ratio", threshold: 0.001, quietSamples: 32 } as const;
    const { changes } = run({
      policy: policy(rule),
      cpus: [pcpu(2), pcpu(0)],
      from,
      to: from + 60_000,
      branches: branches.value,
    });
    expect(changes.filter((line) => line.includes(" 2 "))).toEqual([
      "00:00:03 2 min 800000",
      "00:00:10 2 max 2600000",
      "00:00:23 2 min 800000",
    ]);
    expect(changes).toHaveLength(6);
  });
});
