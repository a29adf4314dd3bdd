// The order of two writes, for kernels that refuse min above max.

import { describe, expect, test } from "bun:test";
import { rmSync, symlinkSync } from "node:fs";
import { AttrDir } from "../../../internal/sysfs/attr.ts";
import { readKhz, writeLimits } from "../../../internal/sysfs/cpufreq/limits.ts";
import { khz } from "../../../internal/values/units.ts";
import { error, machine, value } from "../machine.ts";

const MIN = "cpufreq/policy0/scaling_min_freq";
const MAX = "cpufreq/policy0/scaling_max_freq";

/** A policy at 1.2-1.8 GHz whose min refuses every write. */
function stuck() {
  const host = machine("intel-pstate-8cpu-smt");
  host.put(MAX, "1800000");
  rmSync(host.path(MIN));
  symlinkSync("/dev/full", host.path(MIN));
  return { ...host, dir: new AttrDir(host.path("cpufreq/policy0")) };
}

describe("writeLimits()", () => {
  test("writes both", () => {
    const host = machine("intel-pstate-8cpu-smt");
    value(writeLimits(new AttrDir(host.path("cpufreq/policy0")), { min: khz(900_000), max: khz(1_000_000) }));
    expect([host.line(MIN), host.line(MAX)]).toEqual(["900000", "1000000"]);
  });

  test("has written max when min fails while raising", () => {
    const { dir, line, path } = stuck();
    const failed = error(writeLimits(dir, { min: khz(2_000_000), max: khz(2_000_000) }));
    expect(failed).toMatchObject({ op: "write", path: path(MIN), code: "ENOSPC", value: "2000000" });
    expect(line(MAX)).toBe("2000000");
  });

  test("has not touched max when min fails while lowering", () => {
    const { dir, line } = stuck();
    expect(error(writeLimits(dir, { min: khz(800_000), max: khz(800_000) })).code).toBe("ENOSPC");
    expect(line(MAX)).toBe("1800000");
  });
});

test("readKhz() answers ENOENT when a file that every policy has is missing", () => {
  const host = machine("intel-pstate-8cpu-smt");
  rmSync(host.path(MAX));
  expect(error(readKhz(new AttrDir(host.path("cpufreq/policy0")), "scaling_max_freq"))).toMatchObject({
    op: "read",
    path: host.path(MAX),
    code: "ENOENT",
  });
});
