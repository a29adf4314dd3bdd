// What an operator sees of a budget, and can say of it.

import { afterEach, beforeEach, expect, test } from "bun:test";
import type { BudgetReport } from "../../../internal/api/budget.ts";
import { budgetAsks, budgetGlance, budgetRehearsals } from "../../../internal/daemon/asks/budget.ts";
import { explainAsks } from "../../../internal/daemon/asks/explain.ts";
import { liveAsks } from "../../../internal/daemon/asks/live.ts";
import { readMetrics } from "../../../internal/daemon/asks/metrics.ts";
import { METRICS } from "../../../internal/metrics/metrics.ts";
import { prometheus } from "../../../internal/output/prometheus.ts";
import { value } from "../../helpers/answer.ts";
import { BudgetWorld, VMS } from "../../helpers/budget-world.ts";
import { ask, frame } from "../../helpers/lab.ts";

let world: BudgetWorld;
beforeEach(async () => {
  world = new BudgetWorld({ ...VMS, budget: { watts: 110 } });
  await Promise.all(["hi.0", "no.0", "lo.0"].map((name) => world.lab.guest(name)));
  world.pass(10);
});
afterEach(() => world.end());

const metrics = () => prometheus(readMetrics(world.lab.host, "1.2.3", undefined, world.budget));
const number = (series: string) =>
  Number(
    / (\S+)$/.exec(
      metrics()
        .split("\n")
        .find((line) => line.startsWith(`${series} `)) ?? "",
    )?.[1],
  );
const asks = () => budgetAsks(world.budget);

test("budget() tells what may be drawn, what is, and who pays", () => {
  const report: BudgetReport = value(asks().budget());
  expect(report).toMatchObject({
    budgetWatts: 110,
    origin: "file",
    meter: "rapl",
    payers: ["lo", "no"],
    shares: { high: 1, low: 0 },
    floorsTooHigh: false,
    backstop: { state: "off" },
  });
  expect(report.drawnWatts).toBeGreaterThan(100);
  expect(report.floorWatts).toBeGreaterThan(45);
  expect(report.floorWatts).toBeLessThan(75);
  expect(report.clocks[7]).toEqual({
    domain: 7,
    priority: "low",
    wishKhz: 2_600_000,
    floorKhz: 800_000,
    ceilingKhz: 800_000,
    vms: ["lo"],
  });
});

test("setBudget() goes before the file until releaseBudget(); 0 is none", () => {
  expect(value(asks().setBudget({ watts: 90 }))).toMatchObject({ budgetWatts: 90, origin: "operator" });
  const off: BudgetReport = value(asks().setBudget({ watts: 0 }));
  expect([off.budgetWatts, off.origin]).toEqual([undefined, "operator"]);
  expect(budgetGlance(world.budget)).toBeUndefined();
  expect(metrics()).not.toContain("powermon_budget_");
  expect(value(asks().releaseBudget())).toMatchObject({ budgetWatts: 110, origin: "file" });
});

test("setBudget() and releaseBudget() can be tried, and change nothing then", () => {
  const { setBudget, releaseBudget } = budgetRehearsals(world.lab.host, world.budget);
  expect(value(setBudget({ watts: 20, dryRun: true }))).toEqual({
    dryRun: true,
    changes: [{ what: "power budget", before: "110 W (file)", after: "20 W (operator)" }],
    clocks: [],
    warnings: [
      "Ceilings follow within seconds, by what the meter shows then.",
      expect.stringMatching(/^The floors take about \d+ of 20 W; they are held\.$/),
    ],
  });
  expect(world.budget.state().budgetWatts).toBe(110);
  expect(value(releaseBudget())).toEqual({ dryRun: true, changes: [], clocks: [], warnings: [] });
});

test("explain() says whose ceiling it is, of a clock that is claimed and of one that is not", async () => {
  const lo = await world.lab.guest("lo.1");
  await ask(lo, frame({ step: "max" }));
  const why = (cpu: number) => value(explainAsks(world.lab.host, world.budget).explain({ cpu })).why;
  expect(why(4)).toContain(
    "The wish was cut to its ceiling 0.8 GHz: budget 110 W, priority low. The wish stands, and counts again when there is room.",
  );
  expect(why(5)).toContain("It may not go above its ceiling 0.8 GHz: budget 110 W, priority low.");
  expect(why(0)).toEqual(['Nobody claims CPU 0: powermon leaves it to its governor "performance".']);
  world.load({ busy: [1], meter: "frozen" });
  world.pass(5);
  expect(why(5).at(-1)).toContain(
    "budget 110 W without its meter (it has shown the same for 4 s), priority low",
  );
});

test("live() has the watts, who pays, and the ceilings of the clocks", async () => {
  const live = liveAsks(world.lab.host, "host.example", world.lab.look, world.budget).live();
  const { budget, domains } = value(await live);
  expect(budget).toMatchObject({ budgetWatts: 110, payers: ["lo", "no"], morePayers: 0 });
  expect(budget?.says).toMatch(/^1\d\d\.\d of 110 W, paid by lo, no$/);
  expect(domains.map(({ ceilingKhz }) => ceilingKhz).slice(4)).toEqual([8e5, 8e5, 8e5, 8e5]);
});

test("readMetrics() tells of the budget in watts, hertz and shares", () => {
  const there = new Set([...metrics().matchAll(/^# TYPE (powermon_budget_\w+)/gm)].map(([, name]) => name));
  expect([...there]).toEqual(Object.keys(METRICS).filter((name) => name.startsWith("powermon_budget_")));
  expect(number("powermon_budget_watts")).toBe(110);
  expect(number("powermon_budget_drawn_watts")).toBeGreaterThan(100);
  expect(number('powermon_budget_ceiling_hertz{vm="lo",priority="low"}')).toBe(8e8);
  expect(number('powermon_budget_lost_hertz{vm="lo",priority="low"}')).toBe(4 * 18e8);
  expect(number('powermon_budget_lost_hertz{vm="hi",priority="high"}')).toBe(0);
  expect(number('powermon_budget_headroom_share{priority="low"}')).toBe(0);
  world.load({ busy: [1], meter: "frozen" });
  world.pass(5);
  expect(number("powermon_budget_meter_lost")).toBe(1);
  expect(number("powermon_budget_drawn_watts")).toBeNaN();
});
