// powermon policy simulate, as words on a fixture machine.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { makeTree, type Tree } from "../../helpers/tree.ts";
import { call } from "./call.ts";

let tree: Tree;
let dir: string;
const files = {
  "night.toml":
    'type = "time"\ntimezone = "Europe/Berlin"\ndefault = "max"\n[[windows]]\nfrom = "22:00"\nto = "06:00"\nlevel = "min"\n',
  "web.toml": 'type = "traffic"\ninterfaces = ["vnet0"]\nmedium_pps = 1000\nmax_pps = 10000\n',
  "poll.json": '{"type": "branch-ratio"}',
  "wrong.toml": 'type = "time"\n\ndefualt = "min"\n',
  "trace.csv": "seconds,pps\n0,100\n60,20000\n120,100\n",
  "bad.csv": "0,100\n60,many\n",
};

beforeAll(() => {
  tree = makeTree("acpi-cpufreq-4cpu-2domains");
  dir = mkdtempSync(`${tmpdir()}/policy-`);
  for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/${name}`, text);
});
afterAll(() => {
  tree.remove();
  rmSync(dir, { recursive: true });
});

const simulate = (file: string, ...more: readonly string[]) =>
  call("policy", "simulate", "--file", `${dir}/${file}`, "--sysfs-root", tree.sys, ...more);

describe("powermon policy simulate", () => {
  test("prints changes and shares, over the night on which clocks are put forward", async () => {
    const { status, out, err } = await simulate(
      "night.toml",
      "--from",
      "2026-03-28T12:00",
      "--to",
      "2026-03-29T12:00",
    );
    expect([status, err]).toEqual([0, ""]);
    expect(out)
      .toBe(`Policy of type time, 2026-03-28T12:00:00+01:00 to 2026-03-29T12:00:00+02:00 (Europe/Berlin)

TIME                       CPUS  LEVEL  KHZ
2026-03-28T12:00:00+01:00  0-3   max    2600000
2026-03-28T22:00:00+01:00  0-3   min    800000
2026-03-29T06:00:00+02:00  0-3   max    2600000

CPUS  KHZ      SHARE
0-3   2600000  69.6 %
0-3   800000   30.4 %`);
  });

  test("prints the same as JSON, for the CPUs named", async () => {
    const { status, out } = await simulate(
      "web.toml",
      "--traffic",
      `${dir}/trace.csv`,
      "--from",
      "2026-03-28T00:00Z",
      "--to",
      "2026-03-28T00:04Z",
      "--cpus",
      "2",
      "--json",
    );
    expect(status).toBe(0);
    const document = JSON.parse(out);
    expect(
      document.changes.map(({ cpus, level, khz }: { cpus: number[]; level: string; khz: number }) => [
        cpus,
        level,
        khz,
      ]),
    ).toEqual([
      [[2], "min", 800_000],
      [[2], "max", 2_600_000],
      [[2], "min", 800_000],
    ]);
    const shares: { khz: number | null; share: number }[] = document.shares;
    expect(shares.map(({ khz }) => khz)).toEqual([2_600_000, 800_000, null]);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  });

  test("writes nothing to the machine", async () => {
    const setspeed = () =>
      readFileSync(`${tree.sys}/devices/system/cpu/cpufreq/policy0/scaling_setspeed`, "utf8");
    const before = [setspeed(), readdirSync(tree.root)];
    await simulate("night.toml");
    expect([setspeed(), readdirSync(tree.root)]).toEqual(before);
  });

  test.each([
    [["web.toml"], 2, "The policy follows traffic; give it some by --traffic TRACE.csv."],
    [["poll.json"], 2, "The policy follows branches; give it some by --branches TRACE.csv."],
    [["wrong.toml"], 2, "wrong.toml:3: defualt is not a key that powermon knows. Did you mean default?"],
    [["none.toml"], 2, "Cannot read it: ENOENT"],
    [
      ["night.toml", "--from", "tomorrow"],
      2,
      '--from must be a time such as 2026-03-29T08:30 or 2026-03-29T06:30Z, not "tomorrow".',
    ],
    [
      ["night.toml", "--from", "2026-03-28", "--to", "2026-03-28"],
      2,
      "--to must be later than --from, by 31 days at most.",
    ],
    [["night.toml", "--from", "2026-01-01", "--to", "2026-03-28"], 2, "by 31 days at most"],
    [["night.toml", "--cpus", "0,9"], 2, "--cpus names CPU 9, which has no cpufreq domain."],
    [
      ["web.toml", "--traffic", "/dev/zero"],
      2,
      '--traffic: "/dev/zero" has more than 67108864 bytes; cut it.',
    ],
    [["web.toml", "--traffic", "/nowhere.csv"], 2, '--traffic: Cannot read "/nowhere.csv": ENOENT.'],
  ] as const)("answers %p with status %p", async ([file, ...more], status, why) => {
    const done = await simulate(file, ...more);
    expect([done.status, done.out]).toEqual([status, ""]);
    expect(done.err).toContain(why);
  });

  test("names the line of a trace that is wrong", async () => {
    const { status, err } = await simulate("web.toml", "--traffic", `${dir}/bad.csv`);
    expect(status).toBe(2);
    expect(err).toContain("bad.csv: line 2 has other than 1 numbers");
  });

  test("says so when the machine has no cpufreq domains", async () => {
    const { status, err } = await call(
      "policy",
      "simulate",
      "--file",
      `${dir}/night.toml`,
      "--sysfs-root",
      "/nowhere",
    );
    expect([status, err]).toEqual([1, 'powermon: Cannot read "/nowhere/devices/system/cpu": ENOENT']);
  });
});
