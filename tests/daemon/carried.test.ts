// Settings that a VM brings along: in force at once for what it claims, kept over a restart, and bad ones change nothing.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { vmConfig } from "../../internal/config/effective.ts";
import { withCarried } from "../../internal/config/load.ts";
import { Carried } from "../../internal/daemon/carried.ts";
import { ask, frame, Lab } from "../helpers/lab.ts";
import { value } from "../helpers/answer.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const said = (vms: Record<string, Record<string, string>>) =>
  new Map(Object.entries(vms).map(([vm, one]) => [vm, new Map(Object.entries(one))]));

/** Returns powermon with vm1 at its highest, and what its VMs bring along. */
async function world() {
  const asks = lab.asks();
  expect(await ask(await lab.guest("vm1.0"), frame({ step: "max" }))).toBe("ack");
  const file = join(lab.dropIns, "carried.json");
  const carried = new Carried(file, lab.host.log);
  const ceiling = () => value(asks.vm({ vm: "vm1" })).settings.ceiling as object;
  return { asks, carried, file, ceiling };
}

test("take() holds for what the VM claims already, says where from, and ends with the VM's leaving", async () => {
  const { carried, ceiling } = await world();
  const highest = lab.speed(2);
  carried.take(said({ vm1: { ceiling: "1500000" } }), lab.host);
  expect(lab.speed(2)).toBe(1400000);
  expect(ceiling()).toEqual({ value: 1500000, from: `libvirt's definition of "vm1"` });
  carried.take(said({}), lab.host);
  expect(lab.speed(2)).toBe(highest);
  expect(ceiling()).toEqual({ value: "max", from: "default" });
});

test("take() leaves what was good when what is said now is wrong, tells it once, and forgets the problem with it", async () => {
  const { asks, carried, ceiling } = await world();
  const problems = () => value(asks.status()).problems;
  const before = problems();
  carried.take(said({ vm1: { ceiling: "base" } }), lab.host);
  const good = ceiling();
  carried.take(said({ vm1: { ceiling: "fast" }, vm2: { pins: "0" } }), lab.host);
  expect(ceiling()).toEqual(good);
  const told = problems().filter((one) => !before.includes(one));
  expect(told[0]).toMatch(
    /^libvirt's definition of "vm1": vm.vm1.ceiling is "fast"\. .* What it brought before stays\.$/,
  );
  expect(told[1]).toMatch(/^libvirt's definition of "vm2": pins .* It brings nothing along\.$/);
  expect(told).toHaveLength(2);
  carried.take(said({ vm1: { ceiling: "min" } }), lab.host);
  expect(problems()).toEqual(before);
  expect(ceiling()).toMatchObject({ value: "min" });
});

test("recall() has what was good before a restart, until libvirt answers", async () => {
  const { carried, file } = await world();
  carried.take(said({ vm1: { ceiling: "base" } }), lab.host);
  const next = new Carried(file, lab.host.log);
  expect(next.layers).toEqual([]);
  next.recall();
  expect(next.layers).toEqual(carried.layers);
  const config = withCarried(lab.host.config, next.layers);
  expect(config.ok && vmConfig(config.value, "vm1").ceiling).toBe("base");
  carried.take(said({}), lab.host);
  next.recall();
  expect(next.layers).toEqual([]);
});

test("take() is in force though its cache can't be written", async () => {
  const { carried, file, ceiling } = await world();
  carried.take(said({ vm1: { ceiling: "min" } }), lab.host);
  rmSync(file);
  symlinkSync("/dev/full", `${file}.tmp`);
  rmSync(lab.dropIns, { recursive: true });
  symlinkSync("/dev/null", lab.dropIns);
  carried.take(said({ vm1: { ceiling: "base" } }), lab.host);
  expect(ceiling()).toMatchObject({ value: "base" });
  expect(existsSync(file)).toBe(false);
});
