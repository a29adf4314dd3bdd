// What waits of a guest that has gone: nobody would take back what it asked.

import { expect, test } from "bun:test";
import { Intake } from "../../internal/channels/intake.ts";
import { Party, Turns } from "../../internal/os/turns.ts";
import { frame } from "../helpers/lab.ts";

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
