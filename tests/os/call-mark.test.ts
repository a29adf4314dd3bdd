import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CallMark, isThere, readLeftCall } from "../../internal/os/call-mark.ts";
import { startTimeOf } from "../../internal/os/process.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync("/dev/shm/powermon-mark-");
});
afterEach(() => rmSync(dir, { recursive: true }));
const page = () => join(dir, "call");

function open(): CallMark {
  const mark = CallMark.open(page());
  if (!mark.ok) throw new Error(mark.error);
  return mark.value;
}

test("readLeftCall() names the last call of who was killed in it", async () => {
  const source = join(import.meta.dir, "../../internal/os/call-mark.ts");
  const script = `const { CallMark } = await import(${JSON.stringify(source)});
    const mark = CallMark.open(${JSON.stringify(page())}).value;
    mark.begin("/sys/a-longer-one");
    mark.end();
    mark.begin("/sys/b");
    process.kill(process.pid, "SIGKILL");`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "inherit", stderr: "inherit" });
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(readLeftCall(page())).toMatchObject({ path: "/sys/b", process: { pid: child.pid } });
  const left = readLeftCall(page());
  expect(left !== undefined && isThere(left.process)).toBe(false);
});

test("readLeftCall() knows of none when the call has returned, the page is gone, or nothing was called", () => {
  expect(readLeftCall(page())).toBeUndefined();
  const mark = open();
  expect(readLeftCall(page())).toBeUndefined();
  mark.begin("/sys/a");
  expect(readLeftCall(page())).toEqual({
    path: "/sys/a",
    process: { pid: process.pid, startTime: startTimeOf(process.pid) ?? "" },
  });
  mark.end();
  expect(readLeftCall(page())).toBeUndefined();
  mark.close();
  expect(existsSync(page())).toBe(false);
});

test("CallMark.open() leaves the page of another process its own", () => {
  const old = open();
  const mark = open();
  mark.begin("/sys/mine");
  old.begin("/sys/theirs");
  old.end();
  expect(readLeftCall(page())?.path).toBe("/sys/mine");
  expect(statSync(page()).mode & 0o777).toBe(0o600);
});

test("CallMark.open() says why it can't, and leaves nothing", () => {
  const mark = CallMark.open(join(dir, "nowhere/call"));
  expect(mark).toEqual({ ok: false, error: `Cannot make "${dir}/nowhere/call": ENOENT` });
});

test.each([
  ["a torn page", (bytes: Buffer) => bytes.subarray(0, 100)],
  ["a length past the page", (bytes: Buffer) => (bytes.writeInt32LE(1 << 20, 4), bytes)],
  ["a length below zero", (bytes: Buffer) => (bytes.writeInt32LE(-1, 4), bytes)],
  ["no owner", (bytes: Buffer) => bytes.fill(0, 3840)],
  ["another boot", (bytes: Buffer) => (bytes.write("0000", bytes.indexOf("bootId") + 9), bytes)],
])("readLeftCall() takes nothing from %s", (_, spoil) => {
  open().begin("/sys/a");
  const bytes = readFileSync(page());
  expect(readLeftCall(page())).toMatchObject({ path: "/sys/a" });
  writeFileSync(page(), spoil(bytes));
  expect(readLeftCall(page())).toBeUndefined();
});
