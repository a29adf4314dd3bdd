import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { HungCalls, nextTry, type TryCall } from "../../internal/daemon/hung-calls.ts";
import { CallMark, readLeftCall } from "../../internal/os/call-mark.ts";
import { startTimeOf } from "../../internal/os/process.ts";
import { AttrDir } from "../../internal/sysfs/attr.ts";
import { leaveAlone, LEFT_ALONE, markCalls } from "../../internal/sysfs/calls.ts";
import { type HungCall, markOf, readHung, writeHung } from "../../internal/sysfs/hung.ts";
import { makeTree, type Tree } from "../helpers/tree.ts";

const MINUTE = 60_000;

let tree: Tree;
let made: HungCalls[];
beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-independent");
  mkdirSync(roots().stateDir);
  made = [];
});
afterEach(() => {
  for (const calls of made) calls.end();
  markCalls(undefined);
  leaveAlone([]);
  tree.remove();
});
const roots = () => ({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
const policy = (id: number) => `${tree.sys}/devices/system/cpu/cpufreq/policy${id}/`;
const read = (id: number) => new AttrDir(policy(id)).read("scaling_governor");

/** A powermon was at a file of clock `id` when it ended. */
function endedAt(id: number): void {
  const mark = CallMark.open(markOf(roots().stateDir));
  if (mark.ok) mark.value.begin(`${policy(id)}scaling_setspeed`);
}

function open(tryCall: TryCall = async () => false, now?: number): HungCalls {
  const calls = new HungCalls(roots(), tryCall, now);
  made.push(calls);
  return calls;
}

/** Ends the mark's process in the record: this one, in a test. */
function forgetProcess(): void {
  const known = readHung(roots());
  if (known.ok)
    writeHung(
      roots(),
      known.value.map((call) => ({ ...call, process: undefined })),
    );
}

test("HungCalls leaves alone what the last powermon was at, and keeps that over restarts", () => {
  endedAt(1);
  const first = open();
  expect(first.suspect).toMatchObject({ path: `${policy(1)}scaling_setspeed`, cpus: [1] });
  expect(read(1)).toMatchObject({ ok: false, error: { code: LEFT_ALONE } });
  expect(read(2).ok).toBe(true);
  expect(first.ofClock(1)).toBe(first.all[0] as HungCall);
  expect(first.ofClock(2)).toBeUndefined();
  first.end();
  expect(readLeftCall(markOf(roots().stateDir))).toBeUndefined();

  const second = open();
  expect(second.suspect).toBeUndefined();
  expect(second.all).toEqual(first.all);
  expect(read(1).ok).toBe(false);
});

test("HungCalls says what it can't keep or read, and leaves it alone all the same", () => {
  endedAt(1);
  mkdirSync(`${roots().stateDir}/hung.json.tmp`);
  const first = open();
  expect(first.problem).toMatchObject({ path: `${roots().stateDir}/hung.json.tmp` });
  expect(read(1).ok).toBe(false);
  first.end();
  rmSync(`${roots().stateDir}/hung.json.tmp`, { recursive: true });
  writeFileSync(`${roots().stateDir}/hung.json`, "{");
  const second = open();
  expect(second.problem).toMatchObject({ code: "EINVAL", path: `${roots().stateDir}/hung.json` });
  expect(second.all).toEqual([]);
});

describe("retry()", () => {
  test("frees what answers, and tells of it", async () => {
    endedAt(1);
    open().end();
    forgetProcess();
    const tried: string[] = [];
    const calls = open(async (path) => tried.push(path) > 0);
    const told: string[] = [];
    calls.watch({
      answers: ({ cpus }) => void told.push(`answers ${cpus.join()}`),
      hangs: () => void told.push("hangs"),
      failed: () => void told.push("failed"),
    });
    expect(await calls.retry(calls.all)).toEqual([true]);
    expect(tried).toEqual([`${policy(1)}scaling_setspeed`]);
    expect(told).toEqual(["answers 1"]);
    expect(calls.all).toEqual([]);
    expect(read(1).ok).toBe(true);
    expect(readHung(roots())).toEqual({ ok: true, value: [] });
  });

  test("counts what still hangs, with the process that now hangs in it, and waits twice as long", async () => {
    endedAt(1);
    open().end();
    forgetProcess();
    const calls = open(async (_, started) => {
      started(process.pid);
      return false;
    });
    const waits = async () => {
      const [call] = calls.all as [HungCall];
      return Math.round((nextTry(call) - call.triedAt) / MINUTE);
    };
    expect(await waits()).toBe(10);
    expect(await calls.retry(calls.all)).toEqual([false]);
    expect(await waits()).toBe(20);
    const own = { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" };
    expect(readHung(roots())).toMatchObject({ ok: true, value: [{ tries: 1, process: own }] });
    expect(read(1).ok).toBe(false);
  });

  test("tries nothing while the process that hung is still in its call", async () => {
    endedAt(1);
    let tried = 0;
    const calls = open(async () => tried++ >= 0);
    expect(await calls.retry(calls.all)).toEqual([false]);
    expect(tried).toBe(0);
    expect(calls.all).toMatchObject([{ tries: 0 }]);
  });

  test("tries a file once, however many ask at the same time", async () => {
    endedAt(1);
    open().end();
    forgetProcess();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let tried = 0;
    const calls = open(() => {
      tried++;
      return promise;
    });
    const asked = [calls.retry(calls.all), calls.retry(calls.all)];
    resolve(true);
    expect(await Promise.all(asked)).toEqual([[true], [true]]);
    expect(tried).toBe(1);
  });
});

test("watch() tries by itself what is due", async () => {
  endedAt(1);
  // Found long ago.
  open(undefined, Date.now() - 11 * MINUTE).end();
  forgetProcess();
  const calls = open(async () => true);
  const { promise, resolve } = Promise.withResolvers<HungCall>();
  calls.watch({ answers: resolve, hangs: () => {}, failed: () => {} });
  expect(await promise).toMatchObject({ cpus: [1] });
});

test("nextTry() is a day later at most", () => {
  const call = { path: "", scope: "", cpus: [], since: 0, triedAt: 0, process: undefined };
  expect([0, 1, 2, 7, 8, 1000].map((tries) => nextTry({ ...call, tries }) / MINUTE)).toEqual([
    10, 20, 40, 1280, 1440, 1440,
  ]);
});
