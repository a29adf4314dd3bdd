import { afterEach, beforeEach, expect, test } from "bun:test";
import { EventFeed, type Happening } from "../internal/events.ts";
import { COMMAND } from "../internal/packet/constants.ts";
import { encodeRequest } from "../internal/packet/request.ts";
import { ask, frame, Lab } from "./helpers/lab.ts";
import { until } from "./helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

/** Returns all that is kept. */
function kept(feed: EventFeed): readonly Happening[] {
  return Array.from({ length: feed.last - feed.first + 1 }, (_, i) => feed.at(feed.first + i) as Happening);
}

test("emit() keeps what happens, by number, whether or not somebody listens", async () => {
  lab.start();
  const { events } = lab.host;
  const vm1 = await lab.guest("vm1.0");
  await until("the connection is told", () =>
    kept(events).some(({ event }) => event === "channel-connected"),
  );
  let told = 0;
  const end = events.subscribe(() => told++);
  await ask(vm1, frame({ step: "max" }));
  await ask(vm1, frame({ step: "max", vcpu: 5 }));
  const all = kept(events);
  expect(all.map(({ n }) => n)).toEqual(all.map((_, i) => i + 1));
  expect(all.every(({ boot }) => boot === events.boot)).toBe(true);
  expect(all.find(({ event }) => event === "frequency-set")).toMatchObject({
    domain: 2,
    khz: 2600000,
    vm: "vm1",
  });
  expect(all.find(({ event }) => event === "request-refused")).toMatchObject({
    request: "max",
    why: "not-pinned",
    vcpu: 5,
  });
  expect(told).toBe(2);
  end();
  await ask(vm1, frame({ step: "min" }));
  expect(told).toBe(2);
  expect(events.last).toBe(all.length + 1);
});

test("emit() keeps the last 4096 events", () => {
  const feed = new EventFeed();
  expect([feed.first, feed.last, feed.at(1)]).toEqual([1, 0, undefined]);
  for (let i = 0; i < 5000; i++) feed.emit("resumed", {});
  expect([feed.first, feed.last]).toEqual([905, 5000]);
  expect([904, 905, 5000, 5001].map((n) => feed.at(n)?.n)).toEqual([undefined, 905, 5000, undefined]);
});

test("a run's events have its own boot", () => {
  const [one, other] = [new EventFeed(), new EventFeed()];
  expect(one.boot).toMatch(/^[0-9a-f]{8}$/);
  expect(other.boot).not.toBe(one.boot);
});

test("an extension's request, a policy that can't be and an unknown unit are told by their names", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  const head = { kind: "extension", vcpu: 5, vmName: "", physical: false } as const;
  await vm1.ask(
    encodeRequest({ ...head, sequence: 1, ask: { do: "hello", version: 1, leaseS: 0 } }, "18.11"),
  );
  await vm1.ask(
    encodeRequest({ ...head, sequence: 2, ask: { do: "set-khz", khz: 2_000_000, turbo: false } }, "18.11"),
  );
  const wrong = Uint8Array.from(frame({ step: "max" }));
  wrong[12] = COMMAND.PKT_POLICY;
  // More vCPUs than a policy has room for. Source: struct rte_power_channel_packet, num_vcpu.
  wrong[152] = 255;
  await vm1.ask(wrong);
  const scale = Uint8Array.from(frame({ step: "max" }));
  scale[8] = 99;
  vm1.send(scale);
  await until("all is told", () => kept(lab.host.events).length >= 4);
  expect(kept(lab.host.events).slice(1)).toMatchObject([
    { event: "request-refused", channel: "vm1.0", request: "set-khz", vcpu: 5 },
    { event: "request-malformed", channel: "vm1.0", why: "bad-policy" },
    { event: "request-malformed", channel: "vm1.0", why: "unknown-unit" },
  ]);
});
