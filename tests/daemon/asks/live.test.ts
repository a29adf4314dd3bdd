import { afterEach, beforeEach, expect, test } from "bun:test";
import { liveAsks } from "../../../internal/daemon/asks/live.ts";
import { HostPower } from "../../../internal/daemon/host-power.ts";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const live = async () =>
  (
    await liveAsks(
      lab.host,
      "host.example",
      lab.look,
      new HostPower(lab.host, { roots: lab.roots }).budget,
    ).live()
  ).value;
const domain = async (id: number) => (await live()).domains.find((one) => one.domain === id);

test("live() tells a clock's limits, target and holder", async () => {
  lab.start({
    ...STATIC,
    limits: { "2": { floor: 1_000_000 } },
    vm: { ...STATIC.vm, vm1: { ...STATIC.vm.vm1, ceiling: 2_000_000 } },
  });
  expect(await domain(2)).toMatchObject({
    cpus: [2],
    minKhz: 800_000,
    maxKhz: 2_600_000,
    floorKhz: 1_000_000,
    ceilingKhz: 2_600_000,
    claims: 0,
  });
  expect((await domain(2))?.holder).toBeUndefined();
  const vm1 = await lab.guest("vm1.0");
  const vm2 = await lab.guest("vm2.0");
  await ask(vm1, frame({ step: "max" }));
  await ask(vm2, frame({ step: "min" }));
  expect(await domain(2)).toMatchObject({
    floorKhz: 1_000_000,
    ceilingKhz: 2_000_000,
    targetKhz: 2_000_000,
    claims: 2,
    holder: { by: "guest", vm: "vm1", vcpu: 0, wishKhz: 2_600_000 },
    clippedBy: "vm",
  });
});

test("live() counts each VM's requests and tells its policy and refusals, newest first", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  await ask(vm1, frame({ step: "max", vcpu: 9 }));
  await ask(vm1, frame({ step: "max", vmName: "vm2" }));
  const rule = { type: "workload", workload: "low" } as const;
  expect(lab.host.policies.set({ vm: "vm1" }, "operator", { rule, vcpus: [0], turbo: false }).ok).toBe(true);
  const { vms, refusals, uptimeS } = await live();
  expect(uptimeS).toBeWithin(0, 3600);
  expect(vms as unknown).toEqual([
    {
      vm: "vm1",
      channels: 1,
      connected: 1,
      requests: 3,
      refused: 2,
      failed: 0,
      policy: { type: "workload", origin: "operator" },
    },
  ]);
  expect(refusals.map(({ vm, vcpu }) => [vm, vcpu]).sort()).toEqual([
    ["vm1", 0],
    ["vm1", 9],
  ]);
  expect(refusals.find(({ vcpu }) => vcpu === 0)?.message).toContain('calls itself "vm2"');
  expect((await domain(2))?.holder).toMatchObject({ by: "policy", vm: "vm1", wishKhz: 800_000 });
});
