// Two ways to hold a frequency, and whether it is held.

import { describe, expect, test } from "bun:test";
import { renameSync, symlinkSync } from "node:fs";
import { AttrDir, attrBytes } from "../../../internal/sysfs/attr.ts";
import { limits, type Pin, setspeed } from "../../../internal/sysfs/cpufreq/pin.ts";
import { khz } from "../../../internal/values/units.ts";
import { error, machine, value } from "../machine.ts";

const MIN = "cpufreq/policy0/scaling_min_freq";
const MAX = "cpufreq/policy0/scaling_max_freq";
const setTo = (pin: Pin, speed: number) => pin.set(khz(speed), attrBytes(`${speed}`));

describe("limits()", () => {
  test("moves max first when raising and min first when lowering, also after a write that failed half way", () => {
    const host = machine("intel-pstate-8cpu-smt");
    const pin = limits(new AttrDir(host.path("cpufreq/policy0")));
    value(setTo(pin, 1_500_000));
    pin.close();
    renameSync(host.path(MIN), host.path(`${MIN}.aside`));
    symlinkSync("/dev/full", host.path(MIN));
    expect(error(setTo(pin, 900_000)).path).toBe(host.path(MIN));
    expect(host.line(MAX)).toBe("1500000");
    expect(error(setTo(pin, 2_000_000)).path).toBe(host.path(MIN));
    expect(host.line(MAX)).toBe("2000000");
    expect(error(setTo(pin, 1_800_000)).path).toBe(host.path(MIN));
    expect(host.line(MAX)).toBe("2000000");
    pin.close();
    renameSync(host.path(`${MIN}.aside`), host.path(MIN));
    value(setTo(pin, 1_800_000));
    expect([host.line(MIN), host.line(MAX)]).toEqual(["1800000", "1800000"]);
    expect(value(pin.holds(khz(1_800_000)))).toBe(true);
    pin.close();
  });

  test("holds() is false when only one limit still stands", () => {
    const host = machine("intel-pstate-8cpu-smt");
    const pin = limits(new AttrDir(host.path("cpufreq/policy0")));
    value(setTo(pin, 1_500_000));
    host.put(MIN, "800000");
    expect(value(pin.holds(khz(1_500_000)))).toBe(false);
    pin.close();
  });
});

describe("setspeed()", () => {
  test("told() returns the upper limit when another governor runs", () => {
    const pin = setspeed(new AttrDir(machine("intel-cpufreq-4cpu").path("cpufreq/policy0")));
    expect(value(pin.told())).toBe(khz(3_200_000));
  });

  test("holds() is false when the governor was changed under it", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const pin = setspeed(new AttrDir(host.path("cpufreq/policy0")));
    value(pin.take());
    value(setTo(pin, 1_800_000));
    expect(value(pin.holds(khz(1_800_000)))).toBe(true);
    host.put("cpufreq/policy0/scaling_governor", "performance");
    expect(value(pin.holds(khz(1_800_000)))).toBe(false);
    pin.close();
  });
});
