import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { claimInstance, runningInstance } from "../../internal/daemon/instance.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/instance-`);
});
afterEach(() => rmSync(dir, { recursive: true }));

test("claimInstance() lets one process have a state folder at a time", () => {
  const claimed = claimInstance(dir);
  if (!claimed.ok) throw new Error(claimed.error);
  expect(runningInstance(dir)).toBe(process.pid);
  const second = claimInstance(dir);
  expect(second.ok ? "" : second.error).toContain(`process ${process.pid}`);
  claimed.value();
  expect(runningInstance(dir)).toBeUndefined();
});

test.each([
  ["a process that has ended", JSON.stringify({ pid: 2 ** 22 + 7, startTime: "1" })],
  ["another process with the same number", JSON.stringify({ pid: process.pid, startTime: "1" })],
  ["garbage", "{"],
])("runningInstance() is not misled by %s", (_, text) => {
  writeFileSync(`${dir}/running.json`, text);
  expect(runningInstance(dir)).toBeUndefined();
  expect(claimInstance(dir).ok).toBe(true);
});
