import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";
import { until } from "../../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("channels can be disabled, removed and taken up again", async () => {
  const asks = lab.asks();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  value(asks.enableChannels({ vm: "vm1", channels: [0], enabled: false }));
  vm1.send(frame({ step: "min" }));
  await until("it was ignored", () => asks.channels().value[0]?.counts.ignored === 1);
  expect(lab.speed(2)).toBe(2600000);
  expect(vm1.received.length).toBe(0);
  value(asks.removeChannels({ vm: "vm1", channels: "all" }));
  await until("it is closed", () => !vm1.connected);
  expect(asks.channels().value).toEqual([]);
  value(asks.addChannels({ vm: "vm1", channels: [0] }));
  await vm1.hosted();
  expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
  expect(message(asks.addChannels({ vm: "vm1", channels: [0, 5] }))).toContain("its sockets are: 0");
  value(asks.removeVm({ vm: "vm1" }));
  await until("its channels are closed", () => !vm1.connected);
  value(asks.addVm({ vm: "vm1" }));
  await vm1.hosted();
  expect(message(asks.addVm({ vm: "vm9" }))).toContain("has no socket");
});

test("channels are told by VM and number, in whatever order their sockets came", async () => {
  const asks = lab.asks();
  for (const name of ["vm2.0", "vm1.10", "vm1.2", "vm1.0"]) await lab.guest(name);
  await until("all are there", () => asks.channels().value.length === 4);
  expect(asks.channels().value.map(({ vm, channel }) => `${vm}.${channel}`)).toEqual([
    "vm1.0",
    "vm1.2",
    "vm1.10",
    "vm2.0",
  ]);
});
