import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Limits } from "../../internal/claims/arbitrate.ts";
import { authorizeOperator, authorizeVcpu, type Grant } from "../../internal/claims/authorize.ts";
import { type Claimant, type Slot, SLOTS } from "../../internal/claims/claim.ts";
import { Ledger } from "../../internal/claims/ledger.ts";
import { openCpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import { domainId, khz, pcpu } from "../../internal/values/units.ts";
import { makeTree, type Tree } from "../helpers/tree.ts";
import { error, value } from "../sysfs/machine.ts";

let tree: Tree;
afterEach(() => tree.remove());

function open(name: string) {
  tree = makeTree(name);
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` };
  const cpufreq = value(openCpufreq(roots));
  const written: (number | undefined)[] = [];
  const ledger = new Ledger(
    cpufreq,
    () => ({}),
    (_, { khz }) => void written.push(khz),
  );
  return { cpufreq, ledger, written };
}

const claimantOf = (slot: Slot, limits: Limits = {}, turbo = true): Claimant => ({
  slot,
  by: slot,
  turbo,
  limitsIn: () => limits,
});

/** The grant of a VM's only vCPU, which runs on these pCPUs. */
const grantOf = (vm: string, pcpus: readonly number[], domains: readonly number[]) =>
  value(authorizeVcpu(vm, 0, { kind: "placed", pcpus: pcpus.map(pcpu), domains: domains.map(domainId) }));

/** Numbers that look random and are the same in each run. */
function dice(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
}

describe("wish()", () => {
  test.each([
    ["acpi-cpufreq-4cpu-independent", 1],
    ["acpi-cpufreq-4cpu-2domains", 2],
    ["intel-pstate-8cpu-smt", 3],
  ])("leaves each clock of %s where a look at all wishes puts it, whoever moves", (name, seed) => {
    const { cpufreq, ledger, written } = open(name);
    const roll = dice(seed);
    const pick = <T>(all: readonly T[]): T => all[roll(all.length)] as T;
    const cpus = cpufreq.domains.flatMap(({ pcpus }) => pcpus);
    const steps = cpufreq.domains[0]?.table.steps ?? [];
    const grantOn = (vm: string, on: readonly number[]) =>
      grantOf(vm, on, [...new Set(on.map((cpu) => Number(cpufreq.domainOf(pcpu(cpu))?.id)))]);
    const vms = Array.from({ length: 6 }, (_, n) => {
      const limits = n === 1 ? { ceiling: pick(steps) } : n === 2 ? { floor: pick(steps) } : {};
      return {
        // Where its vCPU may be found; the first VM's floats at times.
        places: [[pick(cpus)], [pick(cpus)], n === 0 ? cpus : [pick(cpus)]].map((on) =>
          grantOn(`vm${n}`, on),
        ),
        guest: claimantOf("guest", limits),
        policy: claimantOf("policy", limits),
      };
    });
    const operator = claimantOf("operator");
    for (let turn = 0; turn < 1500; turn++) {
      const { places, guest, policy } = pick(vms);
      const grant = places[roll(10) === 0 ? roll(3) : 0] as Grant;
      const level = { khz: khz(pick(steps)), turbo: true };
      const chance = roll(100);
      if (chance < 90) value(ledger.wish(grant, guest, level));
      else if (chance < 93) value(ledger.wish(grant, policy, level));
      else if (chance < 95) {
        const cpu = pcpu(pick(cpus));
        const domain = cpufreq.domainOf(cpu);
        if (domain !== undefined) value(ledger.wish(authorizeOperator(cpu, domain.id), operator, level));
      } else if (chance < 97) {
        expect(ledger.pause(new Set(vms.flatMap((_, n) => (roll(2) === 0 ? [`vm${n}`] : []))))).toEqual([]);
      } else {
        const slot = pick(SLOTS);
        ledger.withdraw(
          ({ claimant, grant: { vm } }) => claimant.slot === slot && (slot === "operator" || vm === grant.vm),
        );
      }
      const got = cpufreq.domains.map(({ target }) => target);
      expect(got).toEqual(cpufreq.domains.map((domain) => ledger.decide(domain)?.target));
    }
    expect(written.length).toBeGreaterThan(100);
  });

  test("writes again after a write that failed, though the same wish came before", () => {
    const { cpufreq, ledger } = open("acpi-cpufreq-4cpu-independent");
    const low = { khz: khz(800_000), turbo: false };
    const grants = ["vm1", "vm2"].map((vm) => grantOf(vm, [2], [2])) as [Grant, Grant];
    const guest = claimantOf("guest");
    for (const grant of grants) value(ledger.wish(grant, guest, low));
    const file = `${tree.sys}/devices/system/cpu/cpufreq/policy2/scaling_setspeed`;
    cpufreq.close();
    rmSync(file);
    mkdirSync(file);
    expect(error(ledger.wish(grants[0], guest, { ...low, khz: khz(2_600_000) })).code).toBe("EISDIR");
    rmSync(file, { recursive: true });
    writeFileSync(file, "1400000\n");
    value(ledger.wish(grants[0], guest, low));
    expect(readFileSync(file, "utf8").split("\n")[0]).toBe("800000");
  });
});

describe("step()", () => {
  test.each([
    [{ ceiling: khz(2_000_000) }, "max", "down", [2_000_000, 1_800_000]],
    [{ floor: khz(1_400_000) }, "min", "up", [1_400_000, 1_600_000]],
  ] as const)("moves from what %j leaves of %s", (limits, end, step, told) => {
    const { cpufreq, ledger } = open("acpi-cpufreq-4cpu-independent");
    const grant = grantOf("vm1", [2], [2]);
    const guest = claimantOf("guest", limits);
    const moved = [end, step].map((word) => {
      value(ledger.step(grant, guest, word));
      return cpufreq.domains[2]?.target;
    });
    expect(moved).toEqual(told.map(khz));
  });

  test("goes to the ends whole, also past the operator's limits of now", () => {
    const { cpufreq, ledger } = open("acpi-cpufreq-4cpu-independent");
    writeFileSync(`${tree.sys}/devices/system/cpu/cpufreq/policy2/scaling_max_freq`, "2000000\n");
    const [grant, guest] = [grantOf("vm1", [2], [2]), claimantOf("guest")];
    for (const step of ["max", "up"] as const) value(ledger.step(grant, guest, step));
    expect([ledger.claimsOn(domainId(2))[0]?.level.khz, cpufreq.domains[2]?.target]).toEqual(
      [2_600_000, 2_000_000].map(khz),
    );
    value(ledger.step(grant, guest, "down"));
    expect(cpufreq.domains[2]?.target).toBe(khz(1_800_000));
  });
});
