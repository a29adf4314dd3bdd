// Which profile is recommended on which machine.

import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { recommendProfile } from "../../../internal/power/profiles/recommend.ts";
import { machine, value } from "../../sysfs/machine.ts";
import { runPowermon } from "../../cmd/powermon/power-main.ts";

type Machine = ReturnType<typeof machine>;
const put = ({ tree }: Machine, path: string, text: string) => {
  mkdirSync(`${tree.root}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
  writeFileSync(`${tree.root}/${path}`, `${text}\n`);
};
const battery = (at: Machine, status: string, more: Record<string, string> = {}) => {
  for (const [file, text] of Object.entries({ type: "Battery", status, ...more }))
    put(at, `sys/class/power_supply/BAT0/${file}`, text);
};
const isolate = (at: Machine) => put(at, "sys/devices/system/cpu/isolated", "2-3,6-7");

// each row: what the machine shows, what is recommended
test.each([
  [
    "hardware that follows the load",
    () => {},
    [["balanced", undefined, /^intel_pstate with governor powersave follows/]],
  ],
  ["a battery", (at: Machine) => battery(at, "Discharging"), [["powersave", undefined, /battery/]]],
  ["a battery that is full", (at: Machine) => battery(at, "Full"), [["balanced", undefined, /follows/]]],
  [
    "a mouse's battery",
    (at: Machine) => battery(at, "Discharging", { scope: "Device" }),
    [["balanced", undefined, /follows/]],
  ],
  [
    "isolated CPUs",
    isolate,
    [
      ["balanced", "housekeeping", /follows/],
      ["latency", "isolated", /^CPUs 2-3,6-7 are kept from the scheduler \(isolcpus=\): /],
    ],
  ],
  [
    "no governor that follows",
    (at: Machine) => {
      for (let n = 0; n < 8; n++)
        put(at, `sys/devices/system/cpu/cpufreq/policy${n}/scaling_available_governors`, "performance");
    },
    [["performance", undefined, /offers no governor/]],
  ],
] as const)("recommendProfile() of %s", (_, make, expected) => {
  const at = machine("intel-server-8cpu");
  put(at, "sys/devices/system/cpu/isolated", "");
  make(at);
  const told = value(recommendProfile(at.roots));
  expect(told.map(({ profile, cpus }) => [profile, cpus])).toEqual(
    expected.map(([profile, cpus]) => [profile, cpus]) as never,
  );
  for (const [n, [, , why]] of expected.entries()) expect(told[n]?.why).toMatch(why);
});

test("profile recommend tells the commands and why", async () => {
  const at = machine("intel-server-8cpu");
  isolate(at);
  const ran = await runPowermon([
    "profile",
    "recommend",
    "--sysfs-root",
    at.tree.sys,
    "--proc-root",
    at.tree.proc,
  ]);
  expect(ran.status).toBe(0);
  expect(ran.out).toMatch(
    /^powermon profile apply balanced --cpus housekeeping\n {2}intel_pstate .*\npowermon profile apply latency --cpus isolated\n {2}CPUs 2-3/,
  );
});

test("profile recommend names no profile that can't be applied, and apply says of the machine what it lacks", async () => {
  const at = machine("acpi-cpufreq-4cpu-independent");
  rmSync(at.path("cpufreq"), { recursive: true });
  for (const cpu of [0, 1, 2, 3]) rmSync(at.path(`cpu${cpu}/cpufreq`), { recursive: true, force: true });
  const roots = ["--sysfs-root", at.tree.sys, "--proc-root", at.tree.proc, "--state-dir", at.roots.stateDir];
  const told = await runPowermon(["profile", "recommend", ...roots]);
  expect(told).toMatchObject({ status: 5, out: "" });
  expect(told.err).toContain("no built-in profile has anything to set here");
  const applied = await runPowermon(["profile", "apply", "balanced", ...roots]);
  expect(applied.status).toBe(5);
  expect(applied.err).toContain("boost of machine: no cpufreq driver runs");
  expect(applied.err).toContain("epp of CPUs 0-3: there is no cpufreq domain");
});
