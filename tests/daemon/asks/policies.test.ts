import { afterEach, beforeEach, expect, test } from "bun:test";
import { loadConfig } from "../../../internal/config/load.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("setPolicy() acts at once, is listed, beats the guest's word and ends", async () => {
  const asks = lab.asks();
  const before = lab.speed(3);
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max", vcpu: 0 }));
  const [report] = value(
    asks.setPolicy({ vm: "vm1", policy: { type: "workload", workload: "low", vcpus: [0, 1] }, save: false }),
  );
  expect(report).toMatchObject({ vm: "vm1", origin: "operator", type: "workload", inForce: true });
  expect([lab.speed(2), lab.speed(3)]).toEqual([800000, 800000]);
  expect(value(asks.explain({ cpu: 3 })).winner).toMatchObject({ by: "policy", vm: "vm1", vcpu: 1 });
  expect(asks.policies().value.length).toBe(1);
  value(asks.removePolicy({ vm: "vm1", save: false }));
  expect([lab.speed(2), lab.speed(3)]).toEqual([2600000, before]);
  expect(message(asks.policy({ vm: "vm1" }))).toContain("not-found");
  expect(message(asks.removePolicy({ vm: "vm1", save: false }))).toContain("not-found");
});

test("setPolicy() names what is wrong, and refuses what can't be done here", async () => {
  const asks = lab.asks();
  await lab.guest("vm1.0");
  expect(
    message(asks.setPolicy({ vm: "vm1", policy: { type: "workload", wrkload: "low" }, save: false })),
  ).toContain("workload");
  expect(
    message(
      asks.setPolicy({ vm: "vm1", policy: { type: "workload", workload: "low", vcpus: [9] }, save: false }),
    ),
  ).toStartWith("refused");
});

test("setPolicy() with save is there after a restart", async () => {
  const asks = lab.asks();
  await lab.guest("vm1.0");
  value(asks.setPolicy({ vm: "vm1", policy: { type: "workload", workload: "low" }, save: true }));
  const again = loadConfig(undefined, lab.dropIns);
  expect(again.ok && (again.value.says.vm?.["vm1"] as object)).toEqual({
    policy: { type: "workload", workload: "low" },
  });
  value(asks.removePolicy({ vm: "vm1", save: true }));
  const after = loadConfig(undefined, lab.dropIns);
  expect(after.ok && after.value.says.vm).toEqual({});
});
