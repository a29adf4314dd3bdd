// With --json every error is one document of one form on standard output, whoever finds it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POWERMON } from "../../../cmd/powermon/commands.ts";
import type { Io } from "../../../internal/cli/command.ts";
import { main } from "../../../internal/cli/main.ts";

let dir = "";
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "powermon-json-errors-"));
  writeFileSync(join(dir, "bad.toml"), 'type = "wrkload"\n');
});
afterAll(() => rmSync(dir, { recursive: true }));

test.each([
  ["statsu", 2, "invalid"],
  ["vm list --frobnicate", 2, "invalid"],
  ["vm limits vm1 --floor fast", 2, "invalid"],
  ["freq set 0", 2, "invalid"],
  ["status --socket /nowhere/x.sock", 4, "no-answer"],
  ["energy --interval 1 --sysfs-root DIR --proc-root DIR", 5, "unsupported"],
  ["policy simulate DIR/bad.toml", 2, "invalid"],
  ["policy simulate DIR/nowhere.toml", 2, "invalid"],
] as const)("powermon %s --json ends with %p and {error: %s}", async (line, status, code) => {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = { out: (text) => out.push(text), err: (text) => err.push(text), isTTY: false };
  const words = line.split(" ").map((word) => word.replace("DIR", dir));
  expect(await main(POWERMON, [...words, "--json"], io)).toBe(status);
  expect(err).toEqual([]);
  expect(out).toHaveLength(1);
  const { error } = JSON.parse(out[0] ?? "");
  expect(error).toEqual({ code, message: expect.any(String) });
  expect(error.message.length).toBeGreaterThan(10);
});
