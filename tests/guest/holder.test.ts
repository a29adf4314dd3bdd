import { expect, test } from "bun:test";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { holderOf } from "../../internal/guest/holder.ts";

test("holderOf() finds this very process while it has the file open", () => {
  const folder = mkdtempSync(join(tmpdir(), "holder-"));
  const path = join(folder, "port");
  const fd = openSync(path, "w");
  symlinkSync(path, join(folder, "name"));
  expect(holderOf(path)?.pid).toBe(process.pid);
  expect(holderOf(join(folder, "name"))?.pid).toBe(process.pid);
  closeSync(fd);
  expect(holderOf(path)).toBeUndefined();
  rmSync(folder, { recursive: true });
});

test("holderOf() reads a /proc where processes hide or end half-way", () => {
  const folder = mkdtempSync(join(tmpdir(), "holder-"));
  const path = join(folder, "port");
  writeFileSync(path, "");
  const proc = join(folder, "proc");
  for (const pid of ["1", "22", "333", "self"]) mkdirSync(join(proc, pid, "fd"), { recursive: true });
  rmSync(join(proc, "1", "fd"), { recursive: true });
  symlinkSync("/nowhere", join(proc, "22", "fd", "0"));
  symlinkSync(path, join(proc, "self", "fd", "3"));
  expect(holderOf(path, proc)).toBeUndefined();
  symlinkSync(path, join(proc, "333", "fd", "3"));
  expect(holderOf(path, proc)).toEqual({ pid: 333, name: "a program that just ended" });
  writeFileSync(join(proc, "333", "comm"), "l3fwd-power\n");
  expect(holderOf(path, proc)).toEqual({ pid: 333, name: "l3fwd-power" });
  expect(holderOf(join(folder, "none"), proc)).toBeUndefined();
  expect(holderOf(path, join(folder, "none"))).toBeUndefined();
  rmSync(folder, { recursive: true });
});
