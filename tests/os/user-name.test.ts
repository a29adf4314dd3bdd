import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { userName } from "../../internal/os/user-name.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/powermon-users-`);
});
afterEach(() => rmSync(dir, { recursive: true }));

test("userName() names this machine's root", () => {
  expect(userName(0)).toBe("root");
});

test("userName() goes by the first line of a number, and follows the file", () => {
  const file = `${dir}/passwd`;
  writeFileSync(
    file,
    "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n# a comment\nanna:x:1000:1000::/:\nbad\u001b[2J:x:1001:\n+::::\n",
  );
  expect([0, 1000, 1001, 1002].map((uid) => userName(uid, file))).toEqual([
    "root",
    "anna",
    undefined,
    undefined,
  ]);
  writeFileSync(file, "bert:x:1000:1000::/:\n");
  expect([0, 1000].map((uid) => userName(uid, file))).toEqual([undefined, "bert"]);
  writeFileSync(file, `${"x".repeat(1 << 20)}\nanna:x:1000:1000::/:\n`);
  expect(userName(1000, file)).toBeUndefined();
  rmSync(file);
  expect(userName(1000, file)).toBeUndefined();
});
