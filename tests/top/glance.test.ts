import { expect, test } from "bun:test";
import { glance } from "../../internal/top/glance.ts";

const NOTHING = { at: "", cpus: [], clocks: [], measures: false, packages: [], temperatures: [] };
const report = (at: string, vms: readonly (readonly [string, number, number])[]) => ({
  host: "host.example",
  at,
  uptimeS: 1,
  changes: [],
  machine: NOTHING,
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

test("glance() tells how busy CPUs were and what packages drew between two looks at the machine, not between two answers", () => {
  const machine = (at: string, busyS: readonly number[], joules: number) => ({
    ...report("2026-01-02T03:04:09.000Z", []),
    machine: {
      ...NOTHING,
      at,
      cpus: busyS.map((s, cpu) => ({ cpu, busyS: s })),
      packages: [{ name: "package-0", joules }],
    },
  });
  const before = machine("2026-01-02T03:04:05.000Z", [10, 20, 30], 100);
  const now = machine("2026-01-02T03:04:07.000Z", [11, 22.03, 3], 130);
  const { cpus, packages } = glance(before, now).machine;
  // The third one went and came again; the second one's ticks are more than the time.
  expect(cpus.map(({ busy }) => busy)).toEqual([0.5, 1, undefined]);
  expect(packages.map(({ watts }) => watts)).toEqual([15]);
  expect(glance(now, now).machine.cpus.map(({ busy }) => busy)).toEqual([undefined, undefined, undefined]);
  expect(glance(undefined, now).machine.packages[0]?.watts).toBeUndefined();
});
