// A guest's policy as the host applies it.

import { describe, expect, test } from "bun:test";
import { fromGuest } from "../../internal/values/policy.ts";
import type { GuestPolicy } from "../../internal/values/request.ts";
import { levelAt } from "../rules/rules.ts";

const GUEST: GuestPolicy = {
  type: "time",
  vcpus: [1, 0, 1],
  macs: ["52:54:00:00:00:01"],
  traffic: { min: 1, avg: 100, max: 200 },
  busyHours: [17, 18],
  quietHours: [18, 2],
  trafficHours: [8, 17],
  workload: "low",
  turbo: true,
};

describe("fromGuest()", () => {
  test("names each vCPU once and keeps the leave for turbo", () => {
    expect(fromGuest(GUEST)).toMatchObject({ vcpus: [1, 0], turbo: true });
  });

  test("takes an hour for busy before quiet before traffic, on the host's clock", () => {
    const { rule } = fromGuest(GUEST);
    expect(rule).toMatchObject({ timeZone: undefined });
    if (rule.type !== "time") throw new Error(rule.type);
    expect(levelAt(rule, "2026-06-10T17:30:00Z")).toBe("max");
    expect(levelAt(rule, "2026-06-10T18:59:00Z")).toBe("max");
    expect(levelAt(rule, "2026-06-10T02:00:00Z")).toBe("min");
    expect(levelAt(rule, "2026-06-10T05:00:00Z")).toBeUndefined();
    expect(rule.windows.map(({ level }) => level)).toEqual([
      "max",
      "max",
      "min",
      "min",
      "traffic",
      "traffic",
    ]);
  });

  test("drops traffic hours when the guest names no MAC", () => {
    const { rule } = fromGuest({ ...GUEST, macs: [] });
    expect(rule.type === "time" && rule.windows.some(({ level }) => level === "traffic")).toBe(false);
  });

  test("reads thresholds and levels of the other types", () => {
    expect(fromGuest({ ...GUEST, type: "traffic" }).rule).toMatchObject({
      traffic: { macs: GUEST.macs, mediumPps: 100, maxPps: 200, fallPercent: 90 },
    });
    expect(fromGuest({ ...GUEST, type: "workload" }).rule).toEqual({
      type: "workload",
      workload: "low",
    });
    expect(fromGuest({ ...GUEST, type: "branch-ratio" }).rule).toEqual({
      type: "branch-ratio",
      threshold: 0.001,
      quietSamples: 32,
    });
  });
});
