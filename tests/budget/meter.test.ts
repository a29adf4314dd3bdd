// The four meters, on files.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openMeter } from "../../internal/budget/meter.ts";
import { meterText, parseMeter } from "../../internal/values/meter.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "powermon-meter-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text: string) => {
  mkdirSync(dirname(`${root}/${path}`), { recursive: true });
  writeFileSync(`${root}/${path}`, text);
};
const zone = (id: string, name: string, uj: number) => {
  put(`class/powercap/${id}/name`, `${name}\n`);
  put(`class/powercap/${id}/energy_uj`, `${uj}\n`);
  put(`class/powercap/${id}/max_energy_range_uj`, "262143328850\n");
};
/** Returns what a meter shows, or why there is none. */
const read = (text: string) => {
  const name = parseMeter(text);
  if (name === undefined) throw new Error(`${text} is no meter`);
  const meter = openMeter(name, root);
  const reading = meter.ok ? meter.value.read() : meter;
  return reading.ok ? reading.value : reading.error;
};
const energy = (...uj: readonly number[]) => ({
  kind: "energy",
  parts: uj.map((one) => ({ uj: one, wrapUj: 262_143_328_850 })),
});

describe("openMeter() of RAPL", () => {
  test("reads each package once, also where MMIO shows it a second time, and none of its parts", () => {
    zone("intel-rapl:0", "package-0", 5);
    zone("intel-rapl:0:0", "core", 3);
    zone("intel-rapl:1", "package-1", 7);
    zone("intel-rapl:2", "psys", 99);
    zone("intel-rapl-mmio:0", "package-0", 5);
    expect(read("rapl")).toEqual(energy(5, 7) as never);
    expect(read("psys")).toEqual(energy(99) as never);
  });

  test("says what is missing", () => {
    expect(read("rapl")).toBe(`no zone of RAPL called package is in ${root}/class/powercap`);
    zone("intel-rapl:0", "package-0", 5);
    expect(read("psys")).toBe(`no zone of RAPL called psys is in ${root}/class/powercap`);
  });
});

test("openMeter() of hwmon takes sockets before cores, and averages before moments", () => {
  const chip = (n: number, name: string, files: Record<string, string>) => {
    put(`class/hwmon/hwmon${n}/name`, `${name}\n`);
    for (const [file, text] of Object.entries(files)) put(`class/hwmon/hwmon${n}/${file}`, `${text}\n`);
  };
  chip(0, "amd_energy", {
    energy1_input: "1",
    energy1_label: "Ecore000",
    energy2_input: "50",
    energy2_label: "Esocket0",
    energy3_input: "60",
    energy3_label: "Esocket1",
  });
  chip(1, "power_meter", { power1_average: "93000000", power1_input: "1" });
  chip(2, "psu", { power1_input: "40000000" });
  chip(3, "psu", { power1_input: "50000000" });
  expect(read("hwmon:amd_energy")).toMatchObject({ parts: [{ uj: 50 }, { uj: 60 }] });
  expect(read("hwmon:power_meter")).toEqual({ kind: "power", watts: 93 });
  expect(read("hwmon:psu")).toEqual({ kind: "power", watts: 90 });
  expect(read("hwmon:none")).toBe(`no energy or power sensor of a chip "none" is in ${root}/class/hwmon`);
});

describe("openMeter() of a file", () => {
  test("reads microjoules and when they were written", () => {
    put("meter", "123456789012345678\nmore\n");
    utimesSync(`${root}/meter`, 1000, 1000.5);
    expect(read(`file:${root}/meter`)).toEqual({
      kind: "energy",
      parts: [{ uj: 123_456_789_012_345_680, wrapUj: undefined }],
      writtenMs: 1_000_500,
    });
  });

  test("refuses what is no number, no file, or could make it wait", async () => {
    const path = `${root}/meter`;
    const why = () => read(`file:${path}`);
    expect(why()).toBe(`Cannot read "${path}": ENOENT`);
    for (const text of ["", "-5\n", "1.5\n", "12 W\n", `${"9".repeat(19)}\n`]) {
      put("meter", text);
      expect(why()).toBe(`"${path}" does not begin with a number of microjoules`);
    }
    rmSync(path);
    mkdirSync(path);
    expect(why()).toBe(`"${path}" is no plain file`);
    rmSync(path, { recursive: true });
    expect((await Bun.$`mkfifo ${path}`.quiet()).exitCode).toBe(0);
    expect(why()).toBe(`"${path}" is no plain file`);
    rmSync(path);
    symlinkSync("/dev/zero", path);
    expect(why()).toBe(`"${path}" is no plain file`);
  });
});

test("parseMeter() takes the four forms and nothing else", () => {
  for (const text of ["rapl", "psys", "hwmon:amd_energy", "file:/run/bmc/energy_uj"])
    expect(meterText(parseMeter(text) as never)).toBe(text);
  for (const text of [
    "",
    "RAPL",
    "hwmon:",
    "hwmon:a/b",
    "file:",
    "file:energy",
    "file:/a/../b",
    "file:/a\0b",
  ])
    expect(parseMeter(text)).toBeUndefined();
});
