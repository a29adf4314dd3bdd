import { expect, test } from "bun:test";
import { isBeingKilled, readBootId, startTimeOf } from "../../internal/os/process.ts";
import { until } from "../helpers/until.ts";

test("startTimeOf() tells one process from another, and knows nothing of one that is not there", () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(startTimeOf(process.pid)).not.toBe(startTimeOf(1));
  expect(startTimeOf(2 ** 22 + 1)).toBeUndefined();
});

test("isBeingKilled() is false of who runs, is stopped or has ended", async () => {
  expect(isBeingKilled(process.pid)).toBe(false);
  const child = Bun.spawn(["sleep", "60"]);
  child.kill("SIGSTOP");
  await until("it stands still", () =>
    Bun.spawnSync(["ps", "-o", "state=", String(child.pid)])
      .stdout.toString()
      .startsWith("T"),
  );
  expect(isBeingKilled(child.pid)).toBe(false);
  child.kill("SIGKILL");
  await child.exited;
  expect(isBeingKilled(child.pid)).toBe(false);
});

test("readBootId() returns the kernel's", () => {
  expect(readBootId()).toMatch(/^[\da-f-]{36}$/);
});
