// Every key and word of DPDK's JSON, and what is said to what is none.

import { describe, expect, test } from "bun:test";
import { parseFifoCommand } from "../../internal/fifo/command.ts";
import { levelAt } from "../rules/rules.ts";

const good = (text: string) => {
  const command = parseFifoCommand(text);
  if (!command.ok) throw new Error(command.error);
  return command.value;
};
const rule = (text: string) => {
  const command = good(text);
  if (command.kind !== "policy") throw new Error(command.kind);
  return command.policy.rule;
};

describe("parseFifoCommand()", () => {
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
    ['{"instruction": 5}', '"instruction" is 5; it must be an object.'],
    ['{"instruction": {"command": "power"}}', '"unit" is missing; it may be SCALE_UP'],
    ['{"instruction": {"command": "create", "unit": "SCALE_UP"}}', '"command" is "create"; it may be POWER.'],
    ['{"instruction": {"command": "power", "unit": "toString"}}', '"unit" is "toString"'],
    [
      '{"instruction": {"command": "power", "unit": "SCALE_UP", "resource_id": 3}}',
      'Unknown key "resource_id" in an instruction',
    ],
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
    const command = parseFifoCommand(text);
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
      if (!parseFifoCommand(text).ok) refused++;
    }
    expect(refused).toBe(2999);
  });
});
