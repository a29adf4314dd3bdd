// Holds what [fleet] may say, and what is refused with the sentence that mends it.

import { expect, test } from "bun:test";
import { writeFileSync, mkdtempSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fleetOf } from "../../internal/config/fleet.ts";
import { loadConfig } from "../../internal/config/load.ts";
import { describeProblem } from "../../internal/config/problem.ts";
import { isWord } from "../../internal/values/word.ts";
import { must } from "../helpers/answer.ts";

const dir = mkdtempSync(join(tmpdir(), "powermon-fleet-"));
function load(toml: string) {
  const file = join(dir, "powermon.toml");
  writeFileSync(file, toml);
  return loadConfig(file, join(dir, "none"));
}
const GOOD =
  '[fleet]\nendpoints = ["https://etcd1:2379", "http://127.0.0.1:2379", "http://[::1]:2379"]\ngroup = "rack7"\n';

test("fleetOf() has the host's own name and the prefix where none is written", () => {
  const config = load(`${GOOD}fallback_watts = 180\n`);
  const fleet = must(fleetOf(must(config).says));
  expect(fleet).toMatchObject({ group: "rack7", prefix: "/powermon/", fallback: 180 });
  expect(fleet?.name).toBe(hostname().toLowerCase());
  expect(must(fleetOf({}))).toBeUndefined();
});

test.each([
  [
    "http to another machine",
    '[fleet]\nendpoints = ["http://etcd1:2379"]\ngroup = "a"\n',
    "anybody on the way can read",
  ],
  ["no endpoint", '[fleet]\nendpoints = []\ngroup = "a"\n', "etcd's client URLs"],
  ["a path in an endpoint", '[fleet]\nendpoints = ["https://etcd1/x"]\ngroup = "a"\n', "etcd's client URLs"],
  ["a group that is no word", '[fleet]\nendpoints = ["https://e"]\ngroup = "../x"\n', "the group's name"],
  ["no group", '[fleet]\nendpoints = ["https://e"]\n', "fleet.group is missing"],
  ["a certificate without its key", `${GOOD}cert = "/a"\n`, "fleet.cert stands without key"],
  ["a user without a password", `${GOOD}user = "a"\n`, "fleet.user stands without password_file"],
  ["a prefix without its slash", `${GOOD}prefix = "/a"\n`, "begins and ends with a slash"],
  ["no watts to fall back to", `${GOOD}fallback_watts = 0\n`, "fleet.fallback_watts is 0"],
])("loadConfig() refuses %s", (_, toml, why) => {
  const config = load(toml);
  expect(config.ok ? "" : config.error.map(describeProblem).join("\n")).toContain(why);
});

test("loadConfig() takes http to another machine when it is asked for", () => {
  expect(load('[fleet]\nendpoints = ["http://etcd1:2379"]\ngroup = "a"\nplain_http = true\n').ok).toBe(true);
});

test("isWord() takes names of hosts and groups", () => {
  expect(["a", "rack7", "host-1.example", "a".repeat(63)].every(isWord)).toBe(true);
  expect(["", "A", "a/b", ".a", "a.", "-a", "a b", "a".repeat(64), "ä"].some(isWord)).toBe(false);
});
