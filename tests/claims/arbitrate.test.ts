import { describe, expect, test } from "bun:test";
import { arbitrate, clip, type Limits } from "../../internal/claims/arbitrate.ts";
import { domainId, khz } from "../../internal/values/units.ts";

const wish = (name: string, wanted: number, limits: Limits = {}) => ({
  name,
  level: { khz: khz(wanted), turbo: false },
  operator: name === "operator",
  superseded: name === "superseded",
  limitsIn: () => limits,
});

describe("arbitrate()", () => {
  test.each([
    ["the only wish", [wish("a", 800000)], {}, 800000, "a", undefined],
    ["the highest wish", [wish("a", 800000), wish("b", 2000000)], {}, 2000000, "b", undefined],
    ["the first of two equal ones", [wish("a", 800000), wish("b", 800000)], {}, 800000, "a", undefined],
    [
      "a wish cut by its own VM's ceiling only",
      [wish("a", 2600000, { ceiling: khz(1400000) }), wish("b", 2000000)],
      {},
      2000000,
      "b",
      undefined,
    ],
    ["the VM's ceiling", [wish("a", 2600000, { ceiling: khz(1400000) })], {}, 1400000, "a", "vm"],
    ["the VM's floor", [wish("a", 800000, { floor: khz(1400000) })], {}, 1400000, "a", "vm"],
    ["the site's ceiling", [wish("a", 2600000)], { ceiling: khz(2000000) }, 2000000, "a", "site"],
    [
      "the site's ceiling over a VM's floor",
      [wish("a", 1, { floor: khz(2600000) })],
      { ceiling: khz(9) },
      9,
      "a",
      "site",
    ],
    [
      "an operator's word before a higher wish",
      [wish("a", 2600000), wish("operator", 800000)],
      {},
      800000,
      "operator",
      undefined,
    ],
    [
      "an operator's word that came first",
      [wish("operator", 800000), wish("a", 2600000)],
      {},
      800000,
      "operator",
      undefined,
    ],
    [
      "nothing to a wish whose vCPU a policy speaks for",
      [wish("superseded", 2600000), wish("a", 800000)],
      {},
      800000,
      "a",
      undefined,
    ],
    ["the site's floor", [wish("a", 800000)], { floor: khz(1000000) }, 1000000, "a", "site"],
  ] as const)("gives %s", (_, wishes, site, target, winner, clippedBy) => {
    const decision = arbitrate(wishes, domainId(0), site);
    expect([decision?.target, decision?.winner.name, decision?.clippedBy]).toEqual([
      khz(target),
      winner,
      clippedBy,
    ]);
  });

  test("decides nothing when nobody wishes", () => {
    expect(arbitrate([], domainId(0), { floor: khz(800000) })).toBeUndefined();
  });
});

test("clip() lets the ceiling win when it is below the floor", () => {
  expect(clip(khz(5), { floor: khz(9), ceiling: khz(3) })).toBe(khz(3));
});
