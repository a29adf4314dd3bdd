import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

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
