// CPU lists as kernels write them.

import { describe, expect, test } from "bun:test";
import { cpusText, formatCpuList, parseCpuList } from "../../internal/values/cpulist.ts";
import { error, value } from "../sysfs/machine.ts";

describe("parseCpuList()", () => {
  test.each([
    ["", []],
    ["\n", []],
    ["0", [0]],
    ["0-3,8", [0, 1, 2, 3, 8]],
    ["8,0-3\n", [0, 1, 2, 3, 8]],
    ["0 1 ", [0, 1]],
    ["1,1,0-2", [0, 1, 2]],
    ["0-9:2/4", [0, 1, 4, 5, 8, 9]],
    ["8191", [8191]],
  ])("reads %j", (text, cpus) => {
    expect(value(parseCpuList(text))).toEqual(cpus);
  });

  test.each([
    ["x", '"x" is not a CPU number or range'],
    ["1-", '"1-" is not a CPU number or range'],
    ["-1", '"-1" is not a CPU number or range'],
    ["0x3", '"0x3" is not a CPU number or range'],
    ["99999999999999", "is not a CPU number or range"],
    ["3-1", "range 3-1 runs backwards"],
    ["0-8192", "CPU 8192 is beyond 8191"],
    ["0-9:0/2", "must use 1 to its group size"],
    ["0-9:3/2", "must use 1 to its group size"],
  ])("refuses %j and says why", (text, why) => {
    expect(error(parseCpuList(text))).toContain(why);
  });
});

describe("formatCpuList()", () => {
  test.each([
    [[], ""],
    [[5], "5"],
    [[3, 1, 2, 0, 8], "0-3,8"],
    [[1, 1, 3, 5, 4], "1,3-5"],
  ])("writes %j", (cpus, text) => {
    expect(formatCpuList(cpus)).toBe(text);
    expect(value(parseCpuList(text))).toEqual([...new Set(cpus)].sort((a, b) => a - b));
  });
});

test("cpusText() has the word that goes with one CPU, and with several", () => {
  expect([[3], [3, 3], [2, 3], [0, 8], "7", "0-3"].map((cpus) => cpusText(cpus))).toEqual([
    "CPU 3",
    "CPU 3",
    "CPUs 2-3",
    "CPUs 0,8",
    "CPU 7",
    "CPUs 0-3",
  ]);
});
