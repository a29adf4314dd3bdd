import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("setFreq() holds against guests until releaseFreq()", async () => {
  const asks = lab.asks();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  expect(value(asks.setFreq({ cpus: [2], target: 1300000 }))[0]).toMatchObject({
    cpu: 2,
    targetKhz: 1400000,
    operatorClaim: true,
  });
  await ask(vm1, frame({ step: "max" }));
  expect(lab.speed(2)).toBe(1400000);
  value(asks.setFreq({ cpus: [2], target: "up" }));
  expect(lab.speed(2)).toBe(1600000);
  value(asks.releaseFreq({ cpus: "all" }));
  expect(lab.speed(2)).toBe(2600000);
  expect(message(asks.setFreq({ cpus: [2, 9], target: "max" }))).toContain("not-found: CPU 9");
  expect(message(asks.setFreq({ cpus: [2], target: "turbo-on" }))).toContain("unsupported");
});
