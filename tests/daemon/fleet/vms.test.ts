// Holds what the fleet says of VMs: over what they bring along, beneath the host's own, refused by name, and back after a restart.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vmConfig } from "../../../internal/config/effective.ts";
import { withCarried } from "../../../internal/config/load.ts";
import { Carried } from "../../../internal/daemon/carried.ts";
import { FleetVms } from "../../../internal/daemon/fleet/vms.ts";
import { Log } from "../../../internal/log.ts";
import { must } from "../../helpers/answer.ts";
import { Lab } from "../../helpers/lab.ts";

const dir = mkdtempSync(join(tmpdir(), "powermon-fleet-vms-"));
const labs: Lab[] = [];
afterAll(() => {
  for (const lab of labs) lab.end();
  rmSync(dir, { recursive: true });
});

/** A host with a file, and what is said of VMs elsewhere. */
function world(says: object) {
  const lab = new Lab("acpi-cpufreq-4cpu-independent");
  labs.push(lab);
  const host = lab.start({ pinning: { sources: ["static"] }, ...says });
  const stateDir = mkdtempSync(join(dir, "state-"));
  const carried = new Carried(join(stateDir, "carried.json"), host.log);
  const vms = new FleetVms(stateDir, carried);
  return {
    ...{ host, carried, vms, stateDir, log: lab.log },
    take: (said: Readonly<Record<string, object>>) =>
      vms.take(new Map(Object.entries(said).map(([vm, settings]) => [vm, JSON.stringify(settings)])), host),
    takeTexts: (said: Readonly<Record<string, string>>) => vms.take(new Map(Object.entries(said)), host),
    of: (vm: string) => vmConfig(host.config, vm),
  };
}

test("take() lays the fleet's settings over vm-defaults and the definition, and beneath the host's own", () => {
  const { host, carried, take, of } = world({
    "vm-defaults": { priority: "low", queries: true },
    vm: { b: { ceiling: "min" } },
  });
  carried.take(
    new Map([
      [
        "a",
        new Map([
          ["ceiling", "min"],
          ["turbo", "false"],
        ]),
      ],
    ]),
    host,
  );
  take({ a: { priority: "high", ceiling: "base" }, b: { ceiling: "base" } });
  const [a, b] = [of("a"), of("b")];
  expect([a.priority, a.origins.priority.from]).toEqual(["high", "fleet"]);
  expect([a.ceiling, a.origins.ceiling.from]).toEqual(["base", "fleet"]);
  expect([a.turbo, a.origins.turbo.from]).toEqual([false, "carried"]);
  expect([a.queries, b.ceiling, b.priority]).toEqual([true, "min", "low"]);
  // Both stay when either changes.
  carried.take(new Map([["a", new Map([["turbo", "true"]])]]), host);
  expect([of("a").turbo, of("a").priority]).toEqual([true, "high"]);
  take({});
  expect([of("a").turbo, of("a").priority]).toEqual([true, "low"]);
});

test.each([
  ["a word that is none", { priority: "urgent" }, 'the fleet\'s word on VM "a": vm.a.priority is "urgent"'],
  ["a key that is none", { prio: "high" }, "vm.a.prio is not a key that powermon knows"],
  ["pins, which are one host's", { pins: { 0: 1 } }, "vm.a.pins is about one host"],
  ["a monitor's path", { qmp: "/run/x" }, "vm.a.qmp is about one host"],
])("take() refuses %s by name, and the last good ones stay", (_, bad, why) => {
  const { host, log, take, of } = world({});
  take({ a: { priority: "high" }, b: {} });
  take({ a: bad, b: { priority: "low" } });
  expect(host.problems.join()).toContain(`${why}`);
  expect(log.join()).toContain("What was set before stays.");
  expect([of("a").priority, of("b").priority]).toEqual(["high", "low"]);
  take({ a: { priority: "normal" } });
  expect([host.problems, of("a").priority]).toEqual([[], "normal"]);
});

const brackets = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["no JSON", "priority = 'high'", "Is not JSON"],
  ["a list", "[1]", "Is not an object"],
  ["a value that nests too deep", `{"priority":${brackets(7000)}}`, "Is nested too deeply"],
  ["a text without an end", `{"priority":"${"x".repeat(1 << 20)}"}`, "characters; at most 16384 are read."],
  ["a key that is a book", `{"${"x".repeat(16_000)}":1}`, "xxx..."],
])("take() refuses %s by name in one short line, and the last good ones stay", (_, text, why) => {
  const { host, log, take, takeTexts, of } = world({});
  take({ a: { priority: "high" } });
  takeTexts({ a: text });
  expect(of("a").priority).toBe("high");
  expect(host.problems).toEqual([expect.stringContaining(why)]);
  expect(host.problems.join()).toContain('the fleet\'s word on VM "a"');
  expect(log.filter((line) => line.includes(why)).map(({ length }) => length < 800)).toEqual([true]);
});

test("take() names the first of many VMs whose settings are wrong, and fills neither the log nor the report, however they change", () => {
  const { host, log, take } = world({});
  host.problems.push("one of somebody else's");
  const before = log.length;
  for (let turn = 0; turn < 30; turn++)
    take(
      Object.fromEntries(Array.from({ length: 100 }, (_, vm) => [`${turn}-${vm}`, { priority: `p${turn}` }])),
    );
  expect(log.length - before).toBeLessThanOrEqual(64);
  expect(host.problems).toHaveLength(22);
  expect(host.problems.at(-1)).toBe("The fleet's words on 80 more VMs are wrong.");
  take({});
  expect(host.problems).toEqual(["one of somebody else's"]);
});

test("recall() takes up settings of more VMs than a configuration file may have bytes", () => {
  const { carried, vms, take, host } = world({});
  const policy = { type: "time", default: "min", windows: [{ from: "08:30", to: "17:00", level: "max" }] };
  const interfaces = Array.from({ length: 16 }, (_, at) => `interface-${at}`);
  const traffic = { type: "traffic", interfaces, medium_pps: 1, max_pps: 2 };
  const said = Array.from({ length: 4000 }, (_, vm) => [
    `vm${vm}`,
    { policy: vm % 2 === 0 ? policy : traffic },
  ]);
  take(Object.fromEntries(said));
  expect(host.problems).toEqual([]);
  carried.above = [];
  vms.recall();
  expect(carried.above).toHaveLength(4000);
});

test("take() leaves aside what the host's own file disagrees with", () => {
  const { log, take, of } = world({ "vm-defaults": { ceiling: "base" } });
  take({ a: { floor: "max" }, b: { priority: "high" } });
  expect(log.join()).toContain('vm.a.floor is "max", above the ceiling');
  expect([of("a").floor, of("b").priority]).toEqual(["min", "high"]);
});

test("recall() takes up what was good before a restart, as it was written, and nothing that is bad", () => {
  const before = world({});
  const policy = { type: "time", default: "min", windows: [{ from: "08:30", to: "17:00", level: "max" }] };
  before.take({ a: { priority: "high", policy } });
  const again = () => {
    const carried = new Carried(
      join(before.stateDir, "carried.json"),
      new Log("error", "text", false, () => {}),
    );
    new FleetVms(before.stateDir, carried).recall();
    return must(withCarried(world({}).host.config, carried.layers)).says.vm;
  };
  expect(again()?.["a"]).toMatchObject({ priority: "high", policy: { type: "time" } });
  writeFileSync(
    join(before.stateDir, "fleet-vms.json"),
    '{"a":{"priority":"urgent"},"..":{},"b":{"turbo":false},"c":1}',
  );
  expect(again()).toEqual({ b: { turbo: false } });
  writeFileSync(join(before.stateDir, "fleet-vms.json"), "[1, 2");
  expect(again()).toBeUndefined();
});
