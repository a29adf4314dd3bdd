// The kernel's fine print on /proc/stat: each field where proc.rst says it belongs.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { busyShare, parseCpuTimes } from "../../../../internal/guest/agent/governor/cpu-times.ts";

const line = (...fields: readonly number[]) =>
  `cpu  9 9 9 9 9 9 9 9 9 9\ncpu3 ${fields.join(" ")}\nintr 5 1\n`;
const of = (...fields: readonly number[]) => parseCpuTimes(line(...fields)).get(3) ?? { busy: -1, idle: -1 };

test.each([
  ["user", 0, "busy"],
  ["nice", 1, "busy"],
  ["system", 2, "busy"],
  ["idle", 3, "idle"],
  ["iowait, which is idle time with I/O outstanding", 4, "idle"],
  ["irq", 5, "busy"],
  ["softirq", 6, "busy"],
  ["steal, which the CPU did not have", 7, "neither"],
  ["guest, which is in user already", 8, "neither"],
  ["guest_nice, which is in nice already", 9, "neither"],
])("parseCpuTimes() counts %s", (_, at, as) => {
  const fields = Array.from({ length: 10 }, (_, i) => (i === at ? 7 : 0));
  expect(of(...fields)).toEqual({ busy: as === "busy" ? 7 : 0, idle: as === "idle" ? 7 : 0 });
});

test("parseCpuTimes() leaves offline CPUs out and reads this machine's own file", () => {
  expect([...parseCpuTimes("cpu 1 1 1 1\ncpu0 1 0 0 1\ncpu2 1 0 0 1\nctxt 1\n").keys()]).toEqual([0, 2]);
  expect(parseCpuTimes("").size).toBe(0);
  const own = parseCpuTimes(readFileSync("/proc/stat", "utf8"));
  expect(own.size).toBeGreaterThan(0);
  for (const { busy, idle } of own.values()) expect(busy + idle).toBeGreaterThan(0);
});

test.each([
  [{ busy: 0, idle: 0 }, { busy: 5, idle: 15 }, 0.25],
  [{ busy: 0, idle: 0 }, { busy: 1, idle: 1 }, undefined],
  // iowait may run backwards. Source: Documentation/filesystems/proc.rst
  [{ busy: 0, idle: 10 }, { busy: 4, idle: 8 }, 1],
  [{ busy: 7, idle: 0 }, { busy: 6, idle: 4 }, 0],
])("busyShare() from %p to %p is %p", (before, after, share) => {
  expect(busyShare(before, after)).toBe(share as number);
});
