import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

import { writeFileSync } from "node:fs";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("explain() names the winner, the limit that clips and the last refusal", async () => {
  const asks = lab.asks({ ...STATIC, limits: { "2": { ceiling: 2000000 } } });
  const vm1 = await lab.guest("vm1.0");
  const vm2 = await lab.guest("vm2.0");
  const idle = value(asks.explain({ cpu: 2 }));
  expect(idle.why).toEqual(['Nobody claims CPU 2: powermon leaves it to its governor "userspace".']);
  await ask(vm1, frame({ step: "max" }));
  await ask(vm2, frame({ step: "min" }));
  await ask(vm2, frame({ step: "min", vmName: "vm1" }));
  const report = value(asks.explain({ cpu: 2 }));
  expect(report.winner).toMatchObject({ by: "guest", vm: "vm1", wishKhz: 2600000 });
  expect(report.clippedBy).toBe("site");
  expect(report.targetKhz).toBe(2000000);
  expect(report.why.join(" ")).toContain('vCPU 0 of VM "vm1" wishes 2600000 kHz');
  expect(report.why.join(" ")).toContain("highest of 2 wishes");
  expect(report.lastRefusals[0]?.message).toContain("calls itself");
  expect(message(asks.explain({ cpu: 77 }))).toContain("not-found: CPU 77");
});

test("explain() tells the limits that stood before, and what the kernel holds", async () => {
  const asks = lab.asks();
  writeFileSync(lab.path(2, "scaling_max_freq"), "2000000\n");
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  writeFileSync(lab.path(2, "scaling_min_freq"), "1000000\n");
  expect(value(asks.explain({ cpu: 2 }))).toMatchObject({
    targetKhz: 2_000_000,
    ownLimits: { ceilingKhz: 2_000_000 },
    driverLimits: {},
    heldMinKhz: 1_000_000,
    heldMaxKhz: 2_000_000,
    online: true,
  });
});

testNeeding(
  ["root and FUSE"],
  "explain() tells the driver's limits for all CPUs, and a CPU that is offline",
  async () => {
    const at = await mountMachine("intel_pstate-hwp");
    at.write("intel_pstate/max_perf_pct", 50);
    const own = new Lab(at);
    const asks = own.asks({ pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 1 } } } });
    try {
      const vm1 = await own.guest("vm1.0");
      await ask(vm1, frame({ step: "max" }));
      const claimed = value(asks.explain({ cpu: 1 }));
      expect(claimed).toMatchObject({
        targetKhz: 1_800_000,
        driverLimits: { ceilingKhz: 1_800_000 },
        ownLimits: {},
      });
      expect(claimed.why.join(" ")).toContain(
        "The driver's limit for all CPUs, 1800000 kHz, made 1800000 kHz of 2400000 kHz.",
      );
      expect(value(await asks.live()).domains[1]).toMatchObject({ maxKhz: 3_700_000, ceilingKhz: 1_800_000 });
      at.write("cpu1/online", 0);
      const away = value(asks.explain({ cpu: 1 }));
      expect(away).toMatchObject({ online: false, heldMaxKhz: undefined });
      expect(away.why[0]).toBe("CPU 1 is offline: claims on it wait until it is back.");
    } finally {
      own.end();
    }
  },
);

testNeeding(
  ["root and FUSE"],
  "explain() of a CPU that has been offline from the start says so",
  async () => {
    const at = await mountMachine("cppc_cpufreq");
    at.write("cpu1/online", 0);
    const own = new Lab(at);
    const asks = own.asks();
    expect(message(asks.explain({ cpu: 1 }))).toBe(
      "not-found: CPU 1 is offline: it has no clock until it is online.",
    );
    at.write("cpu1/online", 1);
    expect(value(asks.explain({ cpu: 0 })).online).toBe(true);
    own.end();
  },
);
