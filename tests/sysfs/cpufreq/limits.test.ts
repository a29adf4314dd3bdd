// The order of two writes: without it a kernel that refuses min above max would stop us half way.

import { describe, expect, test } from "bun:test";
import { rmSync, symlinkSync } from "node:fs";
import { AttrDir } from "../../../internal/sysfs/attr.ts";
import { readKhz, readOwnLimits, writeLimit, writeLimits } from "../../../internal/sysfs/cpufreq/limits.ts";
import { khz } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { error, machine, value } from "../machine.ts";

const MIN = "cpufreq/policy0/scaling_min_freq";
const MAX = "cpufreq/policy0/scaling_max_freq";

/** Limits that somebody set, kHz. */
const set = (min: number, max: number) => ({ min: khz(min), max: khz(max), noMin: false, noMax: false });

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
    value(writeLimits(new AttrDir(host.path("cpufreq/policy0")), set(900_000, 1_000_000)));
    expect([host.line(MIN), host.line(MAX)]).toEqual(["900000", "1000000"]);
  });

  test("has written max when min fails while raising", () => {
    const { dir, line, path } = stuck();
    const failed = error(writeLimits(dir, set(2_000_000, 2_000_000)));
    expect(failed).toMatchObject({ op: "write", path: path(MIN), code: "ENOSPC", value: "2000000" });
    expect(line(MAX)).toBe("2000000");
  });

  test("has not touched max when min fails while lowering", () => {
    const { dir, line } = stuck();
    expect(error(writeLimits(dir, set(800_000, 800_000))).code).toBe("ENOSPC");
    expect(line(MAX)).toBe("1800000");
  });
});

describe("writeLimit()", () => {
  testNeeding(["root and FUSE"], "leaves no limit where there is none, so that turbo moves it", async () => {
    const { sys, read, write } = await mountMachine("intel_pstate-hwp");
    const dir = new AttrDir(`${sys}/devices/system/cpu/cpufreq/policy0`);
    write("intel_pstate/no_turbo", 1);
    value(writeLimit(dir, "ceiling", khz(2_400_000), true));
    expect(read(MAX)).toBe("2400000");
    write("intel_pstate/no_turbo", 0);
    expect(read(MAX)).toBe("3700000");
    write(MIN, 1_000_000);
    value(writeLimit(dir, "floor", khz(800_000), true));
    expect(read(MIN)).toBe("800000");
  });

  testNeeding(["root and FUSE"], "sets a minimum that no minimum would put elsewhere", async () => {
    const { sys, read, write } = await mountMachine("amd-pstate-active-6.16");
    const dir = new AttrDir(`${sys}/devices/system/cpu/cpufreq/policy0`);
    const least = Number(read("cpufreq/policy0/cpuinfo_min_freq"));
    expect(Number(read(MIN))).toBeGreaterThan(least);
    expect(value(readOwnLimits(dir, { min: khz(least), max: khz(1) }))).toMatchObject({
      noMin: false,
      noMax: true,
    });
    write(MIN, least);
    value(writeLimit(dir, "floor", khz(least), true));
    expect(read(MIN)).toBe(`${least}`);
  });

  test("writes the number to a file that keeps whatever is written", () => {
    const host = machine("intel-pstate-8cpu-smt");
    const dir = new AttrDir(host.path("cpufreq/policy0"));
    value(writeLimit(dir, "ceiling", khz(2_400_000), true));
    value(writeLimit(dir, "floor", khz(800_000), true));
    expect([host.line(MIN), host.line(MAX)]).toEqual(["800000", "2400000"]);
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
