// What a refused guest leaves in the log: one line for each cause, however often and with whatever numbers it asks.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab } from "../helpers/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const warnings = () => lab.log.filter((line) => line.startsWith("warn: "));

test("a channel's refusals are logged once for each cause, then counted", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  const vm2 = await lab.guest("vm2.0");
  for (let n = 0; n < 20; n++) {
    await ask(vm1, frame({ step: "max", vcpu: 100 + n }));
    await ask(vm1, frame({ step: "max", vmName: `other${n}` }));
  }
  await ask(vm2, frame({ step: "max", vcpu: 9 }));
  expect(
    warnings().map((line) => [/channel=(\S+)/.exec(line)?.[1], /known pCPU|calls itself/.exec(line)?.[0]]),
  ).toEqual([
    ["vm1.0", "known pCPU"],
    ["vm1.0", "calls itself"],
    ["vm2.0", "known pCPU"],
  ]);
  lab.host.log.unfold(Infinity);
  expect(
    warnings()
      .slice(3)
      .map((line) => /repeated=\d+/.exec(line)?.[0]),
  ).toEqual(["repeated=19", "repeated=19"]);
});

test("each change of a clock is told with who asked, every time, when the log says debug", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  for (let n = 0; n < 3; n++) {
    await ask(vm1, frame({ step: "max" }));
    await ask(vm1, frame({ step: "min" }));
  }
  const changes = lab.log.filter((line) => line.includes("Frequency set"));
  expect(changes).toHaveLength(6);
  expect(changes[0]).toBe("debug: Frequency set domain=2 khz=2600000 by=guest vm=vm1 vcpu=0\n");
});
