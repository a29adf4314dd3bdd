// Masks of CPUs as /proc/irq has them, both ways.

import { expect, test } from "bun:test";
import { maskOf, maskToList } from "../../internal/sysfs/irq.ts";

test.each([
  ["ff", "0-7", [0, 1, 2, 3, 4, 5, 6, 7]],
  ["00000000,00000013", "0-1,4", [0, 1, 4]],
  ["80000001,00000000,00000000", "64,95", [64, 95]],
])("maskToList() of %s is %s, and maskOf() leads back", (mask, list, cpus) => {
  expect(maskToList(mask)).toBe(list);
  expect(maskToList(maskOf(cpus))).toBe(list);
});

test.each(["", "0x1", "1,1", "123456789", "g"])("maskToList() of %p is nothing", (mask) => {
  expect(maskToList(mask)).toBeUndefined();
});
