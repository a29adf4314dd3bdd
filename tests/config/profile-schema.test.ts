// Profiles as TOML: what is taken, in which words the program gets it, and what is refused.

import { expect, test } from "bun:test";
import * as v from "valibot";
import { khz } from "../../internal/values/units.ts";
import { profilesOf, profilesSchema } from "../../internal/config/profile-schema.ts";

const read = (text: string) =>
  v.safeParse(profilesSchema, (Bun.TOML.parse(text) as { profile?: unknown }).profile);

test("profilesOf() turns names into numbers", () => {
  const parsed = read(`
[profile.night]
summary = "for the night"
missing = "skip"
pstate_mode = "passive"
irq = "housekeeping"
boost = false
uncore = { floor = "min", ceiling = 1600000, of = { "0.1" = { ceiling = "80%" } } }
latency_us = 100
[profile.night.cpus.all]
governor = "dynamic"
floor = "min"
ceiling = "base"
epp = 200
epb = "balance-power"
[profile.night.cpus."vm:web"]
latency_us = 20
deepest_state = "C1E"
[profile.night.cpus."0-3,8"]
epb = 4
`);
  if (!parsed.success) throw new Error(JSON.stringify(parsed.issues.map((issue) => issue.message)));
  expect(profilesOf(parsed.output)).toEqual([
    {
      name: "night",
      summary: "for the night",
      missing: "skip",
      pstateMode: "passive",
      irq: "housekeeping",
      boost: false,
      uncore: { floor: "min", ceiling: khz(1_600_000), of: { "0.1": { ceiling: "80%" } } },
      latencyUs: 100,
      rules: [
        { cpus: "all", governor: "dynamic", floor: "min", ceiling: "base", epp: "200", epb: 8 },
        { cpus: "vm:web", latencyUs: 20, deepestState: ["C1E"] },
        { cpus: "0-3,8", epb: 4 },
      ],
    },
  ]);
  const empty = read("[profile.nothing]");
  expect(empty.success && profilesOf(empty.output)).toEqual([
    { name: "nothing", summary: "", missing: "refuse", rules: [] },
  ]);
});

test("profilesOf() lets a rule for fewer CPUs win, wherever it stands", () => {
  const parsed = read(
    ["3", "isolated", "0-3", "vm:web", "all"].map((cpus) => `[profile.p.cpus."${cpus}"]\nepb = 1`).join("\n"),
  );
  if (!parsed.success) throw new Error(JSON.stringify(parsed.issues));
  const [profile] = profilesOf(parsed.output);
  expect(profile?.rules.map(({ cpus }) => cpus)).toEqual(["all", "isolated", "vm:web", "0-3", "3"]);
});

test.each([
  ["a key that is not known", "[profile.p]\nturbo = true", ["turbo"]],
  ["a name with a blank", '[profile."p q"]', ["p q"]],
  ["a reserved name", "[profile.constructor]", ["constructor"]],
  ["CPUs that are no list", '[profile.p.cpus."some"]', ["p", "cpus", "some"]],
  ["an EPB past 15", "[profile.p.cpus.all]\nepb = 16", ["p", "cpus", "all", "epb"]],
  ["a governor with a slash", '[profile.p.cpus.all]\ngovernor = "a/b"', ["p", "cpus", "all", "governor"]],
  ["kHz that are MHz", "[profile.p.cpus.all]\nceiling = 2400", ["p", "cpus", "all", "ceiling"]],
  ["base for the uncore", '[profile.p]\nuncore = { floor = "base" }', ["p", "uncore", "floor"]],
  ["more than all of the uncore", '[profile.p]\nuncore = { floor = "101%" }', ["p", "uncore", "floor"]],
  ["a part of the uncore that is none", '[profile.p.uncore.of."a.b"]', ["p", "uncore", "of", "a.b"]],
  ["a mode that no driver has", '[profile.p]\npstate_mode = "off"', ["p", "pstate_mode"]],
  ["interrupts elsewhere", '[profile.p]\nirq = "isolated"', ["p", "irq"]],
  ["a latency below 0", "[profile.p]\nlatency_us = -1", ["p", "latency_us"]],
  ["a list for a table", "[profile]\np = []", ["p"]],
])("profilesSchema refuses %s and says where", (_, text, path) => {
  const parsed = read(text);
  expect(parsed.success).toBe(false);
  const at = parsed.issues?.map((issue) => (issue.path ?? []).map((item) => String(item.key)).join("."));
  expect(at?.some((one) => path.join(".").endsWith(one) || one.endsWith(path.join(".")))).toBe(true);
  expect(parsed.issues?.every((issue) => issue.message !== "")).toBe(true);
});
