import { afterEach, beforeEach, expect, test } from "bun:test";
import { Lab, STATIC } from "../helpers/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("Vm.granted() is one grant for as long as its vCPU stays where it is, however often that is looked for", async () => {
  lab.start();
  await lab.guest("vm1.0");
  const vm = lab.host.channels.vm("vm1");
  const first = vm?.granted(0);
  expect(first?.ok && first.value.pcpus.map(Number)).toEqual([2]);
  expect(vm?.granted(0)).toBe(first);
  vm?.forgetPlaces();
  expect(vm?.granted(0)).toBe(first);
  const moved = lab.load({ ...STATIC, vm: { vm1: { pins: { 0: 3 } } } });
  if (!moved.ok) throw new Error(JSON.stringify(moved.error));
  lab.host.configure(moved.value);
  const second = vm?.granted(0);
  expect(second?.ok && second.value.pcpus.map(Number)).toEqual([3]);
});

test("Vm.granted() refuses vCPU numbers past all that can be, and keeps nothing of them", async () => {
  lab.start();
  await lab.guest("vm1.0");
  const vm = lab.host.channels.vm("vm1");
  for (const index of [8192, 2 ** 64, 0.5]) {
    expect(vm?.granted(index)).toMatchObject({ ok: false, error: { kind: "not-pinned", vcpu: index } });
    expect(vm?.granted(index)).not.toBe(vm?.granted(index));
  }
});
