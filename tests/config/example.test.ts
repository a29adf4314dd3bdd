// The example that operators start from says what the program does.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUDGET_DEFAULTS, budgetOf } from "../../internal/config/budget.ts";
import { vmConfig } from "../../internal/config/effective.ts";
import { DEFAULTS, VM_DEFAULTS } from "../../internal/config/defaults.ts";
import { loadConfig } from "../../internal/config/load.ts";
import { writtenPolicies } from "../../internal/config/policy.ts";
import { profilesOf } from "../../internal/config/profile-schema.ts";
import { readConfigFile } from "../../internal/config/read.ts";
import { POLICY_TYPES } from "../../internal/values/request.ts";
import { configFolder } from "./folder.ts";

const EXAMPLE = join(import.meta.dir, "../../packaging/powermon.toml.example");
const text = readFileSync(EXAMPLE, "utf8");

test("readConfigFile() reads the example as it is, and it changes nothing", () => {
  const read = readConfigFile(EXAMPLE);
  expect(read.ok && read.value.says).toEqual({
    channels: {},
    pinning: {},
    cpufreq: {},
    fifo: {},
    control: {},
    http: {},
    "vm-defaults": {},
  });
});

test("the example with its defaults uncommented says what the program's own defaults say, every key", () => {
  using folder = configFolder();
  const read = readConfigFile(folder.write("p.toml", text.replace(/^#(?=[a-z])/gm, "")));
  const { limits, profile, vm, ...keys } = DEFAULTS;
  expect([limits, profile, vm]).toEqual([{}, {}, {}]);
  expect(read.ok ? read.value.says : read.error).toEqual(keys as never);
});

test("the example with its examples uncommented is valid, without a warning but for unused pins, and shows every key of a VM", () => {
  using folder = configFolder();
  const config = loadConfig(
    folder.write("p.toml", text.replace(/^## (?=[ a-z[\]])/gm, "")),
    join(folder.dir, "d"),
  );
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  expect(config.value.warnings.map(({ key }) => key)).toEqual(['vm."web.1".pins']);
  expect(Object.keys(config.value.says.vm?.["web.1"] ?? {}).sort()).toEqual(Object.keys(VM_DEFAULTS).sort());
  expect([...writtenPolicies(config.value).values()].map(({ rule }) => rule.type).sort()).toEqual(
    [...POLICY_TYPES].sort(),
  );
  expect(config.value.limits.map(({ cpus }) => cpus.length)).toEqual([4]);
  expect(profilesOf(config.value.says.profile ?? {})).toMatchObject([
    { name: "night", missing: "skip", boost: false, rules: [{ cpus: "all", epb: 8 }, { cpus: "vm:web" }] },
  ]);
  expect(config.value.says["profile-schedule"]?.windows?.map(({ profile }) => profile)).toEqual([
    "night",
    "powersave",
  ]);
  expect(budgetOf(config.value.says)).toMatchObject({ watts: 110, windows: [{ from: 17 * 60, watts: 80 }] });
  expect(config.value.says.budget).toMatchObject(BUDGET_DEFAULTS);
  expect(vmConfig(config.value, "web.1").qmp).toBe("/run/qemu/web.1.qmp");
});
