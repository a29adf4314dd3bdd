// A dry run whose budget comes, changes and goes.

import { expect, test } from "bun:test";
import { MachineModel, MODEL } from "../../internal/budget/machine-model.ts";
import { FULL } from "../../internal/budget/payers.ts";
import { simulate } from "../../internal/budget/simulate.ts";
import { khz } from "../../internal/values/units.ts";

test("simulate() holds what the budget is at each second, and nobody pays while there is none", () => {
  const model = new MachineModel({ ...MODEL, noiseWatts: 0 });
  const vms = [{ vm: "a", priority: "low", cpus: 16, floor: khz(800_000) }] as const;
  const watts = (atS: number) => (atS < 100 ? undefined : atS < 200 ? 140 : atS < 300 ? 100 : undefined);
  const found = simulate(vms, [{ atS: 0, busy: [1] }], 400, { watts, guard: 0.02 }, model);
  const drawn = (from: number, to: number) =>
    found.rows.filter(({ atS }) => atS > from && atS <= to).map((row) => Math.round(row.watts));
  expect(new Set(drawn(0, 100))).toEqual(new Set([180]));
  expect(Math.max(...drawn(110, 200))).toBeLessThanOrEqual(140);
  expect(Math.min(...drawn(110, 200))).toBeGreaterThan(130);
  expect(Math.max(...drawn(210, 300))).toBeLessThanOrEqual(100);
  expect(new Set(drawn(302, 400))).toEqual(new Set([180]));
  expect(found.rows.at(-1)?.reach).toBe(FULL);
  // RAPL alone holds them at once, and lets go where there is none.
  expect(found.raplAlone.vms[0]?.paidS).toBe(200);
  expect(found.raplAlone.overJoules).toBe(0);
});
