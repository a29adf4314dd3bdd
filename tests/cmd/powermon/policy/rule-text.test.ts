// A rule in words says what the rule says, for each type.

import { expect, test } from "bun:test";
import { ruleText } from "../../../../cmd/powermon/policy/rule-text.ts";
import { parsePolicy } from "../../../../internal/config/policy.ts";

test.each([
  [{ type: "workload", workload: "low" }, "always min"],
  [
    { type: "time", timezone: "Europe/Berlin", windows: [{ from: "22:00", to: "06:30", level: "min" }] },
    "22:00 to 06:30 min, at other times as it is (Europe/Berlin)",
  ],
  [
    {
      type: "time",
      windows: [
        { days: ["mon", "tue", "wed", "fri"], from: "08:00", to: "18:00", level: 1_800_000 },
        { days: ["sun"], from: "00:00", to: "24:00", level: "max" },
      ],
      default: "medium",
    },
    "Mon-Wed,Fri 08:00 to 18:00 1800000, Sun 00:00 to 24:00 max, at other times medium (the host's time)",
  ],
])("ruleText() of %j", (written, words) => {
  const policy = parsePolicy(written, "p.json", "");
  expect(policy.ok && ruleText(policy.value.rule)).toBe(words);
});

test("ruleText() tells rates, interfaces and branches, and a type of a newer powermon as it came", () => {
  const traffic = { macs: [], interfaces: ["tap0"], mediumPps: 1000, maxPps: 5000, fallPercent: 80 };
  expect(ruleText({ type: "traffic", traffic })).toBe(
    "medium from 1000 packets/s on tap0, max from 5000, back below 80 % of these",
  );
  expect(ruleText({ type: "branch-ratio", threshold: 0.001, quietSamples: 32 })).toBe(
    "max when more than 0.1 % of branches miss, min after 32 samples that don't",
  );
  expect(ruleText({ type: "weather", rain: true })).toBe('{"type":"weather","rain":true}');
});
