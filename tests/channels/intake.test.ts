// What was received: what waits of a guest that has gone is dropped, and what is served holds no memory.

import { describe, expect, test } from "bun:test";
import { Intake } from "../../internal/channels/intake.ts";
import { Party, Turns } from "../../internal/os/turns.ts";
import { frame } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

test("Intake.end() drops what waits, though its turn comes still", async () => {
  const turns = new Turns();
  let [served, portions] = [0, 0];
  const intake = new Intake(new Party(), turns, "18.11", {
    frame: () => ++served > 0,
    portion: () => void portions++,
  });
  const chunk = Buffer.concat(Array.from({ length: 100 }, () => Buffer.from(frame({ step: "max" }))));
  intake.received(chunk, performance.now());
  expect(intake.waits).toBe(true);
  const before = [served, portions];
  intake.end();
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect([served, portions]).toEqual(before);
});

describe("Intake.received()", () => {
  test("gives a large chunk's memory back once all of it is served and sent, and not before", async () => {
    const chunk = new Uint8Array(Buffer.concat(Array.from({ length: 100 }, () => frame({ step: "max" }))));
    const { length } = chunk;
    let seen = Number.POSITIVE_INFINITY;
    const intake = new Intake(new Party(), new Turns(), "18.11", {
      frame: () => true,
      portion: () => void (seen = Math.min(seen, chunk.length)),
    });
    intake.received(chunk, performance.now());
    await until("all is served", () => !intake.waits);
    expect([seen, chunk.length]).toEqual([length, 0]);
  });

  test("leaves a small chunk, and memory that has more in it than the chunk, as they are", () => {
    const intake = new Intake(new Party(), new Turns(), "18.11", { frame: () => true, portion: () => {} });
    const small = new Uint8Array(frame({ step: "max" }));
    const part = new Uint8Array(1 << 16).subarray(0, 5 * small.length);
    for (let at = 0; at < part.length; at += small.length) part.set(frame({ step: "min" }), at);
    for (const chunk of [small, part]) {
      const { length } = chunk;
      intake.received(chunk, performance.now());
      expect([intake.waits, chunk.length]).toEqual([false, length]);
    }
  });
});

test.each([
  [16, 0],
  [20, 1],
])(
  "Intake leaves the rest in the kernel after a chunk of %d frames that is not served at once: %d pauses",
  (frames, pauses) => {
    const intake = new Intake(new Party(), new Turns(), "18.11", { frame: () => true, portion: () => {} });
    let paused = 0;
    intake.opened({ pause: () => void paused++, resume() {} });
    const chunk = Buffer.concat(Array.from({ length: frames }, () => Buffer.from(frame({ step: "max" }))));
    intake.received(chunk, performance.now());
    expect([intake.waits, paused]).toEqual([true, pauses]);
  },
);

test("Intake reads floods that paused together a few in a turn, each once all that it sent is served", async () => {
  const turns = new Turns();
  let resumed = 0;
  const floods = Array.from({ length: 16 }, () => {
    const intake = new Intake(new Party(), turns, "18.11", { frame: () => true, portion: () => {} });
    intake.opened({
      pause() {},
      resume: () => void (expect(intake.waits).toBe(false), resumed++),
    });
    return intake;
  });
  const chunk = () => Buffer.concat(Array.from({ length: 16 }, () => Buffer.from(frame({ step: "max" }))));
  // Two each: the second finds the first waiting and pauses the socket.
  for (const flood of floods) for (let i = 0; i < 2; i++) flood.received(chunk(), performance.now());
  let most = 0;
  while (resumed < floods.length) {
    const before = resumed;
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, resumed - before);
  }
  expect(most).toBe(2);
});
