// vmpower-guest.toml: what may stand in it, and what is said of what may not.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAgentConfig } from "../../../../cmd/vmpower-guest/agent/config.ts";

/** Returns what a file that says `toml` is read as. */
function read(toml: string) {
  const dir = mkdtempSync(join(tmpdir(), "agent-config-"));
  try {
    writeFileSync(join(dir, "a.toml"), toml);
    return readAgentConfig(join(dir, "a.toml"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test.each([
  ["", "vmpower"],
  ['group = ""', ""],
  ['group = "dpdk"', "dpdk"],
])("readAgentConfig() reads %p as group %p", (toml, group) => {
  expect(read(toml)).toMatchObject({ ok: true, value: { group } });
});

test("readAgentConfig() says how a group is written when one can't be", () => {
  expect(read('group = "a b"')).toMatchObject({
    ok: false,
    error: [expect.stringContaining('Write a group\'s name, such as "vmpower", or "" for none.')],
  });
});
