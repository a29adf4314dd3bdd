// What a VM may bring along, and what becomes of it beside what this host says.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cacheOf, readCache, readCarried } from "../../internal/config/carried.ts";
import { vmConfig } from "../../internal/config/effective.ts";
import { loadConfig, withCarried } from "../../internal/config/load.ts";
import { type ConfigProblem, describeProblem } from "../../internal/config/problem.ts";
import type { Result } from "../../internal/values/result.ts";
import { configFolder } from "./folder.ts";

const carried = (vm: string, said: Record<string, string>) => readCarried(vm, new Map(Object.entries(said)));
const value = <T>(read: Result<T, ConfigProblem[]>): T => {
  if (!read.ok) throw new Error(read.error.map(describeProblem).join(" "));
  return read.value;
};
const layer = (vm: string, said: Record<string, string>) => value(carried(vm, said));

describe("readCarried()", () => {
  test("reads numbers, words, true and false", () => {
    const said = { floor: "1200000", ceiling: "base", turbo: "false", lease_s: "30", priority: "low" };
    expect(layer("web", said).read.says as unknown).toEqual({
      vm: { web: { floor: 1200000, ceiling: "base", turbo: false, lease_s: 30, priority: "low" } },
    });
  });

  test.each([
    [{ ceiling: "fast" }, "vm.web.ceiling"],
    [{ ceiling: "0" }, "vm.web.ceiling"],
    [{ priority: "urgent" }, "vm.web.priority"],
    [{ ceiling: "99999999999" }, "vm.web.ceiling"],
    [{ turbo: "yes" }, "vm.web.turbo"],
    [{ ceiling: "base", queries: "true" }, "queries is nothing that a VM can bring along"],
    [{ pins: "{}" }, "pins is nothing that a VM can bring along"],
    [JSON.parse('{"__proto__": "x"}') as Record<string, string>, "__proto__ is nothing"],
  ])("refuses %p, and says where it stands", (said, wrong) => {
    const read = carried("web", said);
    const problems = read.ok ? [] : read.error.map(describeProblem);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`libvirt's definition of "web": ${wrong}`);
  });
});

describe("withCarried()", () => {
  test("puts it over vm-defaults and under the VM's own section, and says whose each setting is", () => {
    using folder = configFolder();
    const toml = '[vm-defaults]\nceiling = "max"\nturbo = true\n[vm.web]\nfloor = "base"\n';
    const config = value(loadConfig(folder.write("c.toml", toml), join(folder.dir, "none")));
    const young = value(
      withCarried(config, [
        layer("web", { floor: "min", ceiling: "base", turbo: "false" }),
        layer("db", { turbo: "false" }),
      ]),
    );
    const web = vmConfig(young, "web");
    expect([web.floor, web.ceiling, web.turbo]).toEqual(["base", "base", false]);
    expect(web.origins.floor).toMatchObject({ from: "file" });
    expect(web.origins.ceiling).toMatchObject({ from: "carried", file: `libvirt's definition of "web"` });
    expect(vmConfig(young, "db").turbo).toBe(false);
    expect(vmConfig(young, "other").ceiling).toBe("max");
    const without = value(withCarried(young, []));
    expect(vmConfig(without, "web").ceiling).toBe("max");
    expect(without).toEqual(config);
  });

  test("leaves aside what the host's own words contradict, of that VM alone, with a warning", () => {
    using folder = configFolder();
    const file = folder.write("c.toml", '[vm.web]\nfloor = "base"\n');
    const config = value(loadConfig(file, join(folder.dir, "none")));
    const young = value(
      withCarried(config, [
        layer("web", { ceiling: "min", turbo: "false" }),
        layer("db", { ceiling: "min" }),
      ]),
    );
    expect([vmConfig(young, "web").ceiling, vmConfig(young, "web").turbo]).toEqual(["max", true]);
    expect(vmConfig(young, "db").ceiling).toBe("min");
    expect(young.warnings.map(describeProblem)).toEqual([
      `libvirt's definition of "web": vm.web.ceiling is "min", below the floor of "base". What the VM brings along is left aside; change it, or what this host says.`,
    ]);
  });

  test("never makes a configuration wrong, however many VMs bring something along", () => {
    using folder = configFolder();
    const vms = Array.from({ length: 4096 }, (_, i) => `[vm.v${i}]\n`).join("");
    const config = value(loadConfig(folder.write("c.toml", vms.slice(0, -1)), join(folder.dir, "none")));
    const young = value(withCarried(config, [layer("web", { ceiling: "base" })]));
    expect(young.vms).toHaveLength(4096);
    expect(young.warnings).toHaveLength(1);
  });
});

describe("readCache()", () => {
  test("reads what cacheOf() writes", () => {
    using folder = configFolder();
    const said = new Map([["web 1.x", new Map([["ceiling", "base"]])]]);
    expect(readCache(folder.write("c.json", cacheOf(said)))).toEqual(said);
  });

  test.each(["", "[]", "{", '{"web":1}', '{"web":{"ceiling":1}}', "\u0000"])(
    "takes %p for nothing",
    (text) => {
      using folder = configFolder();
      expect(readCache(folder.write("c.json", text)).size).toBe(0);
      expect(readCache(join(folder.dir, "none.json")).size).toBe(0);
    },
  );
});
