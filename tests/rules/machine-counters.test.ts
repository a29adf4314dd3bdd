// The machine's counters behind the engine: real packets in a namespace move a fixture's frequency; recorded branches move another.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { OpenBranches } from "../../internal/rules/branch-counters.ts";
import { MachineCounters } from "../../internal/rules/machine-counters.ts";
import { SYSTEM_CLOCK } from "../../internal/rules/desk.ts";
import { PolicyEngine } from "../../internal/rules/engine.ts";
import type { TrafficRule } from "../../internal/values/policy.ts";
import { placeLevel } from "../../internal/rules/level.ts";
import { err, ok } from "../../internal/values/result.ts";
import { type Pcpu, pcpu } from "../../internal/values/units.ts";
import { VfViews } from "../../internal/rules/vf-counters.ts";
import { until } from "../helpers/until.ts";
import { makeNetns, type Netns, netnsLacks, sendPackets } from "../helpers/netns.ts";
import { domain, error, machine, value } from "../sysfs/machine.ts";
import { policy, TestClock, TestHost } from "./policy-world.ts";

const LACKS = netnsLacks();
const GUEST = "52:54:00:aa:bb:01";
const rule = (more: Partial<TrafficRule>): TrafficRule => ({
  macs: [],
  interfaces: [],
  mediumPps: 500,
  maxPps: 5000,
  fallPercent: 90,
  ...more,
});
const nowhere = () => err({ kind: "not-pinned", vm: "vm0", vcpu: 0, why: "not asked" } as const);

describe.skipIf(LACKS !== undefined)(
  `MachineCounters.traffic() on real interfaces${LACKS === undefined ? "" : ` (${LACKS})`}`,
  () => {
    let netns: Netns;
    let guest: Netns;

    beforeAll(async () => {
      netns = await makeNetns();
      guest = await makeNetns();
      await netns.run(`
      ip link add br0 type bridge; ip link set br0 up; ip addr add 10.77.0.1/24 dev br0
      ip link add vhost type veth peer name vguest address ${GUEST}
      ip link set vhost master br0; ip link set vhost up
      ip tuntap add dev vnet0 mode tap; ip link set vnet0 address fe:54:00:aa:bb:02
      ip link set vguest netns ${guest.pid}
    `);
      await guest.run("ip addr add 10.77.0.2/24 dev vguest; ip link set vguest up");
      await guest.run(sendPackets("10.77.0.1", 1));
    });
    afterAll(async () => {
      for (const one of [netns, guest]) await one.close();
    });

    test("refuses what is nowhere, and a rule that names nothing", () => {
      const counters = new MachineCounters(netns.sys, nowhere, SYSTEM_CLOCK);
      expect(error(counters.traffic({ vm: "vm0" }, rule({})))).toEqual({
        kind: "policy-lacks",
        vm: "vm0",
        lacks: "macs",
      });
      expect(error(counters.traffic({ vm: "vm0" }, rule({ interfaces: ["eth9"] })))).toEqual({
        kind: "no-interface",
        vm: "vm0",
        name: "eth9",
      });
      expect(error(counters.traffic({ vm: "vm0" }, rule({ macs: ["52:54:00:00:00:99"] })))).toEqual({
        kind: "mac-nowhere",
        vm: "vm0",
        mac: "52:54:00:00:00:99",
      });
    });

    test("counts an interface once, however it is named", async () => {
      const counters = new MachineCounters(netns.sys, nowhere, SYSTEM_CLOCK);
      const once = value(counters.traffic({ vm: "vm0" }, rule({ macs: [GUEST] })));
      const twice = value(
        counters.traffic(
          { vm: "vm0" },
          rule({ macs: [GUEST, GUEST, "52:54:00:aa:bb:02"], interfaces: ["vhost"] }),
        ),
      );
      expect(value(twice.read())).toBe(value(once.read()) ?? -1);
      once.close();
      twice.close();
    });

    test("the frequency of a fixture follows the packets that a guest receives", async () => {
      const fixture = machine("acpi-cpufreq-4cpu-independent");
      const target = domain(fixture.open(), 0);
      const { table } = target;
      class Host extends TestHost {
        override wish: TestHost["wish"] = (...args) => {
          value(target.set(placeLevel(table, args[3].level, args[3].turbo ?? target.turboAtStart).khz));
          return super.wish(...args);
        };
      }
      const [host, clock] = [new Host(), new TestClock("2026-06-10T12:00:00Z")];
      const engine = new PolicyEngine(host, new MachineCounters(netns.sys, nowhere, clock), clock);
      expect(
        engine.set({ vm: "vm0" }, "guest", policy({ type: "traffic", traffic: rule({ macs: [GUEST] }) }, [0]))
          .ok,
      ).toBe(true);
      const speed = () => Number(fixture.line("cpufreq/policy0/scaling_setspeed"));
      const second = async (packets: number) => {
        if (packets > 0) await netns.run(sendPackets("10.77.0.2", packets));
        clock.pass(1000);
        return speed();
      };
      await second(0);
      expect(await second(0)).toBe(Number(table.steps.at(-1)));
      expect(await second(600)).toBe(Number(table.steps[table.steps.length >> 1]));
      expect(await second(6000)).toBe(Number(table.steps[table.nominal]));
      expect(await second(0)).toBe(Number(table.steps.at(-1)));
      engine.close();
    });
  },
);

describe("MachineCounters.traffic() on VFs", () => {
  const made: string[] = [];
  afterAll(() => {
    for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
  });

  test("lets a policy stand until ip has told, then counts the VF or refuses", async () => {
    const dir = mkdtempSync(`${tmpdir()}/vf-`);
    made.push(dir);
    mkdirSync(`${dir}/class/net/ens1f0/device`, { recursive: true });
    writeFileSync(`${dir}/class/net/ens1f0/device/sriov_numvfs`, "2\n");
    writeFileSync(`${dir}/class/net/ens1f0/address`, "52:54:00:00:00:01\n");
    const vfs = [{ vfinfo_list: [{ address: GUEST, stats: { rx: { packets: 5 } } }] }];
    writeFileSync(`${dir}/ip`, `#!/bin/sh\necho '${JSON.stringify(vfs)}'\n`, { mode: 0o755 });
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const views = new VfViews(clock, `${dir}/ip`);
    const counters = new MachineCounters(dir, nowhere, clock, undefined, views);
    const nobody = "52:54:00:00:00:99";
    const wrong = value(counters.traffic({ vm: "vm0" }, rule({ macs: [nobody] })));
    const right = value(counters.traffic({ vm: "vm0" }, rule({ macs: [GUEST, GUEST] })));
    await until("ip has told", () => Bun.deepEquals(right.read(), ok(5)));
    expect(error(wrong.read())).toMatchObject({ code: "ENODEV" });
    expect(error(counters.traffic({ vm: "vm0" }, rule({ macs: [nobody] })))).toMatchObject({
      kind: "mac-nowhere",
    });
    right.close();
  });
});

describe("MachineCounters.branches()", () => {
  /** Counters that a test sets, by CPU; which are open now. */
  function perf() {
    const counts = new Map<number, { first: number; second: number }>();
    const open: number[] = [];
    const openBranches: OpenBranches = (cpu) => {
      if (!counts.has(cpu)) return err("no counter here");
      open.push(cpu);
      return ok({
        read: () => counts.get(cpu),
        close: () => void open.splice(open.indexOf(cpu), 1),
      });
    };
    return { counts, open, openBranches };
  }

  test("refuses with the CPU and the reason, and leaves nothing open", () => {
    const { counts, open, openBranches } = perf();
    counts.set(2, { first: 1, second: 0 });
    const counters = new MachineCounters(
      "/nowhere",
      () => ok([pcpu(2), pcpu(3)]),
      SYSTEM_CLOCK,
      openBranches,
    );
    expect(error(counters.branches({ vm: "vm0" }, 1))).toEqual({
      kind: "no-branch-counters",
      vm: "vm0",
      vcpu: 1,
      pcpu: 3,
      why: "no counter here",
    });
    expect(open).toEqual([]);
  });

  test("refuses a vCPU without a place by that reason", () => {
    const counters = new MachineCounters("/nowhere", nowhere, SYSTEM_CLOCK, perf().openBranches);
    expect(error(counters.branches({ vm: "vm0" }, 0))).toMatchObject({ kind: "not-pinned" });
  });

  test("follows a vCPU to another pCPU without going back", () => {
    const { counts, open, openBranches } = perf();
    counts.set(2, { first: 1000, second: 10 });
    counts.set(5, { first: 70, second: 1 });
    let place: readonly Pcpu[] = [pcpu(2)];
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const counter = value(
      new MachineCounters("/nowhere", () => ok(place), clock, openBranches).branches({ vm: "vm0" }, 0),
    );
    expect(value(counter.read())).toEqual({ branches: 0, misses: 0 });
    counts.set(2, { first: 1500, second: 30 });
    clock.pass(100);
    expect(value(counter.read())).toEqual({ branches: 500, misses: 20 });
    place = [pcpu(5)];
    clock.pass(100);
    expect(value(counter.read())).toEqual({ branches: 500, misses: 20 });
    expect(open).toEqual([5]);
    counts.set(5, { first: 100, second: 2 });
    clock.pass(100);
    expect(value(counter.read())).toEqual({ branches: 530, misses: 21 });
    counter.close();
    expect(open).toEqual([]);
  });

  test("reads a pCPU once for all vCPUs on it, and closes it with the last", () => {
    const { counts, open, openBranches } = perf();
    counts.set(2, { first: 1000, second: 10 });
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const counters = new MachineCounters("/nowhere", () => ok([pcpu(2)]), clock, openBranches);
    const both = [0, 1].map((vcpu) => value(counters.branches({ vm: "vm0" }, vcpu)));
    expect(open).toEqual([2]);
    clock.pass(100);
    counts.set(2, { first: 1600, second: 10 });
    expect(value(both[0]?.read() ?? ok(undefined))).toEqual({ branches: 600, misses: 0 });
    counts.set(2, { first: 9999, second: 10 });
    expect(value(both[1]?.read() ?? ok(undefined))).toEqual({ branches: 600, misses: 0 });
    both[0]?.close();
    expect(open).toEqual([2]);
    both[1]?.close();
    expect(open).toEqual([]);
  });

  test("says so when the CPU goes offline", () => {
    const { counts, openBranches } = perf();
    counts.set(2, { first: 1000, second: 10 });
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const counter = value(
      new MachineCounters("/nowhere", () => ok([pcpu(2)]), clock, openBranches).branches({ vm: "vm0" }, 0),
    );
    counts.delete(2);
    clock.pass(100);
    expect(error(counter.read())).toMatchObject({ code: "ENODEV", path: "perf:vm=vm0,vcpu=0" });
    counter.close();
  });
});
