import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { CallMark } from "../../internal/os/call-mark.ts";
import {
  explainHung,
  type HungCall,
  isStuck,
  markOf,
  readHung,
  readSuspect,
  writeHung,
} from "../../internal/sysfs/hung.ts";
import { makeTree, type Tree } from "../helpers/tree.ts";

let tree: Tree;
beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-2domains");
  mkdirSync(roots().stateDir);
});
afterEach(() => tree.remove());
const roots = () => ({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
const cpu = (path: string) => `${tree.sys}/devices/system/cpu/${path}`;

const call = (path: string, more: Partial<HungCall> = {}): HungCall => ({
  path,
  scope: path,
  cpus: [],
  since: 1,
  triedAt: 2,
  tries: 3,
  process: { pid: 4, startTime: "5" },
  ...more,
});

/** Returns what is suspected after a powermon was at `path` when it ended. */
function suspected(path: string): HungCall | undefined {
  const mark = CallMark.open(markOf(roots().stateDir));
  if (!mark.ok) throw new Error(mark.error);
  mark.value.begin(path);
  return readSuspect(roots(), 1000);
}

test("readHung() returns what writeHung() kept, and nothing once nothing hangs", () => {
  const calls = [call(cpu("cpufreq/boost")), call(cpu("cpu1/power/energy_perf_bias"), { cpus: [1] })];
  expect(readHung(roots())).toEqual({ ok: true, value: [] });
  expect(writeHung(roots(), calls).ok).toBe(true);
  expect(readHung(roots())).toEqual({ ok: true, value: calls });
  writeHung(roots(), []);
  expect(readHung(roots())).toEqual({ ok: true, value: [] });
});

test("readHung() forgets what hung before the last boot", () => {
  writeHung(roots(), [call(cpu("cpufreq/boost"))]);
  writeFileSync(`${tree.proc}/sys/kernel/random/boot_id`, "11111111-2222-4333-8444-555555555555\n");
  expect(readHung(roots())).toEqual({ ok: true, value: [] });
});

test.each(["/etc/passwd", "devices/system/cpu/cpufreq/../../../../../etc/passwd", "power/state"])(
  "readHung() and readSuspect() are led nowhere by %s",
  (path) => {
    const whole = path.startsWith("/") ? path : `${tree.sys}/${path}`;
    expect(suspected(whole)).toBeUndefined();
    writeHung(roots(), [call(whole)]);
    expect(readHung(roots())).toMatchObject({ ok: false, error: { code: "EINVAL" } });
  },
);

test("readHung() takes no record that is not whole", () => {
  const path = `${roots().stateDir}/hung.json`;
  writeHung(roots(), [call(cpu("cpufreq/boost"))]);
  const text = readFileSync(path, "utf8");
  for (const [from, to] of [
    ['"tries":3', '"tries":-3'],
    ['"since":1', '"since":"1"'],
    ['"cpus":[]', '"cpus":[-1]'],
    ['"calls":[', '"calls":{"a":['],
  ] as const) {
    writeFileSync(path, text.replace(from, to));
    expect(readHung(roots())).toMatchObject({ ok: false, error: { code: "EINVAL", path } });
  }
});

test.each([
  ["cpufreq/policy2/scaling_setspeed", "cpufreq/policy2/", [2, 3]],
  ["cpu3/power/energy_perf_bias", "cpu3/power/energy_perf_bias", [3]],
  ["cpufreq/boost", "cpufreq/boost", []],
])("readSuspect() knows whose %s is", (path, scope, cpus) => {
  expect(suspected(cpu(path))).toMatchObject({
    path: cpu(path),
    scope: cpu(scope),
    cpus,
    since: 1000,
    tries: 0,
  });
});

test("isStuck() is true while the process is there that made the call", () => {
  const own = suspected(cpu("cpufreq/boost"));
  expect(own !== undefined && isStuck(own)).toBe(true);
  expect(isStuck(call(cpu("cpufreq/boost")))).toBe(false);
  expect(isStuck(call(cpu("cpufreq/boost"), { process: undefined }))).toBe(false);
});

test("explainHung() names the file, the time and the CPUs", () => {
  expect(explainHung({ path: "/sys/x", cpus: [2, 3], since: 0 })).toBe(
    'A call on "/sys/x" did not return (found 1970-01-01T00:00:00.000Z): the clock of CPUs 2, 3 is left alone',
  );
  expect(explainHung({ path: "/sys/x", cpus: [], since: 0 })).toEndWith("it is left alone");
});
