// One attribute, one call, told truly.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { AttrDir, attrBytes } from "../../internal/sysfs/attr.ts";
import { error, machine, value } from "./machine.ts";

const POLICY = "cpufreq/policy0";
const setUp = () => {
  const host = machine("acpi-cpufreq-4cpu-independent");
  return { ...host, dir: new AttrDir(host.path(POLICY)) };
};

describe("read()", () => {
  test("returns the first line only, without the kernel's trailing blank", () => {
    const { dir, put } = setUp();
    put(`${POLICY}/scaling_available_governors`, "userspace performance \nrest");
    expect(value(dir.read("scaling_available_governors"))).toBe("userspace performance");
  });

  test("tells absent from unreadable", () => {
    const { dir } = setUp();
    expect(value(dir.read("no_such_file"))).toBeUndefined();
    expect(error(dir.read("stats"))).toEqual({
      kind: "sysfs",
      op: "read",
      path: `${dir.path}/stats`,
      code: "EISDIR",
      value: undefined,
    });
  });
});

describe("readNumber()", () => {
  test.each(["<unsupported>", "-1", "", "1e6", "12 13"])("refuses %j as a number", (text) => {
    const { dir, put } = setUp();
    put(`${POLICY}/scaling_setspeed`, text);
    expect(error(dir.readNumber("scaling_setspeed"))).toMatchObject({
      op: "parse",
      code: "EINVAL",
      value: text,
    });
  });
});

describe("write()", () => {
  test("puts a shorter value over a longer one so that the first line is the new one", () => {
    const { dir } = setUp();
    expect(dir.write("scaling_setspeed", "1200000").ok).toBe(true);
    expect(dir.write("scaling_setspeed", "800000").ok).toBe(true);
    expect(value(dir.read("scaling_setspeed"))).toBe("800000");
  });

  test("never makes a file", () => {
    const { dir } = setUp();
    expect(error(dir.write("no_such_file", "1"))).toMatchObject({ op: "open", code: "ENOENT", value: "1" });
    expect(existsSync(`${dir.path}/no_such_file`)).toBe(false);
  });

  test.each([
    ["EISDIR", "open", (path: string) => mkdirSync(path)],
    ["ENOSPC", "write", (path: string) => symlinkSync("/dev/full", path)],
  ] as const)("answers %s with the real path when that is what %s says", (code, op, putInPlace) => {
    const { dir } = setUp();
    const path = `${dir.path}/scaling_setspeed`;
    rmSync(path);
    putInPlace(path);
    expect(error(dir.write("scaling_setspeed", "800000"))).toEqual({
      kind: "sysfs",
      op,
      path,
      code,
      value: "800000",
    });
  });
});

describe("open()", () => {
  test("keeps one file open over many writes at offset 0", () => {
    const { dir, line, path } = setUp();
    const writer = dir.open("scaling_setspeed");
    for (const speed of ["2600000", "800000", "1200000"]) value(writer.write(attrBytes(speed)));
    expect(readFileSync(path(`${POLICY}/scaling_setspeed`), "utf8")).toBe("1200000\n");
    rmSync(path(`${POLICY}/scaling_setspeed`));
    value(writer.write(attrBytes("800000")));
    expect(() => line(`${POLICY}/scaling_setspeed`)).toThrow("ENOENT");
    writer.close();
  });

  test("writes to the file that stands there now when opened anew after close()", () => {
    const { dir, line, path, put } = setUp();
    const writer = dir.open("scaling_setspeed");
    value(writer.write(attrBytes("2600000")));
    rmSync(path(`${POLICY}/scaling_setspeed`));
    writer.close();
    expect(error(writer.write(attrBytes("800000")))).toMatchObject({ op: "open", code: "ENOENT" });
    put(`${POLICY}/scaling_setspeed`, "2600000");
    value(writer.write(attrBytes("800000")));
    writer.close();
    expect(line(`${POLICY}/scaling_setspeed`)).toBe("800000");
  });
});
