import { expect, test } from "bun:test";
import { glance } from "../../internal/top/glance.ts";

const report = (at: string, vms: readonly (readonly [string, number, number])[]) => ({
  at,
  uptimeS: 1,
  domains: [],
  refusals: [],
  vms: vms.map(([vm, requests, refused]) => ({
    vm,
    channels: 1,
    connected: 1,
    requests,
    refused,
    failed: 0,
  })),
});

test("glance() tells rates per second between two looks, and none where it can't", () => {
  const before = report("2026-01-02T03:04:05.000Z", [
    ["a", 10, 1],
    ["again", 90, 5],
  ]);
  const now = report("2026-01-02T03:04:07.500Z", [
    ["a", 35, 1],
    ["again", 3, 0],
    ["new", 4, 4],
  ]);
  const rates = glance(before, now).vms.map((vm) => [vm.vm, vm.requestsPerSecond, vm.refusedPerSecond]);
  expect(rates).toEqual([
    ["a", 10, 0],
    ["again", undefined, undefined],
    ["new", undefined, undefined],
  ]);
  expect(glance(undefined, now).vms[0]?.requestsPerSecond).toBeUndefined();
  expect(glance(now, now).vms[0]?.requestsPerSecond).toBeUndefined();
});
