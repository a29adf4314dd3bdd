import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  claimInstance,
  claimRestore,
  runningInstance,
  untilRestored,
} from "../../internal/daemon/instance.ts";
import { takeLock } from "../../internal/os/lock.ts";
import { error, value } from "../sysfs/machine.ts";

let dir: string;
let place: { sysfsRoot: string; stateDir: string };
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/instance-`);
  place = { sysfsRoot: `${dir}/sys`, stateDir: `${dir}/state` };
  mkdirSync(place.sysfsRoot);
  mkdirSync(place.stateDir);
});
afterEach(() => rmSync(dir, { recursive: true }));

test("claimInstance() lets one process have a state folder at a time", () => {
  const claimed = claimInstance(place);
  if (!claimed.ok) throw new Error(claimed.error);
  expect(runningInstance(place.stateDir)).toBe(process.pid);
  const second = claimInstance(place);
  expect(second.ok ? "" : second.error).toContain(`process ${process.pid}`);
  claimed.value.release();
  expect(runningInstance(place.stateDir)).toBeUndefined();
});

test("claimInstance() lets one process set the clocks of a machine at a time, whatever its state folder", () => {
  const first = value(claimInstance(place));
  expect(first.unmarked).toBeUndefined();
  symlinkSync(place.sysfsRoot, `${dir}/link`);
  for (const sysfsRoot of [place.sysfsRoot, `${dir}/link`, `${dir}/./sys/`]) {
    const other = { sysfsRoot, stateDir: `${dir}/other` };
    expect(error(claimInstance(other))).toBe(
      `Another powermon (process ${process.pid}) sets the clocks under "${sysfsRoot}", with another state folder`,
    );
    expect(runningInstance(other.stateDir)).toBeUndefined();
  }
  mkdirSync(`${dir}/sys2`);
  value(claimInstance({ sysfsRoot: `${dir}/sys2`, stateDir: `${dir}/other` })).release();
  first.release();
  value(claimInstance({ ...place, stateDir: `${dir}/other` })).release();
  expect(readdirSync(dir).sort()).toEqual(["link", "other", "state", "sys", "sys2"]);
});

test("claimInstance() says when it can't mark the clocks as its own, and sees another's mark all the same", () => {
  const mark = `${dir}/sys.powermon.json`;
  // A lock is written beside its file first, and there is a folder in that place.
  mkdirSync(`${mark}.${process.pid}.new`);
  const first = value(claimInstance(place));
  expect(first.unmarked).toStartWith(`Cannot write "${mark}": E`);
  first.release();

  rmSync(`${mark}.${process.pid}.new`, { recursive: true });
  const other = value(takeLock(mark));
  mkdirSync(`${mark}.${process.pid}.new`);
  expect(error(claimInstance(place))).toContain(`(process ${process.pid}) sets the clocks`);
  expect(runningInstance(place.stateDir)).toBeUndefined();
  other();
});

test.each([
  ["a process that has ended", JSON.stringify({ pid: 2 ** 22 + 7, startTime: "1" })],
  ["another process with the same number", JSON.stringify({ pid: process.pid, startTime: "1" })],
  ["garbage", "{"],
])("runningInstance() is not misled by %s", (_, text) => {
  writeFileSync(`${place.stateDir}/running.json`, text);
  expect(runningInstance(place.stateDir)).toBeUndefined();
  expect(claimInstance(place).ok).toBe(true);
});

test("claimRestore() waits for the restore before it, and an instance for both", async () => {
  const first = value(await claimRestore(place));
  const done: string[] = [];
  const second = claimRestore(place).then((claimed) => {
    done.push("second");
    return value(claimed);
  });
  const waits = untilRestored(place.stateDir).then(() => done.push("instance"));
  expect(done).toEqual([]);
  first();
  (await second)();
  await waits;
  expect(done.toSorted()).toEqual(["instance", "second"]);
});

test("claimRestore() refuses while a powermon has the state folder, or the clocks with another one", async () => {
  const instance = value(claimInstance(place));
  const busy = `process ${process.pid} serves with these settings; stop it, and it restores them itself.`;
  expect(error(await claimRestore(place))).toBe(busy);
  expect(error(await claimRestore({ ...place, stateDir: `${dir}/other` }))).toBe(busy);
  instance.release();
  value(await claimRestore(place))();
});

test("claimRestore() goes on where its mark can't be written", async () => {
  rmSync(place.stateDir, { recursive: true });
  writeFileSync(place.stateDir, "");
  value(await claimRestore(place))();
  expect(takeLock(`${place.stateDir}/restore.lock`).ok).toBe(false);
});
