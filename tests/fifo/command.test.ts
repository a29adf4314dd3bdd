// Every key and word of DPDK's JSON, and what is said to what is none.

import { describe, expect, test } from "bun:test";
import { parseFifoRequest } from "../../internal/fifo/command.ts";
import { levelAt } from "../rules/rules.ts";

const good = (text: string) => {
  const asked = parseFifoRequest(text, 7);
  if (!asked.ok) throw new Error(asked.error);
  return asked.value.command;
};
const rule = (text: string) => {
  const command = good(text);
  if (command.kind !== "policy") throw new Error(command.kind);
  return command.policy.rule;
};

describe("parseFifoRequest()", () => {
  test.each([
    ["SCALE_UP", "up"],
    ["SCALE_DOWN", "down"],
    ["SCALE_MAX", "max"],
    ["SCALE_MIN", "min"],
    ["ENABLE_TURBO", "turbo-on"],
    ["disable_turbo", "turbo-off"],
  ] as const)("reads unit %s", (unit, step) => {
    expect(good(`{"instruction": {"command": "power", "unit": "${unit}"}}`)).toEqual({ kind: "scale", step });
  });

  test("takes keys and words in upper case too", () => {
    expect(good('{"INSTRUCTION": {"COMMAND": "POWER", "UNIT": "scale_max"}}')).toEqual({
      kind: "scale",
      step: "max",
    });
  });

  test.each([
    ['{"command": "power", "unit": "SCALE_MIN", "resource_id": 7}', { kind: "scale", step: "min" }],
    ['{"name": "ubuntu", "command": "destroy"}', { kind: "policy-remove" }],
    [
      '{"policy_type": "WORKLOAD", "workload": "LOW", "COMMAND": "CREATE"}',
      { kind: "policy", policy: { rule: { type: "workload", workload: "low" } } },
    ],
  ] as const)(
    "takes keys without an instruction or a policy around them, as DPDK does: %s",
    (text, asked) => {
      expect(good(text)).toMatchObject(asked);
    },
  );

  test("reads a TIME policy on the host's clock", () => {
    const time = rule(
      '{"policy": {"command": "create", "policy_type": "TIME", "busy_hours": [17, 18, 17], "quiet_hours": [2, 3, 18]}}',
    );
    if (time.type !== "time") throw new Error(time.type);
    expect(time.timeZone).toBeUndefined();
    expect(["17:10", "18:59", "02:00", "12:00"].map((at) => levelAt(time, `2026-06-10T${at}:00Z`))).toEqual([
      "max",
      "max",
      "min",
      undefined,
    ]);
  });

  test("reads a TRAFFIC policy", () => {
    const text =
      '{"policy": {"command": "create", "policy_type": "TRAFFIC", "mac_list": ["DE:AD:be:ef:01:01"], "avg_packet_thresh": 100000, "max_packet_thresh": 500000}}';
    expect(rule(text)).toEqual({
      type: "traffic",
      traffic: {
        macs: ["de:ad:be:ef:01:01"],
        interfaces: [],
        mediumPps: 100_000,
        maxPps: 500_000,
        fallPercent: 90,
      },
    });
  });

  test("reads WORKLOAD, BRANCH_RATIO and destroy", () => {
    expect(
      rule('{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "MEDIUM"}}'),
    ).toEqual({ type: "workload", workload: "medium" });
    expect(rule('{"policy": {"command": "create", "policy_type": "BRANCH_RATIO"}}')).toMatchObject({
      type: "branch-ratio",
    });
    expect(good('{"policy": {"command": "destroy"}}')).toEqual({ kind: "policy-remove" });
    expect(good('{"policy": {"command": "destroy", "policy_type": "TIME"}}')).toEqual({
      kind: "policy-remove",
    });
  });

  // Source: DPDK doc/guides/sample_app_ug/vm_power_management.rst, JSON Interface Examples, on the FIFO of the core that each names.
  test.each([
    [
      11,
      `{"policy": {
   "name": "ubuntu",
   "command": "create",
   "policy_type": "TIME",
   "busy_hours":[ 17, 18, 19, 20, 21, 22, 23 ],
   "quiet_hours":[ 2, 3, 4, 5, 6 ],
   "core_list":[ 11 ]
   }}`,
      { kind: "policy", policy: { rule: { type: "time" } } },
    ],
    [
      3,
      `{"policy": {
   "name": "ubuntu",
   "command": "destroy",
   }}`,
      { kind: "policy-remove" },
    ],
    [
      10,
      `{"instruction": {
   "name": "ubuntu",
   "command": "power",
   "unit": "SCALE_MAX",
   "resource_id": 10
   }}`,
      { kind: "scale", step: "max" },
    ],
  ])(
    "takes the sample for CPU %i of DPDK's guide as it is, and passes its name over",
    (core, text, command) => {
      const asked = parseFifoRequest(text, core);
      expect(asked).toMatchObject({ ok: true, value: { command } });
      expect(asked.ok && asked.value.ignored).toBe(
        `Ignored "name": without meaning on the FIFO of CPU ${core}.`,
      );
    },
  );

  test.each([
    ['{"instruction": {"command": "power", "unit": "SCALE_MAX", "resource_id": 7}}', undefined],
    [
      '{"instruction": {"command": "power", "unit": "SCALE_MAX", "policy_type": "TIME", "busy_hours": [1]}}',
      'Ignored "policy_type", "busy_hours": ',
    ],
    ['{"policy": {"command": "destroy", "policy_type": "TIME"}}', 'Ignored "policy_type": '],
    [
      '{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "LOW", "unit": "SCALE_MAX"}}',
      'Ignored "unit": ',
    ],
    [
      '{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "LOW", "core_list": [7, 8, 9]}}',
      'Ignored CPU 8, 9 of "core_list": ',
    ],
  ])("says of %s what it passed over", (text, ignored) => {
    const asked = parseFifoRequest(text, 7);
    if (!asked.ok) throw new Error(asked.error);
    if (ignored === undefined) expect(asked.value.ignored).toBeUndefined();
    else expect(asked.value.ignored).toStartWith(ignored);
  });

  test("takes the threshold of --core-branch-ratio, in per cent as there", () => {
    expect(
      rule('{"policy": {"command": "create", "policy_type": "BRANCH_RATIO", "branch_ratio": 0.01}}'),
    ).toMatchObject({ threshold: 0.0001, quietSamples: 32 });
  });

  test("leaves commas in texts alone", () => {
    const text = '{"policy": {"command": "destroy", "name": "a,] \\",} b"}}';
    expect(good(text)).toEqual({ kind: "policy-remove" });
  });

  const policy = (more: string) => `{"policy": {"command": "create", ${more}}}`;
  test.each([
    ["{", "Not JSON"],
    ["[]", "The object is []"],
    ["{}", 'one of "instruction" and "policy"'],
    [
      '{"policy": {"command": "destroy"}, "instruction": {"command": "power", "unit": "SCALE_UP"}}',
      'one of "instruction" and "policy"',
    ],
    ['{"instruktion": {}}', 'Unknown key "instruktion": did you mean "instruction"?'],
    ['{"command": "power"}', '"unit" is missing; it may be SCALE_UP'],
    ['{"unit": "SCALE_UP"}', '"command" is missing; it may be POWER, CREATE, DESTROY.'],
    ['{"command": "power", "unit": "SCALE_UP", "core": 7}', 'Unknown key "core"'],
    ['{"command": "power", "unit": "SCALE_UP", "resource_id": 3}', '"resource_id" is 3'],
    ['{"command": "destroy", "policy": {"command": "destroy"}}', 'Unknown key "command"'],
    ['[{"command": "destroy"}]', "it must be an object"],
    ['{"instruction": 5}', '"instruction" is 5; it must be an object.'],
    ['{"instruction": {"command": "power"}}', '"unit" is missing; it may be SCALE_UP'],
    ['{"instruction": {"command": "create", "unit": "SCALE_UP"}}', '"command" is "create"; it may be POWER.'],
    ['{"instruction": {"command": "power", "unit": "toString"}}', '"unit" is "toString"'],
    [
      '{"instruction": {"command": "power", "unit": "SCALE_UP", "resource_id": 3}}',
      '"resource_id" is 3, and this FIFO drives CPU 7 alone; write to fifo3, or leave the key out.',
    ],
    [
      '{"instruction": {"command": "power", "unit": "SCALE_UP", "resource_id": "7"}}',
      '"resource_id" is "7"; it must be a CPU number',
    ],
    [
      '{"instruction": {"command": "power", "unit": "SCALE_UP", "core": 7}}',
      'Unknown key "core" in an instruction',
    ],
    [
      '{"policy": {"command": "destroy", "core_list": [8, 9]}}',
      '"core_list" is [8,9], and this FIFO drives CPU 7',
    ],
    [
      '{"policy": {"command": "destroy", "core_list": []}}',
      '"core_list" is []; it must be a list of CPU numbers',
    ],
    ['{"policy": {"command": "destroy", "name": 5}}', '"name" is 5; it must be a text'],
    ['{"policy": {"command": "destroy",,}}', "Not JSON"],
    ['{"policy": {"command": "destroy",} "x"}', "Not JSON"],
    [
      policy('"policy_type": "BRANCH_RATIO", "branch_ratio": 0'),
      '"branch_ratio" is 0; it must be a percentage',
    ],
    [policy('"policy_type": "BRANCH_RATIO", "branch_ratio": 101'), '"branch_ratio" is 101'],
    [
      policy('"policy_type": "TIMES"'),
      '"policy_type" is "TIMES"; it may be TIME, TRAFFIC, WORKLOAD, BRANCH_RATIO.',
    ],
    [policy('"policy_type": "TIME"'), "type time needs busy_hours or quiet_hours"],
    [policy('"policy_type": "TIME", "busy_hours": [24]'), '"busy_hours"[0] is 24'],
    [policy('"policy_type": "TIME", "busy_hours": 7'), '"busy_hours" is 7'],
    [
      policy('"policy_type": "TIME", "busy_hour": [7]'),
      'Unknown key "busy_hour" in a policy: did you mean "busy_hours"?',
    ],
    [policy(`"policy_type": "TIME", "busy_hours": [${Array(25).fill(1).join()}]`), "at most 24"],
    [policy('"policy_type": "WORKLOAD"'), '"workload" is missing; it may be HIGH, MEDIUM, LOW.'],
    [
      policy('"policy_type": "TRAFFIC", "avg_packet_thresh": 1, "max_packet_thresh": 2'),
      "type traffic needs mac_list",
    ],
    [
      policy(
        '"policy_type": "TRAFFIC", "mac_list": ["52:54"], "avg_packet_thresh": 1, "max_packet_thresh": 2',
      ),
      '"mac_list"[0] is "52:54"',
    ],
    [
      policy(
        '"policy_type": "TRAFFIC", "mac_list": ["de:ad:be:ef:01:01"], "avg_packet_thresh": -1, "max_packet_thresh": 2',
      ),
      '"avg_packet_thresh" is -1',
    ],
    [
      policy(
        '"policy_type": "TRAFFIC", "mac_list": ["de:ad:be:ef:01:01"], "avg_packet_thresh": 1, "max_packet_thresh": 5e29',
      ),
      '"max_packet_thresh" is 5e+29',
    ],
    ['{"__proto__": {"command": "power"}}', "Unknown key"],
    ['{"toString": {"command": "power"}}', "Unknown key"],
    [policy('"workload": "HIGH"'), '"policy_type" is missing; it may be TIME'],
    ['{"policy": {"command": "destroy", "quiet_hours": [7.5]}}', '"quiet_hours"[0] is 7.5'],
    [policy(`"policy_type": "TIME", "mac_list": ["${"a".repeat(99)}"]`), `"${"a".repeat(59)}...; it must be`],
  ])("says to %p that %p", (text, why) => {
    const command = parseFifoRequest(text, 7);
    expect(command.ok).toBe(false);
    expect(command.ok ? "" : command.error).toContain(why);
  });

  test("returns for whatever a hostile writer mixes", () => {
    const parts = [
      '{"policy":',
      '{"instruction":',
      "{",
      "}",
      '"command":"create",',
      '"policy_type":"TIME",',
      '"busy_hours":',
      "[1]",
      "null",
      "1e999",
      '"unit":{}',
      '"\\ud800":[]',
      ",",
    ];
    let refused = 0;
    for (let seed = 1; seed < 3000; seed++) {
      let text = "";
      for (let n = seed, i = 0; i < 7; i++, n = (n * 48_271 + i) % 2_147_483_647)
        text += parts[n % parts.length];
      if (!parseFifoRequest(text, 7).ok) refused++;
    }
    expect(refused).toBe(2999);
  });
});
