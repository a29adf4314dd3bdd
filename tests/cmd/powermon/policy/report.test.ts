import { expect, test } from "bun:test";
import { showPolicies } from "../../../../cmd/powermon/policy/report.ts";

test("showPolicies() tells what a policy waits for, what it counted and what it lacks", () => {
  const shown = showPolicies([
    {
      vm: "vm1",
      origin: "guest",
      type: "traffic",
      inForce: false,
      vcpus: [0, 1],
      turbo: true,
      wishes: [
        { vcpu: 0, level: "min" },
        { vcpu: 2, level: 1_800_000 },
      ],
      dueAt: "2026-01-02T03:04:00.000Z",
      pps: 1234.4,
      problem: "nothing counts yet",
      rule: { type: "traffic" },
    },
  ]);
  expect(shown).toBe(`vm1: traffic policy of the guest, behind operator's
vCPUs      0-1
turbo      max may be turbo
wishes     0 min, 2 1800000
looks at   2026-01-02T03:04:00.000Z
packets/s  1234
problem    nothing counts yet
rule       {"type":"traffic"}`);
});
