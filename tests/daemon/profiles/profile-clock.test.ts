// The schedule: acts when something else is due, once, also after sleep, and tries again what could not be.

import { expect, test } from "bun:test";
import { ProfileClock } from "../../../internal/daemon/profiles/profile-clock.ts";
import { Log } from "../../../internal/log.ts";
import { TestClock } from "../../rules/policy-world.ts";

const NIGHT = {
  "profile-schedule": {
    timezone: "Europe/Berlin",
    default: "balanced",
    windows: [
      { days: ["fri" as const], from: 22 * 60, to: 6 * 60, profile: "weekend" },
      { from: 22 * 60, to: 6 * 60, profile: "powersave" },
    ],
  },
};
const HOUR = 3_600_000;

/** A schedule that notes what it puts; `refuses` makes it fail. */
function world(iso: string) {
  const clock = new TestClock(iso);
  const put: (string | undefined)[] = [];
  const log: string[] = [];
  const state = { refuses: undefined as string | undefined };
  const schedule = new ProfileClock(
    clock,
    new Log("debug", "text", false, (line) => log.push(line)),
    (name) => {
      put.push(name);
      return state.refuses;
    },
  );
  return { clock, put, log, state, schedule };
}

test("ProfileClock puts what is due in force, and acts at the edges of its windows only", () => {
  const { clock, put, schedule } = world("2026-07-01T21:30:00+02:00");
  schedule.configure(NIGHT);
  expect(put).toEqual(["balanced"]);
  clock.pass(HOUR / 2 - 1);
  expect(put).toEqual(["balanced"]);
  clock.pass(1);
  expect(put).toEqual(["balanced", "powersave"]);
  clock.pass(8 * HOUR);
  expect(put).toEqual(["balanced", "powersave", "balanced"]);
  clock.pass(2 * 24 * HOUR);
  expect(put.slice(3)).toEqual(["powersave", "balanced", "weekend", "balanced"]);
});

test("ProfileClock catches up when the machine slept, and stands still after stop()", () => {
  const { clock, put, schedule } = world("2026-07-01T12:00:00+02:00");
  schedule.configure(NIGHT);
  clock.set("2026-07-01T23:00:00+02:00");
  clock.pass(60_000);
  expect(put).toEqual(["balanced", "powersave"]);
  clock.set("2026-07-02T12:00:00+02:00");
  schedule.look();
  expect(put).toEqual(["balanced", "powersave", "balanced"]);
  schedule.stop();
  expect(clock.waits).toEqual([]);
});

test("ProfileClock tries again what could not be put in force, and says why", () => {
  const { clock, put, log, state, schedule } = world("2026-07-01T12:00:00+02:00");
  state.refuses = "The host is going to sleep.";
  schedule.configure(NIGHT);
  expect(log.join()).toContain("tried again: The host is going to sleep.");
  state.refuses = undefined;
  clock.pass(60_000);
  clock.pass(HOUR);
  expect(put).toEqual(["balanced", "balanced"]);
});

test("ProfileClock with a default alone puts it in force, tries until it is, and then needs no timer", () => {
  const { clock, put, state, schedule } = world("2026-07-01T12:00:00+02:00");
  state.refuses = "Busy.";
  schedule.configure({ "profile-schedule": { default: "latency" } });
  clock.pass(60_000);
  state.refuses = undefined;
  clock.pass(60_000);
  expect([put, clock.waits]).toEqual([["latency", "latency", "latency"], []]);
});

test("ProfileClock takes the profile back outside of all windows, and leaves everything alone without a schedule", () => {
  const { put, clock, schedule } = world("2026-07-01T23:00:00+02:00");
  schedule.configure({});
  expect([put, clock.waits]).toEqual([[], []]);
  const { default: _, ...rest } = NIGHT["profile-schedule"];
  schedule.configure({ "profile-schedule": rest });
  clock.pass(8 * HOUR);
  expect(put).toEqual(["powersave", undefined]);
  schedule.configure({});
  clock.pass(24 * HOUR);
  expect(put).toEqual(["powersave", undefined]);
});
