import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gidOf, shareSocket } from "../../internal/os/socket-file.ts";

test("gidOf() finds a group by its whole name, and none in a machine without /etc/group", () => {
  const dir = mkdtempSync(`${tmpdir()}/group-`);
  const file = `${dir}/group`;
  expect(gidOf("powermon", file)).toBeUndefined();
  writeFileSync(file, "power:x:7:\npowermon:x:990:a,b\nodd:x:-1:\n");
  expect([gidOf("powermon", file), gidOf("mon", file), gidOf("odd", file)]).toEqual([
    990,
    undefined,
    undefined,
  ]);
  rmSync(dir, { recursive: true });
});

test("shareSocket() leaves the file to its owner, and says so, when there is no group to give it to", () => {
  const dir = mkdtempSync(`${tmpdir()}/group-`);
  const path = `${dir}/s`;
  writeFileSync(path, "", { mode: 0o600 });
  expect(shareSocket(path, "powermon", `${dir}/absent`)).toContain('There is no group "powermon"');
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(shareSocket(path, "")).toBeUndefined();
  rmSync(dir, { recursive: true });
});
