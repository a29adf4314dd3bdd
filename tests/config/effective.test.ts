// One VM's settings, folded from its own section, everybody's and the program's.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { vmConfig } from "../../internal/config/effective.ts";
import { loadConfig } from "../../internal/config/load.ts";
import { COMMANDS } from "../../internal/values/vm-settings.ts";
import { configFolder } from "./folder.ts";

function configOf(text: string) {
  using folder = configFolder();
  const config = loadConfig(folder.write("p.toml", text), join(folder.dir, "d"));
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

test("vmConfig() gives the program's defaults when no file names the VM", () => {
  const { origins, ...settings } = vmConfig(configOf(""), "x");
  expect(settings).toEqual({
    vm: "x",
    pins: new Map(),
    queries: false,
    floor: "min",
    ceiling: "max",
    turbo: true,
    commands: new Set(COMMANDS),
    rate: { requestsPerSecond: 0, burst: 100 },
    wire: "auto",
    qmp: undefined,
    leaseS: 0,
    priority: "normal",
  });
  expect(new Set(Object.values(origins).map(({ from }) => from))).toEqual(new Set(["default"]));
});

test("vmConfig() takes each setting from the VM's section, else from everybody's, and says from which", () => {
  const config = configOf(`
[pinning]
sources = ["static"]
[vm-defaults]
queries = true
floor = 1200000
commands = ["up", "down"]
rate = { requests_per_second = 50, burst = 5 }
qmp = "/q/{vm}.sock"
pins = { 7 = 7 }
[vm."a.b"]
queries = false
wire = "2014"
rate.burst = 9
pins = { 0 = 3, 10 = 4 }
`);
  const own = vmConfig(config, "a.b");
  expect(own).toMatchObject({ queries: false, floor: 1200000, wire: "2014", qmp: "/q/a.b.sock" });
  expect(own.rate).toEqual({ requestsPerSecond: 50, burst: 9 });
  expect([...own.commands]).toEqual(["up", "down"]);
  expect([...own.pins] as unknown).toEqual([
    [0, [3]],
    [10, [4]],
  ]);
  expect(own.origins.queries).toMatchObject({ from: "file", key: 'vm."a.b".queries' });
  expect(own.origins["rate.burst"]).toMatchObject({ from: "file", key: 'vm."a.b".rate.burst' });
  expect(own.origins["rate.requests_per_second"]).toMatchObject({
    key: "vm-defaults.rate.requests_per_second",
  });
  expect(own.origins.floor).toMatchObject({ from: "file", key: "vm-defaults.floor" });
  expect(own.origins.turbo).toEqual({ from: "default" });
  const other = vmConfig(config, "other");
  expect(other).toMatchObject({ queries: true, rate: { requestsPerSecond: 50, burst: 5 } });
  expect([...other.pins] as unknown).toEqual([[7, [7]]]);
});

test("vmConfig() finds no section in Object's own members", () => {
  const config = configOf("[vm.a]\nturbo = false\n");
  for (const name of ["toString", "constructor", "__proto__"]) {
    expect(vmConfig(config, name)).toMatchObject({ turbo: true, origins: { turbo: { from: "default" } } });
  }
});

test("vmConfig() puts the VM's name into the monitor's path as it is", () => {
  expect(vmConfig(configOf('[vm-defaults]\nqmp = "/q/{vm}"'), "$&$1").qmp).toBe("/q/$&$1");
});

test("vmConfig() unfolds a pin that floats", () => {
  const config = configOf('[pinning]\nfloating = "all"\nsources = ["static"]\n[vm.x.pins]\n0 = "2-3,7"');
  expect([...vmConfig(config, "x").pins] as unknown).toEqual([[0, [2, 3, 7]]]);
});
