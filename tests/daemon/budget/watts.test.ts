// Which windows' watts hold when, from one second of a dry run to the next.

import { expect, test } from "bun:test";
import { budgetOf } from "../../../internal/config/budget.ts";
import { wattsOver } from "../../../internal/daemon/budget/watts.ts";

const at = (time: string) => Date.parse(time);
const window = (from: number, to: number, watts: number) => ({ from: from * 60, to: to * 60, watts });

test("wattsOver() tells each change of a day by the configuration's own time zone", () => {
  const config = budgetOf({
    budget: { watts: 110, timezone: "Europe/Berlin", windows: [window(17, 20, 80), window(19, 22, 90)] },
  });
  expect(wattsOver(config, at("2026-11-23T00:00+01:00"), 86_400)).toEqual([
    { atS: 0, watts: 110 },
    { atS: 17 * 3600, watts: 80 },
    { atS: 20 * 3600, watts: 90 },
    { atS: 22 * 3600, watts: 110 },
  ]);
  expect(wattsOver(config, at("2026-11-23T16:59:30+01:00"), 30)).toEqual([{ atS: 0, watts: 110 }]);
  expect(wattsOver(config, at("2026-11-23T16:59:30+01:00"), 31)[1]).toEqual({ atS: 30, watts: 80 });
});

test("wattsOver() goes by what the local clock shows when it is put forward", () => {
  const config = budgetOf({
    budget: { watts: 110, timezone: "Europe/Berlin", windows: [window(2, 3, 80), window(4, 5, 70)] },
  });
  // The hour from 2 to 3 does not happen on 2026-03-29.
  expect(wattsOver(config, at("2026-03-29T00:00+01:00"), 6 * 3600)).toEqual([
    { atS: 0, watts: 110 },
    { atS: 3 * 3600, watts: 70 },
    { atS: 4 * 3600, watts: 110 },
  ]);
});

test("wattsOver() has no watts outside of windows where the table names none", () => {
  const config = budgetOf({ budget: { timezone: "UTC", windows: [window(17, 20, 80)] } });
  expect(wattsOver(config, at("2026-11-23T16:00Z"), 2 * 3600)).toEqual([
    { atS: 0, watts: undefined },
    { atS: 3600, watts: 80 },
  ]);
  expect(wattsOver(budgetOf({}), 0, 10)).toEqual([{ atS: 0, watts: undefined }]);
});
