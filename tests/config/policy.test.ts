// Policy files as operators write them, and what is said to what is wrong.

import { describe, expect, test } from "bun:test";
import { parsePolicy, readPolicyFile } from "../../internal/config/policy.ts";
import { describeProblem } from "../../internal/config/problem.ts";
import type { Policy } from "../../internal/values/policy.ts";
import { khz } from "../../internal/values/units.ts";
import { configFolder } from "./folder.ts";

function read(text: string, name = "policy.toml"): Policy {
  using folder = configFolder();
  const policy = readPolicyFile(folder.write(name, text));
  if (!policy.ok) throw new Error(policy.error.map(describeProblem).join("\n"));
  return policy.value;
}

/** Returns the problems, each without the file's folder. */
function problems(text: string, name = "policy.toml"): string[] {
  using folder = configFolder();
  const policy = readPolicyFile(folder.write(name, text));
  if (policy.ok) throw new Error(`accepted: ${JSON.stringify(policy.value)}`);
  return policy.error.map((problem) => describeProblem(problem).replace(`${folder.dir}/`, ""));
}

const TRAFFIC = 'macs = ["52:54:00:AA:bb:01"]\nmedium_pps = 1000\nmax_pps = 10000\n';

describe("readPolicyFile()", () => {
  test("reads a TIME policy with windows, days, zone, default and kHz", () => {
    const policy = read(`
type = "time"
timezone = "Europe/Berlin"
default = "min"
vcpus = "0-1,3"
turbo = true
busy_hours = [7]

[[windows]]
days = ["mon", "fri"]
from = "08:30"
to = "24:00"
level = 1800000

[[windows]]
from = "22:00"
to = "06:00"
level = "medium"
`);
    expect(policy).toMatchObject({ vcpus: [0, 1, 3], turbo: true });
    expect(policy.rule).toMatchObject({
      type: "time",
      timeZone: "Europe/Berlin",
      otherwise: "min",
      windows: [
        { days: [1, 5], from: 510, to: 1440, level: khz(1_800_000) },
        { days: [1, 2, 3, 4, 5, 6, 7], from: 1320, to: 360, level: "medium" },
        { from: 420, to: 480, level: "max" },
      ],
    });
  });

  test("refuses a time zone of more than 255 letters, without looking it up or repeating it", () => {
    const [problem, ...more] = problems(
      `type = "time"\nbusy_hours = [1]\ntimezone = "${"E".repeat(60_000)}"`,
    );
    expect(more).toEqual([]);
    expect(problem).toStartWith('policy.toml:3: timezone is "EEE');
    expect(problem).toEndWith('. Write a time zone of at most 255 letters, such as "Europe/Berlin".');
    expect(problem?.length).toBeLessThan(300);
  });

  test("takes the host's time zone when the file names none, and all vCPUs", () => {
    const policy = read('type = "time"\nquiet_hours = [2, 3]');
    expect(policy).toMatchObject({
      vcpus: "all",
      turbo: undefined,
      rule: { timeZone: undefined, otherwise: undefined },
    });
  });

  test("reads the other types with their defaults", () => {
    expect(read(`type = "traffic"\n${TRAFFIC}`).rule).toEqual({
      type: "traffic",
      traffic: {
        macs: ["52:54:00:aa:bb:01"],
        interfaces: [],
        mediumPps: 1000,
        maxPps: 10_000,
        fallPercent: 90,
      },
    });
    expect(read('type = "workload"\nworkload = "low"').rule).toEqual({ type: "workload", workload: "low" });
    expect(read('type = "branch-ratio"').rule).toEqual({
      type: "branch-ratio",
      threshold: 0.001,
      quietSamples: 32,
    });
    expect(read('type = "branch-ratio"\nthreshold_percent = 2.5\nquiet_samples = 5').rule).toMatchObject({
      threshold: 0.025,
      quietSamples: 5,
    });
  });

  test("reads JSON from a file named so", () => {
    expect(read('{"type": "workload", "workload": "high", "vcpus": [1, 1, 0]}', "p.json")).toMatchObject({
      vcpus: [1, 0],
    });
  });

  test.each([
    [
      'type = "tim"',
      ['policy.toml:1: type is "tim". Write one of "traffic", "time", "workload", "branch-ratio".'],
    ],
    ["", ["policy.toml: type is missing. Write it; the keys here are type, vcpus,"]],
    [
      'type = "time"\n\nwindos = []',
      ["policy.toml:3: windos is not a key that powermon knows. Did you mean windows?"],
    ],
    [
      'type = "time"\n[[windows]]\nfrom = "8:30"\nto = "17:00"\nlevel = "max"',
      ['windows.0.from is "8:30". Write hours and minutes as "HH:MM"'],
    ],
    ['type = "time"\n[[windows]]\nfrom = "24:00"\nto = "17:00"\nlevel = "max"', ["windows.0.from"]],
    ['type = "time"\n[[windows]]\nfrom = "08:00"\nto = "24:30"\nlevel = "max"', ["windows.0.to"]],
    [
      'type = "time"\n[[windows]]\nfrom = "08:00"\nto = "09:00"\nlevle = "max"',
      ["levle is not a key that powermon knows. Did you mean level?", "windows.0.level is missing"],
    ],
    [
      'type = "time"\n[[windows]]\nfrom = "08:00"\nto = "09:00"\nlevel = "turbo"',
      ['windows.0.level is "turbo". Write "min", "medium", "max", "traffic" or kHz'],
    ],
    [
      'type = "time"\n[[windows]]\ndays = ["monday"]\nfrom = "08:00"\nto = "09:00"\nlevel = "max"',
      ["windows.0.days.0"],
    ],
    ['type = "time"\ndefault = 5', ["policy.toml:2: default is 5"]],
    ['type = "time"\nbusy_hours = [24]', ["busy_hours.0 is 24"]],
    ['type = "time"', ["windows is missing"]],
    [
      'type = "time"\ntimezone = "Europe/Berlim"\ndefault = "min"',
      ['policy.toml:2: timezone is "Europe/Berlim", which is no time zone. Did you mean "Europe/Berlin"?'],
    ],
    [
      'type = "time"\ntraffic_hours = [9]',
      ["macs is missing", "medium_pps is missing", "max_pps is missing"],
    ],
    [
      'type = "workload"\nworkload = "low"\nmax_pps = 7',
      [
        'policy.toml:3: max_pps does not belong to a policy of type "workload". The keys of this type are workload.',
      ],
    ],
    ['type = "workload"', ["workload is missing"]],
    [
      'type = "traffic"\nmedium_pps = 1\nmax_pps = 2',
      ["macs is missing. Write the VM's MAC addresses, or its interfaces on the host."],
    ],
    ['type = "traffic"\ninterfaces = ["a/b"]\nmedium_pps = 1\nmax_pps = 2', ["interfaces.0"]],
    [
      `type = "traffic"\n${TRAFFIC.replace("1000\n", "20000\n")}`,
      ["policy.toml:3: medium_pps is 20000, above max_pps of 10000"],
    ],
    [`type = "traffic"\nmacs = ["52:54"]\nmedium_pps = 1\nmax_pps = 2`, ["macs.0"]],
    ['type = "branch-ratio"\nthreshold_percent = 0', ["threshold_percent is 0"]],
    [
      'type = "workload"\nworkload = "low"\nvcpus = "none"',
      ['vcpus is "none". Write "all", a list of vCPUs'],
    ],
    ['type = "workload"\nworkload = "low"\nvcpus = []', ["vcpus is []"]],
    ["type = ", ["policy.toml:1: Is not TOML"]],
  ])("says to %p what is wrong", (text, expected) => {
    const told = problems(text);
    for (const [at, part] of expected.entries()) expect(told[at]).toContain(part);
    expect(told).toHaveLength(expected.length);
  });

  test("tells of JSON that is none, or no object", () => {
    expect(problems("{", "p.json")[0]).toStartWith("p.json: Is not JSON");
    expect(problems("[]", "p.json")).toEqual(["p.json: Is not an object. Write one JSON object."]);
  });
});

describe("parsePolicy()", () => {
  test("judges what came as JSON from elsewhere", () => {
    expect(parsePolicy({ type: "workload", workload: "low" }).ok).toBe(true);
    const wrong = parsePolicy({ type: "workload", workload: "lo", toString: 1 });
    expect(wrong.ok ? [] : wrong.error.map(({ key }) => key)).toEqual(["workload", "toString"]);
  });
});
