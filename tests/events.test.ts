import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Happening } from "../internal/events.ts";
import { ask, frame, Lab } from "./helpers/lab.ts";
import { until } from "./helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("subscribe() tells what happens until it is ended", async () => {
  lab.start();
  const events: Happening[] = [];
  const end = lab.host.events.subscribe((event) => void events.push(event));
  const vm1 = await lab.guest("vm1.0");
  await until("the connection is told", () => events.some(({ event }) => event === "channel-connected"));
  await ask(vm1, frame({ step: "max" }));
  await ask(vm1, frame({ step: "max", vcpu: 5 }));
  expect(events.find(({ event }) => event === "frequency-set")).toMatchObject({
    domain: 2,
    khz: 2600000,
    vm: "vm1",
  });
  expect(events.find(({ event }) => event === "request-refused")).toMatchObject({
    why: "not-pinned",
    vcpu: 5,
  });
  end();
  const told = events.length;
  await ask(vm1, frame({ step: "min" }));
  expect(events.length).toBe(told);
});
