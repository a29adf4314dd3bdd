// Locks of the living and the dead, of numbers that are used again, and of many who want one at once.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockHolder, takeLock } from "../../internal/os/lock.ts";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/lock-`);
  path = `${dir}/lock`;
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Returns what the lock's file says when this process holds it. */
function own(): { pid: number; startTime: string; bootId?: string } {
  const folder = mkdtempSync(`${tmpdir()}/lock-`);
  try {
    expect(takeLock(`${folder}/lock`).ok).toBe(true);
    return JSON.parse(readFileSync(`${folder}/lock`, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What stands in a lock's file that nobody alive holds. */
const DEAD = [
  ["a process that has ended", JSON.stringify({ pid: 2 ** 22 + 7, startTime: "1" })],
  ["another process with the same number", JSON.stringify({ pid: process.pid, startTime: "1" })],
  ["a process without a start time", JSON.stringify({ pid: process.pid })],
  [
    "this process in another boot",
    JSON.stringify({ ...own(), bootId: "0b0e6f5e-0000-4000-8000-000000000000" }),
  ],
  ["a bare number", `${process.pid}\n`],
  ["garbage", "{"],
  ["null", "null"],
  ["nothing", ""],
  ["a holder in a book", JSON.stringify({ ...own(), book: "x".repeat(5000) })],
] as const;

test("takeLock() lets one have the lock at a time, and leaves nothing behind", () => {
  const release = takeLock(path);
  expect(lockHolder(path)).toBe(process.pid);
  expect(readdirSync(dir)).toEqual(["lock"]);
  expect(takeLock(path)).toEqual({ ok: false, error: { kind: "busy", pid: process.pid } });
  if (release.ok) release.value();
  expect(lockHolder(path)).toBeUndefined();
  expect(readdirSync(dir)).toEqual([]);
  expect(takeLock(path).ok).toBe(true);
});

test.each(DEAD)("takeLock() takes over the lock of %s", (_, text) => {
  writeFileSync(path, text);
  expect(lockHolder(path)).toBeUndefined();
  expect(takeLock(path).ok).toBe(true);
  expect(lockHolder(path)).toBe(process.pid);
  expect(readdirSync(dir)).toEqual(["lock"]);
});

test.each(DEAD)("takeLock() takes over where %s ended while it took over itself", (_, text) => {
  for (const name of ["lock", "lock.next", `lock.${process.pid}.new`]) writeFileSync(`${dir}/${name}`, text);
  expect(takeLock(path).ok).toBe(true);
  expect(lockHolder(path)).toBe(process.pid);
  expect(readdirSync(dir)).toEqual(["lock"]);
});

test("lockHolder() knows the lock of an older powermon, which wrote no boot", () => {
  const { bootId, ...older } = own();
  expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
  writeFileSync(path, JSON.stringify(older));
  expect(lockHolder(path)).toBe(process.pid);
});

test("takeLock() does not wait for a FIFO in the lock's place", () => {
  expect(Bun.spawnSync(["mkfifo", path]).success).toBe(true);
  expect(lockHolder(path)).toBeUndefined();
  expect(takeLock(path).ok).toBe(true);
  expect(lockHolder(path)).toBe(process.pid);
});

test("takeLock() leaves a dead one's lock to whoever takes it over now", async () => {
  const other = Bun.spawn(["sleep", "60"]);
  writeFileSync(path, "");
  expect(takeLock(`${path}.next`, other.pid).ok).toBe(true);
  expect(takeLock(path)).toEqual({ ok: false, error: { kind: "busy", pid: other.pid } });
  expect(readFileSync(path, "utf8")).toBe("");
  other.kill();
  await other.exited;
  expect(takeLock(path).ok).toBe(true);
});

test("takeLock() replaces a link, and touches nothing that it leads to", () => {
  for (const target of [`${dir}/absent`, `${dir}/file`]) {
    writeFileSync(`${dir}/file`, "untouched");
    symlinkSync(target, path);
    const release = takeLock(path);
    expect(lockHolder(path)).toBe(process.pid);
    if (release.ok) release.value();
    expect(readdirSync(dir)).toEqual(["file"]);
    expect(readFileSync(`${dir}/file`, "utf8")).toBe("untouched");
  }
});

test("takeLock() says what is wrong with its place", () => {
  mkdirSync(path);
  expect(takeLock(path)).toMatchObject({ ok: false, error: { kind: "sysfs", path } });
  expect(readdirSync(dir)).toEqual(["lock"]);
  writeFileSync(`${dir}/file`, "");
  expect(takeLock(`${dir}/file/lock`)).toMatchObject({ ok: false, error: { kind: "sysfs" } });
});

const MODULE = join(import.meta.dir, "../../internal/os/lock.ts");
/** Takes the lock over and over, beside a file that only its holder may make; it gives it back, or leaves a dead one's there. */
const CONTENDER = `
import { closeSync, openSync, rmSync, writeFileSync, renameSync } from "node:fs";
import { takeLock } from ${JSON.stringify(MODULE)};
const path = process.argv[1], inside = path + "-inside";
let taken = 0;
for (let i = 0; i < 150; i++) {
  const lock = takeLock(path);
  if (!lock.ok) { if (lock.error.kind !== "busy") throw new Error(JSON.stringify(lock.error)); continue; }
  taken++;
  closeSync(openSync(inside, "wx"));
  rmSync(inside);
  if (i % 2 === 0) {
    lock.value();
    continue;
  }
  const dead = path + ".dead" + process.pid;
  writeFileSync(dead, JSON.stringify({ pid: process.pid, startTime: "1" }));
  renameSync(dead, path);
}
console.log(taken);
`;

test("takeLock() is won by one of several processes that take over the same dead one's lock", async () => {
  writeFileSync(path, "");
  const children = Array.from({ length: 4 }, () =>
    Bun.spawn([process.execPath, "-e", CONTENDER, path], { stdout: "pipe", stderr: "pipe" }),
  );
  for (const child of children) {
    expect(await child.stderr.text()).toBe("");
    expect(Number(await child.stdout.text())).toBeGreaterThan(0);
  }
  expect(["", "lock"]).toContain(readdirSync(dir).join());
}, 30_000);
