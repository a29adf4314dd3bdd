// What --save writes is there at the next start, and never breaks it.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { vmConfig } from "../../internal/config/effective.ts";
import { loadConfig } from "../../internal/config/load.ts";
import { khz } from "../../internal/values/units.ts";
import { saveVm } from "../../internal/config/save.ts";
import { configFolder } from "./folder.ts";

function vmOf(dropIns: string, vm: string) {
  const config = loadConfig(undefined, dropIns);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return vmConfig(config.value, vm);
}

test("saveVm() keeps changes beside those saved before, and loadConfig() finds them as the drop-in's", () => {
  using folder = configFolder();
  const dropIns = join(folder.dir, "state", "powermon.d");
  const file = join(dropIns, "saved.toml");
  expect(saveVm(dropIns, "a.b c", { floor: khz(1200000), pins: { 0: 2, 1: 3 } })).toEqual({
    ok: true,
    value: file,
  });
  expect(saveVm(dropIns, 'q"x', { queries: true })).toEqual({ ok: true, value: file });
  expect(saveVm(dropIns, "a.b c", { turbo: false, pins: { 1: 4 }, rate: { burst: 7 } })).toEqual({
    ok: true,
    value: file,
  });
  const vm = vmOf(dropIns, "a.b c");
  expect(vm).toMatchObject({ floor: 1200000, turbo: false, rate: { requestsPerSecond: 0, burst: 7 } });
  expect([...vm.pins] as unknown).toEqual([
    [0, [2]],
    [1, [4]],
  ]);
  expect(vm.origins.turbo).toEqual({ from: "drop-in", file, key: 'vm."a.b c".turbo' });
  expect(vmOf(dropIns, 'q"x').queries).toBe(true);
  expect(readdirSync(dropIns)).toEqual(["saved.toml"]);
});

test("saveVm() takes a key out when it is given as undefined", () => {
  using folder = configFolder();
  saveVm(folder.dir, "x", { queries: true, turbo: false });
  saveVm(folder.dir, "x", { queries: undefined });
  expect(vmOf(folder.dir, "x").origins.queries).toEqual({ from: "default" });
  expect(vmOf(folder.dir, "x").turbo).toBe(false);
});

test("saveVm() replaces a policy whole, and keeps what other changes leave alone as it was written", () => {
  using folder = configFolder();
  const type = "time" as const;
  const save = (changes: object) => saveVm(folder.dir, "x", changes);
  expect(save({ policy: { type: "workload", workload: "low" } }).ok).toBe(true);
  const windows = [{ from: "08:30", to: "24:00", level: "max" }];
  expect(save({ policy: { type, windows, vcpus: "0-1" } }).ok).toBe(true);
  expect(save({ queries: true }).ok).toBe(true);
  const config = loadConfig(undefined, folder.dir);
  expect(config.ok ? config.value.says.vm : config.error).toEqual({
    x: {
      policy: { type, windows: [{ from: 510, to: 1440, level: "max" }], vcpus: [0, 1] },
      queries: true,
    },
  });
  expect(save({ policy: undefined }).ok).toBe(true);
  expect(readFileSync(join(folder.dir, "saved.toml"), "utf8")).not.toContain("policy");
});

test("saveVm() changes nothing when the changes are not valid", () => {
  using folder = configFolder();
  saveVm(folder.dir, "x", { queries: true });
  const before = readFileSync(join(folder.dir, "saved.toml"), "utf8");
  const saved = saveVm(folder.dir, "x", { floor: khz(3) });
  expect(saved.ok ? [] : saved.error.map(({ file, key, wrong }) => [file, key, wrong])).toEqual([
    [join(folder.dir, "saved.toml"), "vm.x.floor", "is 3"],
  ]);
  expect(readFileSync(join(folder.dir, "saved.toml"), "utf8")).toBe(before);
  expect(readdirSync(folder.dir)).toEqual(["saved.toml"]);
});

test("saveVm() leaves a broken drop-in alone and names its line", () => {
  using folder = configFolder();
  folder.write("saved.toml", "\nx = = 1\n");
  const saved = saveVm(folder.dir, "x", { queries: true });
  expect(saved.ok ? [] : saved.error.map(({ line }) => line)).toEqual([2]);
  expect(readFileSync(join(folder.dir, "saved.toml"), "utf8")).toBe("\nx = = 1\n");
});

test("saveVm() says which file it can't write", () => {
  using folder = configFolder();
  mkdirSync(join(folder.dir, "saved.toml.tmp"));
  const saved = saveVm(folder.dir, "x", { queries: true });
  expect(saved.ok ? "" : saved.error[0]?.wrong).toBe("Cannot write it: EEXIST");
});
