import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCounted, writeCounted } from "../../internal/fleet/counted.ts";

const dir = mkdtempSync(join(tmpdir(), "powermon-counted-"));
const file = join(dir, "fleet-counted.json");
const WHOSE = { group: "rack7", name: "h1" };

test("readCounted() returns what writeCounted() kept, for the same host of the same group", () => {
  expect(readCounted(file, WHOSE)).toBeUndefined();
  expect(writeCounted(file, WHOSE, 180)).toBeUndefined();
  expect(readCounted(file, WHOSE)).toBe(180);
  expect(readCounted(file, { ...WHOSE, group: "rack8" })).toBeUndefined();
  expect(readCounted(file, { ...WHOSE, name: "h2" })).toBeUndefined();
  writeFileSync(file, '{"group":"rack7","name":"h1","watts":-5}');
  expect(readCounted(file, WHOSE)).toBeUndefined();
  writeFileSync(file, "half of a f");
  expect(readCounted(file, WHOSE)).toBeUndefined();
  rmSync(file);
  // It is read before powermon serves, and nobody writes to it.
  expect(Bun.spawnSync(["mkfifo", file]).success).toBe(true);
  expect(readCounted(file, WHOSE)).toBeUndefined();
  rmSync(dir, { recursive: true });
  expect(writeCounted("/dev/null/x/file", WHOSE, 1)).toContain("ENOTDIR");
});
