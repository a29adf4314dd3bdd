// A budget on a whole host in virtual time: who pays, what guests see of it, and what happens when things go wrong.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { restoreAll } from "../../../internal/sysfs/cpufreq/originals.ts";
import { down } from "../../power/sleep/down.ts";
import { DONE } from "../../../internal/values/result.ts";
import { domainId, pcpu } from "../../../internal/values/units.ts";
import { BudgetWorld, VMS } from "../../helpers/budget-world.ts";
import { ask, frame, type Lab } from "../../helpers/lab.ts";
import { until } from "../../helpers/until.ts";
import { snapshot } from "../../power/snapshot.ts";

const TOP = 2_600_000;
const LEAST = 800_000;

let world: BudgetWorld;
afterEach(() => world.end());

/** Starts a world of three VMs, hi, no and lo, whose channels are connected. */
async function start(budget: object, ...more: readonly [load?: { busy: readonly number[] }, says?: object]) {
  const [load = { busy: [1] }, says = {}] = more;
  world = new BudgetWorld({ ...VMS, ...says, budget }, load);
  const [hi, no, lo] = await Promise.all(["hi.0", "no.0", "lo.0"].map((name) => world.lab.guest(name)));
  if (hi === undefined || no === undefined || lo === undefined) throw new Error("no guests");
  return { hi, no, lo };
}
/** Every setting of every clock; scaling_setspeed means nothing under the governor that they have. */
const cpus = () =>
  Object.fromEntries(
    Object.entries(snapshot(`${world.lab.tree.sys}/devices/system/cpu/cpufreq`)).filter(
      ([path]) => !path.endsWith("scaling_setspeed"),
    ),
  );
const zone = () => `${world.lab.tree.sys}/class/powercap/intel-rapl:0`;
const events = (kind: string) =>
  Array.from({ length: world.lab.host.events.last }, (_, n) => world.lab.host.events.at(n + 1)).filter(
    (one) => one?.event === kind,
  );
const mean = (seconds: readonly number[]) => seconds.reduce((sum, one) => sum + one, 0) / seconds.length;

describe("HostBudget without claims", () => {
  test("keeps the draw under the budget by ceilings of low and normal, and takes them back when the load goes", async () => {
    await start({ watts: 110 }, { busy: [0.15] });
    const before = cpus();
    world.pass(5);
    expect(cpus()).toEqual(before);
    world.load({ busy: [1] });
    world.pass(4);
    const settled = world.seconds.length;
    world.pass(30);
    expect(Math.max(...world.seconds.slice(settled))).toBeLessThanOrEqual(112.2);
    expect(mean(world.seconds.slice(settled))).toBeGreaterThan(110 * 0.96);
    expect(world.ceilings.slice(0, 2)).toEqual([TOP, TOP]);
    expect(world.ceilings.slice(4)).toEqual([LEAST, LEAST, LEAST, LEAST]);
    expect(Math.max(...world.ceilings.slice(2, 4))).toBeLessThan(TOP);
    const { writes } = world.budget.state();
    world.pass(60);
    expect(world.budget.state().writes - writes).toBeLessThan(0.2 * 60 * 8);
    world.load({ busy: [0.15] });
    world.pass(20);
    expect(cpus()).toEqual(before);
  });

  test("gives a clock the highest priority of its SMT siblings, and the host's where no VM is", async () => {
    const vm = {
      hi: { pins: { 0: 0 }, priority: "high" },
      no: { pins: { 0: 2 } },
      lo: { pins: { 0: 5 }, priority: "low" },
    };
    const siblings = ({ tree }: Lab) => {
      for (let cpu = 0; cpu < 8; cpu++) {
        const list = `${tree.sys}/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`;
        writeFileSync(list, `${cpu & ~1}-${cpu | 1}\n`);
      }
    };
    const budget = { watts: 110, host_priority: "low" };
    world = new BudgetWorld({ ...VMS, vm, budget }, { busy: [1] }, { noiseWatts: 0 }, siblings);
    await Promise.all(["hi.0", "no.0", "lo.0"].map((name) => world.lab.guest(name)));
    world.pass(1);
    const of = world.budget.state().clocks.map(({ priority }) => priority);
    expect(of).toEqual(["high", "high", "normal", "normal", "low", "low", "low", "low"]);
  });

  test("never goes below a floor, and says so when the floors are too high", async () => {
    const vm = { ...VMS.vm, lo: { ...VMS.vm.lo, floor: 1_400_000 } };
    await start({ watts: 50 }, undefined, { vm });
    world.pass(10);
    expect(world.ceilings).toEqual([LEAST, LEAST, LEAST, LEAST, ...Array(4).fill(1_400_000)]);
    expect(world.budget.state().floorsTooHigh).toBe(true);
    expect(world.lab.log.join("")).toContain("The floors take 74 of 50 W; they are held");
    expect(events("budget-floors")).toMatchObject([{ floorWatts: 74, watts: 50, tooHigh: true }]);
    world.budget.setWatts(120, "operator");
    world.pass(5);
    expect(world.budget.state().floorsTooHigh).toBe(false);
  });

  test("names who pays, and tells when others do", async () => {
    await start({ watts: 110 });
    world.pass(10);
    expect(events("budget-payers").at(-1)).toMatchObject({ payers: ["lo", "no"], more: 0, watts: 110 });
    world.budget.setWatts(165, "operator");
    world.pass(20);
    expect(events("budget-payers").at(-1)).toMatchObject({ payers: ["lo"] });
    world.budget.setWatts(0, "operator");
    expect(events("budget-payers").at(-1)).toMatchObject({ payers: [], watts: 0 });
  });
});

describe("HostBudget and claims", () => {
  test("clips a claim: the ACK stays an ACK, the wish stays, and stands again when there is room", async () => {
    const { lo, hi } = await start({ watts: 110 });
    world.pass(10);
    expect(await ask(lo, frame({ step: "max" }))).toBe("ack");
    expect(await ask(hi, frame({ step: "max" }))).toBe("ack");
    expect([world.lab.speed(4), world.lab.speed(0)]).toEqual([LEAST, TOP]);
    expect(world.lab.attribute(4, "scaling_max_freq")).toBe(`${TOP}`);
    const { ledger, cpufreq } = world.lab.host;
    const domain = cpufreq.domainOf(pcpu(4));
    if (domain === undefined) throw new Error("no domain");
    expect(ledger.decide(domain)).toMatchObject({ target: LEAST, wished: TOP, clippedBy: "budget" });
    world.budget.setWatts(300, "operator");
    world.pass(20);
    expect(world.lab.speed(4)).toBe(TOP);
  });

  test("holds a clock at its ceiling when its claim ends, and gives all back with the budget", async () => {
    const { lo } = await start({ watts: 110 });
    const before = cpus();
    world.pass(10);
    await ask(lo, frame({ step: "min" }));
    expect(world.lab.attribute(4, "scaling_governor")).toBe("userspace");
    lo.quit();
    await until("the claim is gone", () => world.lab.host.ledger.empty);
    expect(world.lab.attribute(4, "scaling_governor")).toBe("performance");
    expect(world.ceilings[4]).toBe(LEAST);
    world.budget.setWatts(0, "operator");
    expect(cpus()).toEqual(before);
  });

  test("a VM that holds max for ever costs only those below it", async () => {
    const { no, lo } = await start({ watts: 110 });
    for (const vcpu of [0, 1]) await ask(no, frame({ step: "max", vcpu }));
    for (const vcpu of [0, 1, 2, 3]) await ask(lo, frame({ step: "max", vcpu }));
    world.pass(20);
    expect(world.ceilings.slice(0, 2)).toEqual([TOP, TOP]);
    expect([4, 5, 6, 7].map((cpu) => world.lab.speed(cpu))).toEqual([LEAST, LEAST, LEAST, LEAST]);
  });
});

describe("HostBudget when things go wrong", () => {
  test.each(["frozen", "back", "absurd"] as const)(
    "falls back when the meter is %s, says so, and comes back by itself",
    async (meter) => {
      await start({ watts: 110, fallback: 1_600_000 });
      world.pass(10);
      world.load({ busy: [1], meter } as never);
      world.pass(meter === "frozen" ? 5 : 1);
      expect(new Set(world.ceilings)).toEqual(new Set([1_600_000]));
      expect(world.budget.state().meterLost).toBeString();
      expect(events("budget-meter-lost")).toHaveLength(1);
      world.load({ busy: [1] });
      world.pass(10);
      expect(world.budget.state().meterLost).toBeUndefined();
      expect(events("budget-meter-back")).toHaveLength(1);
      expect(world.ceilings.slice(0, 2)).toEqual([TOP, TOP]);
    },
  );

  test("falls back when the meter goes away, and takes the one that comes", async () => {
    await start({ watts: 110, fallback: "min" });
    world.pass(10);
    renameSync(zone(), `${zone()}.gone`);
    world.pass(2);
    expect(new Set(world.ceilings)).toEqual(new Set([LEAST]));
    renameSync(`${zone()}.gone`, zone());
    world.pass(20);
    expect(world.budget.state().meterLost).toBeUndefined();
    expect(world.ceilings.slice(0, 2)).toEqual([TOP, TOP]);
  });

  test.each([1, 4, 7, 11])(
    "a host that is gone at once, after %d changes, leaves originals that restore puts back",
    async (changes) => {
      const { no, lo } = await start({ watts: 110 });
      const before = cpus();
      for (let n = 0; n < changes; n++) {
        world.budget.setWatts(60 + ((n * 37) % 110), "operator");
        await ask(n % 2 === 0 ? no : lo, frame({ step: n % 3 === 0 ? "max" : "min" }));
        world.pass(2);
      }
      expect(cpus()).not.toEqual(before);
      expect(restoreAll(world.lab.roots).failed).toEqual([]);
      expect(cpus()).toEqual(before);
    },
  );

  test("a clock that did not take its ceiling gets it when it can", async () => {
    await start({ watts: 110 }, { busy: [0.15] });
    world.pass(2);
    const path = world.lab.path(5, "scaling_min_freq");
    const text = readFileSync(path, "utf8");
    // As an offline CPU's, which answers to nothing.
    rmSync(path);
    mkdirSync(path);
    world.load({ busy: [1] });
    world.pass(10);
    expect(world.ceilings.slice(6)).toEqual([LEAST, LEAST]);
    expect(world.lab.log.filter((one) => one.includes("EISDIR"))).toHaveLength(1);
    rmSync(path, { recursive: true });
    writeFileSync(path, text);
    world.pass(1);
    expect(world.ceilings[5]).toBe(LEAST);
  });

  test("another tool's higher limit is set right again", async () => {
    await start({ watts: 110 });
    world.pass(10);
    writeFileSync(world.lab.path(5, "scaling_max_freq"), `${TOP}\n`);
    await until("the ceiling is set again", () => world.ceilings[5] === LEAST, 8000);
    expect(world.lab.host.upkeep.drifts).toBeGreaterThan(0);
  });

  test("a sleep interrupts it, and it goes on after", async () => {
    await start({ watts: 110 });
    world.pass(10);
    const before = world.ceilings;
    world.power.budget.resumed();
    world.load({ busy: [1], meter: "back" });
    world.machine.step(10);
    world.load({ busy: [1] });
    world.pass(10);
    expect(events("budget-meter-lost")).toEqual([]);
    expect(world.ceilings).toEqual(before);
  });

  test("ceilings are given back before a sleep, stay away over it, and stand again after", async () => {
    const seen: (readonly number[])[] = [];
    const enter = down(() => {
      seen.push(world.ceilings);
      world.pass(5);
      seen.push(world.ceilings);
      return DONE;
    });
    const sleepy = ({ tree }: Lab) => {
      mkdirSync(`${tree.sys}/power`, { recursive: true });
      writeFileSync(`${tree.sys}/power/state`, "freeze mem disk\n");
      writeFileSync(`${tree.sys}/power/mem_sleep`, "s2idle [deep]\n");
    };
    world = new BudgetWorld(
      { ...VMS, budget: { watts: 110 } },
      { busy: [1] },
      { noiseWatts: 0 },
      sleepy,
      enter,
    );
    world.pass(10);
    const before = world.ceilings;
    expect(Math.min(...before)).toBeLessThan(TOP);
    const asked = {
      target: "mem",
      wake: "none",
      force: true,
      dryRun: false,
      prepare: "none",
      logind: false,
    } as const;
    const slept = await world.power.asks.suspend(asked);
    expect(slept.ok ? "" : slept.error.message).toBe("");
    const all = Array(8).fill(TOP);
    expect(seen).toEqual([all, all]);
    expect(world.ceilings).toEqual(before);
    world.pass(3);
    expect(world.budget.state().meterLost).toBeUndefined();
  });

  test("a clock that goes and comes with its CPU has its ceiling again", async () => {
    await start({ watts: 110 });
    world.pass(10);
    const { dir } = world.lab.host.cpufreq.domainById(domainId(5)) ?? { dir: "" };
    renameSync(dir, `${dir}.gone`);
    world.lab.host.upkeep.lookAtMachine(true);
    world.clock.pass(1500);
    expect(world.budget.state().clocks.map(({ domain }) => domain)).toEqual([0, 1, 2, 3, 4, 6, 7]);
    renameSync(`${dir}.gone`, dir);
    writeFileSync(`${dir}/scaling_max_freq`, `${TOP}\n`);
    world.lab.host.upkeep.lookAtMachine(true);
    world.pass(2);
    expect(world.ceilings[5]).toBe(LEAST);
  });

  test("a profile that is applied and taken off leaves the ceilings in force, within it", async () => {
    await start({ watts: 110 }, undefined, { profile: { cap: { cpus: { all: { ceiling: 2_000_000 } } } } });
    world.pass(10);
    const { asks } = world.power;
    expect(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }).ok).toBe(true);
    expect(world.ceilings.slice(0, 2)).toEqual([2_000_000, 2_000_000]);
    expect(world.ceilings.slice(4)).toEqual([LEAST, LEAST, LEAST, LEAST]);
    world.pass(10);
    expect(asks.profileOff().ok).toBe(true);
    world.pass(10);
    expect(world.ceilings.slice(0, 2)).toEqual([TOP, TOP]);
    expect(world.ceilings.slice(4)).toEqual([LEAST, LEAST, LEAST, LEAST]);
  });

  test("VMs that come and go, and that are pinned elsewhere, are followed", async () => {
    const { hi } = await start({ watts: 110 });
    world.pass(5);
    const first = () => world.budget.state().clocks[0];
    expect(first()).toMatchObject({ priority: "high", vms: ["hi"] });
    const pins = { ...VMS.vm, hi: { ...VMS.vm.hi, pins: { 0: 6, 1: 7 } } };
    const config = world.lab.load({ ...VMS, vm: pins, budget: { watts: 110 } });
    if (!config.ok) throw new Error("no configuration");
    world.lab.host.configure(config.value);
    world.power.configured();
    world.pass(20);
    expect(first()).toMatchObject({ priority: "normal", vms: [] });
    expect(world.ceilings.slice(6)).toEqual([TOP, TOP]);
    hi.quit();
    await until("the VM is gone", () => world.lab.host.channels.vm("hi") === undefined);
    world.pass(20);
    expect(world.budget.state().clocks[7]).toMatchObject({ priority: "low", vms: ["lo"] });
    expect(world.ceilings.slice(6)).toEqual([LEAST, LEAST]);
  });
});

describe("HostBudget.setWatts()", () => {
  test("an operator goes before the file and its windows, and nobody above what the fleet grants", async () => {
    const windows = [{ from: "13:00", to: "14:00", watts: 90 }];
    await start({ watts: 110, timezone: "UTC", windows });
    const said = () => {
      const { budgetWatts, origin } = world.budget.state();
      return [budgetWatts, origin];
    };
    expect(said()).toEqual([110, "file"]);
    world.budget.setWatts(100, "fleet");
    expect(said()).toEqual([100, "fleet"]);
    // What the others of the group are given is not this host's.
    world.budget.setWatts(0, "operator");
    expect(said()).toEqual([100, "fleet"]);
    world.budget.setWatts(105, "operator");
    expect(said()).toEqual([100, "fleet"]);
    world.budget.setWatts(80, "operator");
    expect(said()).toEqual([80, "operator"]);
    world.budget.setWatts(undefined, "operator");
    world.budget.setWatts(130, "fleet");
    expect(said()).toEqual([110, "file"]);
    world.budget.setWatts(90, "fleet");
    world.budget.setWatts(0, "operator");
    world.budget.setWatts(undefined, "fleet");
    expect(said()).toEqual([undefined, "operator"]);
    world.budget.setWatts(undefined, "operator");
    world.clock.pass(3_600_000);
    expect(said()).toEqual([90, "file"]);
    world.clock.pass(3_600_000);
    expect(said()).toEqual([110, "file"]);
    expect(events("budget-changed").map((one) => [one?.["watts"], one?.["origin"]])).toEqual([
      [110, "file"],
      [100, "fleet"],
      [80, "operator"],
      [100, "fleet"],
      [110, "file"],
      [90, "fleet"],
      [undefined, "operator"],
      [110, "file"],
      [90, "file"],
      [110, "file"],
    ]);
  });

  test("a window begins a budget where the file has none", async () => {
    await start({ timezone: "UTC", windows: [{ from: "12:30", to: "14:00", watts: 90 }] });
    world.pass(2);
    expect(world.budget.state().budgetWatts).toBeUndefined();
    world.clock.pass(1_800_000);
    world.pass(1);
    expect(world.budget.state().budgetWatts).toBe(90);
    world.pass(20);
    expect(world.seconds.at(-1)).toBeLessThanOrEqual(92);
  });
});

describe("the backstop of a budget", () => {
  const limit = (name: string, text?: string) => {
    const path = `${zone()}/${name}`;
    if (text !== undefined) writeFileSync(path, `${text}\n`);
    return readFileSync(path, "utf8").trim();
  };
  /** Starts with a RAPL zone that has a long-term limit. */
  async function withLimit(budget: object) {
    await start({});
    limit("constraint_0_name", "long_term");
    limit("constraint_0_power_limit_uw", "250000000");
    const config = world.lab.load({ ...VMS, budget });
    if (!config.ok) throw new Error("no configuration");
    world.lab.host.configure(config.value);
    world.power.configured();
  }

  test("stands 10 % above the budget, follows it, and goes with it", async () => {
    await withLimit({ watts: 110, backstop: true });
    expect(limit("constraint_0_power_limit_uw")).toBe("121000000");
    world.budget.setWatts(100, "operator");
    expect(limit("constraint_0_power_limit_uw")).toBe("110000000");
    expect(world.budget.state().backstop).toEqual({ state: "set", watts: 110.00000000000001 });
    world.budget.setWatts(0, "operator");
    expect(limit("constraint_0_power_limit_uw")).toBe("250000000");
    world.budget.setWatts(120, "operator");
    world.budget.stop();
    expect(limit("constraint_0_power_limit_uw")).toBe("250000000");
  });

  test("never raises what stands lower", async () => {
    await start({});
    limit("constraint_0_name", "long_term");
    limit("constraint_0_power_limit_uw", "90000000");
    world.lab.host.configure(
      (world.lab.load({ ...VMS, budget: { backstop: true } }) as never as { value: never }).value,
    );
    world.power.configured();
    world.budget.setWatts(110, "operator");
    expect(limit("constraint_0_power_limit_uw")).toBe("90000000");
  });

  test("is refused with the reason where RAPL has no such limit, and where it can't be written", async () => {
    await start({ watts: 110, backstop: true });
    expect(world.budget.state().backstop).toMatchObject({ state: "refused" });
    expect(world.lab.log.join("")).toContain("has no limit called long_term");
    limit("constraint_0_name", "long_term");
    mkdirSync(`${zone()}/constraint_0_power_limit_uw`);
    world.budget.setWatts(100, "operator");
    expect(world.budget.state().backstop).toMatchObject({ state: "refused" });
    expect(existsSync(`${world.lab.roots.stateDir}/budget-backstop.json`)).toBe(false);
  });
});
