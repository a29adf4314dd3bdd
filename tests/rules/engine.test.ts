// The engine against notes and a hand-turned clock: who is in force, what is wished, which timers run.

import { describe, expect, test } from "bun:test";
import { BRANCHES_MS, LOOK_MS, POLICIES, RETRY_MS, TRAFFIC_MS } from "../../internal/rules/engine.ts";
import { khz } from "../../internal/values/units.ts";
import { span, timeRule, TRAFFIC } from "./rules.ts";
import { makeWorld, policy, workload } from "./policy-world.ts";

const MAC = "52:54:00:00:00:01";
const FOLLOW = policy({ type: "traffic", traffic: { ...TRAFFIC, interfaces: [], macs: [MAC] } });
const DAY = policy(
  timeRule("UTC", [span("08:00", "17:00", "max"), span("17:00", "20:00", khz(1_800_000))], "min"),
);
const BRANCHY = policy({ type: "branch-ratio", threshold: 0.001, quietSamples: 3 });
const BROKEN = { kind: "sysfs", op: "write", path: "scaling_setspeed", code: "EBUSY" } as const;

describe("PolicyEngine.set()", () => {
  test("wishes for every vCPU before it returns, and sets no timer for WORKLOAD", () => {
    const { engine, host, clock } = makeWorld();
    expect(engine.set({ vm: "vm0" }, "guest", workload("high"))).toEqual({ ok: true, value: undefined });
    expect(host.take()).toEqual(["vm0/0 guest max", "vm0/1 guest max"]);
    expect(clock.waits).toEqual([]);
  });

  test("wishes only for the vCPUs named, with the leave for turbo", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", { ...workload("medium", [1]), turbo: true });
    expect(host.take()).toEqual(["vm0/1 guest medium turbo"]);
  });

  test("replaces the policy before it: new wishes, and none left for a vCPU that it does not name", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", workload("high"));
    host.take();
    engine.set({ vm: "vm0" }, "guest", workload("low", [0]));
    expect(host.take()).toEqual(["vm0/0 guest min", "vm0/1 guest withdrawn"]);
    expect([...engine.list()]).toHaveLength(1);
  });

  test("does not repeat a wish that stands already", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", workload("high"));
    host.take();
    engine.set({ vm: "vm0" }, "guest", DAY);
    expect(host.take()).toEqual([]);
    expect(host.standing.size).toBe(2);
  });

  test("refuses a vCPU that the VM does not have, and the policy before it stands", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", workload("high"));
    host.take();
    const refused = engine.set({ vm: "vm0" }, "guest", workload("low", [0, 7]));
    expect(refused).toMatchObject({ ok: false, error: { kind: "no-such-vcpu", vcpu: 7, count: 2 } });
    expect(host.take()).toEqual([]);
    expect([...engine.list()][0]?.policy).toEqual(workload("high"));
  });

  test("refuses a policy that names no vCPU", () => {
    const { engine } = makeWorld();
    expect(engine.set({ vm: "vm0" }, "guest", workload("low", []))).toMatchObject({
      error: { kind: "policy-lacks", lacks: "vcpus" },
    });
  });

  test("refuses a MAC that is nowhere", () => {
    const { engine, clock } = makeWorld();
    expect(engine.set({ vm: "vm0" }, "guest", FOLLOW)).toMatchObject({
      ok: false,
      error: { kind: "mac-nowhere", mac: MAC },
    });
    expect([...engine.list()]).toEqual([]);
    expect(clock.waits).toEqual([]);
  });

  test("refuses BRANCH_RATIO where branches can't be counted, and closes what it had opened", () => {
    const { engine, host } = makeWorld();
    host.branchCounts.set("vm0/0", { branches: 0, misses: 0 });
    expect(engine.set({ vm: "vm0" }, "operator", BRANCHY)).toMatchObject({
      error: { kind: "no-branch-counters", vcpu: 1 },
    });
    expect(host.openCounters).toBe(0);
  });

  test("fails when the kernel does, and the policy before it is applied again", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", workload("high", [0]));
    host.take();
    host.broken = BROKEN;
    const failed = engine.set({ vm: "vm0" }, "guest", workload("low"));
    expect(failed).toEqual({ ok: false, error: BROKEN });
    host.broken = undefined;
    expect([...engine.list()][0]?.policy).toEqual(workload("high", [0]));
    engine.vmChanged("vm0");
    expect(host.standing).toEqual(new Map([["vm0/0 guest", { level: "max", turbo: false }]]));
  });

  test("holds a lasting policy for a VM that is not there, and applies it when it comes", () => {
    const { engine, host, clock } = makeWorld();
    expect(engine.set({ vm: "vm9" }, "operator", workload("low"), undefined, true).ok).toBe(true);
    expect(host.take()).toEqual([]);
    expect(clock.waits).toEqual([]);
    host.vms.set("vm9", [0]);
    engine.vmChanged("vm9");
    expect(host.take()).toEqual(["vm9/0 operator min"]);
    host.vms.delete("vm9");
    engine.vmChanged("vm9");
    expect(host.take()).toEqual(["vm9/0 operator withdrawn"]);
  });

  test("keeps a lasting policy that can't be applied yet, tells why, and tries again", () => {
    const { engine, host, clock } = makeWorld();
    expect(engine.set({ vm: "vm0" }, "operator", FOLLOW, undefined, true).ok).toBe(true);
    expect([...engine.list()][0]?.problem).toMatchObject({ kind: "mac-nowhere" });
    host.packets.set(MAC, 0);
    clock.pass(RETRY_MS);
    expect([...engine.list()][0]?.problem).toBeUndefined();
    clock.pass(TRAFFIC_MS * 2);
    expect(host.standing.get("vm0/0 operator")?.level).toBe("min");
  });
});

describe("PolicyEngine: operator before guest", () => {
  test("an operator's policy takes a guest's place, and gives it back", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "guest", workload("high", [0]));
    host.take();
    engine.set({ vm: "vm0" }, "operator", workload("low", [0]));
    expect(host.take()).toEqual(["vm0/0 operator min", "vm0/0 guest withdrawn"]);
    expect([...engine.list()].map(({ origin, inForce }) => [origin, inForce])).toEqual([
      ["operator", true],
      ["guest", false],
    ]);
    expect(engine.remove({ vm: "vm0" }, "operator")).toBe(true);
    expect(host.take()).toEqual(["vm0/0 guest max", "vm0/0 operator withdrawn"]);
  });

  test("a guest's policy waits behind an operator's, and is not even counted for", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 0);
    engine.set({ vm: "vm0" }, "operator", workload("low"));
    host.take();
    expect(engine.set({ vm: "vm0" }, "guest", FOLLOW).ok).toBe(true);
    expect([host.take(), clock.waits, host.openCounters]).toEqual([[], [], 0]);
    engine.remove({ vm: "vm0" }, "guest");
    expect(host.take()).toEqual([]);
  });

  test("policies of different VMs don't meet", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "operator", workload("low", [0]));
    engine.set({ vm: "vm1" }, "guest", workload("high", [0]));
    expect(engine.remove({ vm: "vm0" }, "guest")).toBe(false);
    engine.remove({ vm: "vm0" }, "operator");
    expect([...host.standing.keys()]).toEqual(["vm1/0 guest"]);
  });
});

describe("PolicyEngine.removeOwner()", () => {
  test("removes what the owner gave, wherever, and nothing else", () => {
    const { engine, host } = makeWorld();
    const [channel, other] = [{}, {}];
    engine.set({ vm: "vm0" }, "guest", workload("high"), channel);
    engine.set({ vm: "vm1" }, "guest", workload("high"), other);
    engine.set({ vm: "vm1" }, "operator", workload("low"));
    engine.removeOwner(channel);
    expect([...engine.list()].map(({ vm, origin }) => `${vm} ${origin}`)).toEqual([
      "vm1 operator",
      "vm1 guest",
    ]);
    expect([...host.standing.keys()]).toEqual(["vm1/0 operator", "vm1/1 operator"]);
  });
});

describe("PolicyEngine: TIME", () => {
  test("acts at each boundary, and sleeps a minute at most", () => {
    const { engine, host, clock } = makeWorld("2026-06-10T16:58:30Z");
    engine.set({ vm: "vm0" }, "operator", policy(DAY.rule, [0]));
    expect(host.take()).toEqual(["vm0/0 operator max"]);
    expect(clock.waits).toEqual([LOOK_MS]);
    clock.pass(90_000 - 1);
    expect(host.take()).toEqual([]);
    clock.pass(1);
    expect(host.take()).toEqual(["vm0/0 operator 1800000"]);
    clock.pass(3 * 3_600_000);
    expect(host.take()).toEqual(["vm0/0 operator min"]);
    clock.pass(12 * 3_600_000);
    expect(host.take()).toEqual(["vm0/0 operator max"]);
  });

  test("needs one timer for all VMs", () => {
    const { engine, clock } = makeWorld("2026-06-10T16:59:50Z");
    engine.set({ vm: "vm0" }, "operator", DAY);
    engine.set({ vm: "vm1" }, "guest", policy(timeRule("UTC", [span("16:59", "18:00", "max")])));
    expect(clock.waits).toEqual([10_000]);
  });

  test.each([
    ["forward", "2026-06-10T18:00:00Z", "vm0/0 operator 1800000"],
    ["back", "2026-06-10T07:00:00Z", "vm0/0 operator min"],
  ])("follows a clock that is set %s within a minute", (_way, iso, wish) => {
    const { engine, host, clock } = makeWorld("2026-06-10T12:00:00Z");
    engine.set({ vm: "vm0" }, "operator", policy(DAY.rule, [0]));
    host.take();
    clock.set(iso);
    clock.pass(LOOK_MS);
    expect(host.take()).toEqual([wish]);
  });

  test("looks at once when it is told that the clock changed", () => {
    const { engine, host, clock } = makeWorld("2026-06-10T12:00:00Z");
    engine.set({ vm: "vm0" }, "operator", policy(DAY.rule, [0]));
    host.take();
    clock.set("2026-06-10T23:00:00Z");
    engine.clockChanged();
    expect(host.take()).toEqual(["vm0/0 operator min"]);
    expect(clock.waits).toHaveLength(1);
  });

  test("follows traffic in a traffic window only", () => {
    const { engine, host, clock } = makeWorld("2026-06-10T09:59:58Z");
    host.packets.set(MAC, 0);
    const rule = {
      ...timeRule("UTC", [span("10:00", "10:01", "traffic")], "min"),
      traffic: { ...TRAFFIC, macs: [MAC] },
    };
    engine.set({ vm: "vm0" }, "guest", policy(rule, [0]));
    clock.pass(1999);
    expect([host.take(), host.reads]).toEqual([["vm0/0 guest min"], 0]);
    for (let i = 0; i < 4; i++) {
      clock.pass(1000);
      host.packets.set(MAC, (host.packets.get(MAC) ?? 0) + 20_000);
    }
    expect(host.take()).toEqual(["vm0/0 guest max"]);
    clock.pass(60_000);
    expect(host.take()).toEqual(["vm0/0 guest min"]);
    const { reads } = host;
    clock.pass(60_000);
    expect(host.reads).toBe(reads);
    expect(clock.waits).toHaveLength(1);
  });
});

describe("PolicyEngine: a TIME policy whose MAC nobody has", () => {
  const rule = {
    ...timeRule("UTC", [span("10:00", "10:01", "traffic"), span("11:00", "12:00", "max")], "min"),
    traffic: { ...TRAFFIC, macs: [MAC] },
  };

  test("keeps its other hours, says what it lacks once, and follows traffic when the interface appears", () => {
    const { engine, host, clock } = makeWorld("2026-06-10T09:59:50Z");
    const problem = () => [...engine.list()][0]?.problem;
    expect(engine.set({ vm: "vm0" }, "guest", policy(rule, [0]))).toEqual({ ok: true, value: undefined });
    expect([host.take(), problem()]).toMatchObject([["vm0/0 guest min"], { kind: "mac-nowhere", mac: MAC }]);
    clock.pass(4 * RETRY_MS);
    expect(problem()).toMatchObject({ kind: "mac-nowhere" });
    expect(host.problems).toHaveLength(1);
    expect(host.take()).toEqual([]);
    host.packets.set(MAC, 0);
    clock.pass(RETRY_MS + TRAFFIC_MS);
    host.packets.set(MAC, 1_000_000);
    clock.pass(TRAFFIC_MS);
    expect([host.take(), problem()]).toEqual([["vm0/0 guest max"], undefined]);
    clock.pass(60_000);
    expect(host.take()).toEqual(["vm0/0 guest min"]);
    engine.close();
    expect(host.openCounters).toBe(0);
  });

  test("comes into its busy hours without it, behind an operator's policy too", () => {
    const { engine, host, clock } = makeWorld("2026-06-10T10:59:50Z");
    engine.set({ vm: "vm0" }, "operator", workload("low"));
    expect(engine.set({ vm: "vm0" }, "guest", policy(rule, [0])).ok).toBe(true);
    engine.remove({ vm: "vm0" }, "operator");
    expect([...engine.list()][0]?.problem).toMatchObject({ kind: "mac-nowhere" });
    host.take();
    clock.pass(10_000);
    expect(host.take()).toEqual(["vm0/0 guest max"]);
  });

  test("is refused all the same for what is no MAC: a vCPU that is not there, a write that fails", () => {
    const { engine, host } = makeWorld();
    expect(engine.set({ vm: "vm0" }, "guest", policy(rule, [7]))).toMatchObject({
      error: { kind: "no-such-vcpu" },
    });
    host.broken = BROKEN;
    expect(engine.set({ vm: "vm0" }, "guest", policy(rule, [0]))).toEqual({ ok: false, error: BROKEN });
    expect([...engine.list()]).toEqual([]);
  });
});

describe("PolicyEngine: TRAFFIC", () => {
  test("follows the rate, with hysteresis, and holds while it stays", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 1_000_000);
    engine.set({ vm: "vm0" }, "guest", policy(FOLLOW.rule, [0]));
    const second = (packets: number) => {
      host.packets.set(MAC, (host.packets.get(MAC) ?? 0) + packets);
      clock.pass(TRAFFIC_MS);
      return host.take();
    };
    expect(second(0)).toEqual([]); // the first count says nothing yet
    expect(second(500)).toEqual(["vm0/0 guest min"]);
    expect(second(1000)).toEqual(["vm0/0 guest medium"]);
    expect(second(10_000)).toEqual(["vm0/0 guest max"]);
    expect(second(9100)).toEqual([]);
    expect(second(8900)).toEqual(["vm0/0 guest medium"]);
    expect(second(950)).toEqual([]);
    expect(second(0)).toEqual(["vm0/0 guest min"]);
    expect([...engine.list()][0]?.pps).toBe(0);
  });

  test("stops to count with the last policy that needs it", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 0);
    engine.set({ vm: "vm0" }, "guest", FOLLOW);
    engine.set({ vm: "vm1" }, "guest", FOLLOW);
    expect(clock.waits).toEqual([TRAFFIC_MS]);
    engine.remove({ vm: "vm0" }, "guest");
    expect(clock.waits).toEqual([TRAFFIC_MS]);
    engine.remove({ vm: "vm1" }, "guest");
    expect([clock.waits, host.openCounters]).toEqual([[], 0]);
  });

  test("says nothing of a counter that went back, as when a tap is made anew", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 1_000_000);
    engine.set({ vm: "vm0" }, "guest", policy(FOLLOW.rule, [0]));
    clock.pass(TRAFFIC_MS);
    host.packets.set(MAC, 10);
    clock.pass(TRAFFIC_MS);
    expect(host.take()).toEqual([]);
    clock.pass(TRAFFIC_MS);
    expect(host.take()).toEqual(["vm0/0 guest min"]);
  });

  test("keeps its wish while the interface is away, and goes on when it is back", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 0);
    engine.set({ vm: "vm0" }, "guest", policy(FOLLOW.rule, [0]));
    clock.pass(2 * TRAFFIC_MS);
    host.take();
    host.packets.delete(MAC);
    clock.pass(TRAFFIC_MS);
    expect(host.problems).toMatchObject([{ kind: "sysfs", code: "ENODEV" }]);
    clock.pass(RETRY_MS);
    expect([...engine.list()][0]?.problem).toMatchObject({ kind: "mac-nowhere" });
    expect(host.take()).toEqual([]);
    host.packets.set(MAC, 0);
    clock.pass(RETRY_MS + TRAFFIC_MS);
    host.packets.set(MAC, 1_000_000);
    clock.pass(TRAFFIC_MS);
    expect(host.take()).toEqual(["vm0/0 guest max"]);
    expect([...engine.list()][0]?.problem).toBeUndefined();
  });
});

describe("PolicyEngine: BRANCH_RATIO", () => {
  test("judges each vCPU by its own pCPU, ten times a second", () => {
    const { engine, host, clock } = makeWorld();
    const count = (key: string, branches: number, misses: number) => {
      const before = host.branchCounts.get(key) ?? { branches: 0, misses: 0 };
      host.branchCounts.set(key, { branches: before.branches + branches, misses: before.misses + misses });
    };
    count("vm0/0", 0, 0);
    count("vm0/1", 0, 0);
    engine.set({ vm: "vm0" }, "guest", BRANCHY);
    clock.pass(BRANCHES_MS);
    const tenth = (busy0: boolean, busy1: boolean) => {
      count("vm0/0", 1e6, busy0 ? 5000 : 10);
      count("vm0/1", 1e6, busy1 ? 5000 : 10);
      clock.pass(BRANCHES_MS);
      return host.take();
    };
    expect(tenth(true, false)).toEqual(["vm0/0 guest max"]);
    expect(tenth(true, false)).toEqual([]);
    expect(tenth(true, false)).toEqual(["vm0/1 guest min"]);
    expect(tenth(false, true)).toEqual(["vm0/1 guest max"]);
    expect([tenth(false, true), tenth(false, true)]).toEqual([[], ["vm0/0 guest min"]]);
  });
});

describe("PolicyEngine: a guest that sets policies all the time", () => {
  test("is refused past its rate, and what stands stays; an operator and other guests are not", () => {
    const { engine, host, clock } = makeWorld();
    for (let n = 0; n < POLICIES.burst; n++) {
      expect(engine.set({ vm: "vm0" }, "guest", workload("high")).ok).toBe(true);
    }
    host.take();
    expect(engine.set({ vm: "vm0" }, "guest", workload("low"))).toEqual({
      ok: false,
      error: { kind: "rate", vm: "vm0", perSecond: POLICIES.perSecond, of: "policies" },
    });
    expect(host.take()).toEqual([]);
    expect(engine.set({ vm: "vm1" }, "guest", workload("low")).ok).toBe(true);
    expect(engine.set({ vm: "vm0" }, "operator", workload("low")).ok).toBe(true);
    clock.pass(1000 / POLICIES.perSecond);
    expect(engine.set({ vm: "vm0" }, "guest", workload("low")).ok).toBe(true);
    expect(engine.set({ vm: "vm0" }, "guest", workload("low")).ok).toBe(false);
  });
});

describe("PolicyEngine: failures", () => {
  test("asks a kernel that said no again after a while, not at each sample", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 0);
    engine.set({ vm: "vm0" }, "guest", policy(FOLLOW.rule, [0]));
    host.broken = BROKEN;
    clock.pass(4 * TRAFFIC_MS);
    expect(host.problems).toEqual([BROKEN]);
    host.broken = undefined;
    clock.pass(RETRY_MS + TRAFFIC_MS);
    expect(host.take()).toEqual(["vm0/0 guest min"]);
    expect(clock.waits).toEqual([TRAFFIC_MS]);
  });
});

describe("PolicyEngine.vmChanged()", () => {
  test("makes the wishes again, for the vCPUs that the VM has now", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "operator", workload("high"));
    host.take();
    host.vms.set("vm0", [0, 1, 2]);
    engine.vmChanged("vm0");
    expect(host.take()).toEqual(["vm0/0 operator max", "vm0/1 operator max", "vm0/2 operator max"]);
    host.vms.set("vm0", [0]);
    engine.vmChanged("vm0");
    expect(host.take()).toEqual([
      "vm0/0 operator max",
      "vm0/1 operator withdrawn",
      "vm0/2 operator withdrawn",
    ]);
  });

  test("keeps a wish that a policy outside of its hours leaves as it is", () => {
    const { engine, host } = makeWorld();
    engine.set({ vm: "vm0" }, "operator", workload("high", [0]));
    engine.set({ vm: "vm0" }, "operator", policy(timeRule("UTC", [span("01:00", "02:00", "min")]), [0]));
    host.take();
    engine.vmChanged("vm0");
    expect(host.take()).toEqual(["vm0/0 operator max"]);
  });
});

describe("PolicyEngine.close()", () => {
  test("takes everything back and leaves no timer", () => {
    const { engine, host, clock } = makeWorld();
    host.packets.set(MAC, 0);
    engine.set({ vm: "vm0" }, "guest", FOLLOW);
    engine.set({ vm: "vm1" }, "operator", DAY);
    engine.close();
    expect([host.standing.size, clock.waits, host.openCounters, [...engine.list()]]).toEqual([0, [], 0, []]);
  });
});
