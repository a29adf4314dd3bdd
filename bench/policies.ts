// `BUN_GC_TIMER_DISABLE=1 bun bench/policies.ts [--quick]`: what 1,000 standing policies cost while nothing changes. Wanted: at most 1 % of a CPU.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { openPerfPair, type PerfEvent } from "../internal/rules/perf-events.ts";
import { MachineCounters } from "../internal/rules/machine-counters.ts";
import { type PolicyDesk, SYSTEM_CLOCK } from "../internal/rules/desk.ts";
import { PolicyEngine } from "../internal/rules/engine.ts";
import { EVERY_DAY, type PolicyRule, type TrafficRule } from "../internal/values/policy.ts";
import { DONE, ok } from "../internal/values/result.ts";
import { pcpu } from "../internal/values/units.ts";

const VMS = 512;
const POLICIES = 1000;
const WANTED_PERCENT = 1;
/** Software events stand for branches: the same system calls on any machine. Source: include/uapi/linux/perf_event.h. */
const CPU_CLOCK: PerfEvent = { type: 1, config: 0 };
const SWITCHES: PerfEvent = { type: 1, config: 3 };

const macOf = (vm: number): string =>
  `52:54:00:00:${(vm >> 8).toString(16).padStart(2, "0")}:${(vm & 255).toString(16).padStart(2, "0")}`;

/** Makes a /sys/class/net with one libvirt tap for each VM. */
function makeTaps(root: string): void {
  for (let vm = 0; vm < VMS; vm++) {
    const tap = `${root}/class/net/vnet${vm}`;
    mkdirSync(`${tap}/statistics`, { recursive: true });
    writeFileSync(`${tap}/address`, `${macOf(vm).replace("52", "fe")}\n`);
    writeFileSync(`${tap}/tun_flags`, "0x1002\n");
    writeFileSync(`${tap}/statistics/tx_packets`, "123456789\n");
  }
}

function ruleOf(type: string, vm: number): PolicyRule {
  const traffic: TrafficRule = {
    macs: [macOf(vm)],
    interfaces: [],
    mediumPps: 1000,
    maxPps: 10_000,
    fallPercent: 90,
  };
  switch (type) {
    case "time": {
      const windows = [8, 12, 17].map((hour) => ({
        days: EVERY_DAY,
        from: hour * 60 + 30,
        to: hour * 60 + 90,
        level: "max" as const,
      }));
      return { type: "time", timeZone: "Europe/Berlin", windows, otherwise: "min", traffic };
    }
    case "traffic":
      return { type: "traffic", traffic };
    case "branch-ratio":
      return { type: "branch-ratio", threshold: 0.001, quietSamples: 32 };
    default:
      return { type: "workload", workload: "medium" };
  }
}

/** Sets all policies (each VM has an operator's, all but 24 a guest's behind it), waits, and returns the CPU time as a share of it. */
async function measure(root: string, typeOf: (vm: number) => string, quick: boolean) {
  let wishes = 0;
  const desk: PolicyDesk = {
    vcpus: () => [0, 1],
    refuse: () => undefined,
    wish: () => {
      wishes++;
      return DONE;
    },
    withdraw() {},
    failed: (_vm, _origin, problem) => {
      throw new Error(JSON.stringify(problem));
    },
  };
  const counters = new MachineCounters(
    root,
    (_vm, vcpu) => ok([pcpu(vcpu % 2)]),
    SYSTEM_CLOCK,
    (cpu) => openPerfPair(cpu, CPU_CLOCK, SWITCHES),
  );
  const engine = new PolicyEngine(desk, counters);
  const started = performance.now();
  for (let n = 0; n < POLICIES; n++) {
    const vm = n % VMS;
    const policy = { rule: ruleOf(typeOf(vm), vm), vcpus: [0], turbo: false };
    const set = engine.set({ vm: `vm${vm}` }, n < VMS ? "operator" : "guest", policy);
    if (!set.ok) throw new Error(JSON.stringify(set.error));
  }
  const setUs = ((performance.now() - started) * 1000) / POLICIES;
  await Bun.sleep(quick ? 2500 : 15_000); // first samples, and the compiler at work on code that has become hot, are not idleness
  const [before, since] = [process.resourceUsage(), Bun.nanoseconds()];
  const atRest = wishes;
  await Bun.sleep(quick ? 1000 : 10_000); // the silence is what is measured
  const [after, ns] = [process.resourceUsage(), Bun.nanoseconds() - since];
  engine.close();
  return {
    setUs,
    percent: (100_000 * (cpuUs(after) - cpuUs(before))) / ns,
    wakeups: (after.voluntaryContextSwitches - before.voluntaryContextSwitches) / (ns / 1e9),
    wishes: wishes - atRest,
  };
}

const cpuUs = (usage: NodeJS.ResourceUsage): number => usage.userCPUTime + usage.systemCPUTime;

const LOADS: readonly (readonly [string, (vm: number) => string])[] = [
  ["all WORKLOAD: nothing to watch", () => "workload"],
  ["all TIME", () => "time"],
  ["all TRAFFIC", () => "traffic"],
  [
    "a third of each, and 16 of BRANCH_RATIO",
    (vm) => (vm < 16 ? "branch-ratio" : (["workload", "time", "traffic"][vm % 3] ?? "")),
  ],
  ["all BRANCH_RATIO", () => "branch-ratio"],
];

const { values } = parseArgs({ options: { quick: { type: "boolean" } } });
const root = mkdtempSync(`${tmpdir()}/bench-policies-`);
try {
  makeTaps(root);
  process.stdout.write(
    `${POLICIES} policies on ${VMS} VMs, Bun ${Bun.version}; wanted: at most ${WANTED_PERCENT} % of a CPU\n\n`,
  );
  for (const [title, typeOf] of LOADS) {
    const { percent, wakeups, setUs, wishes } = await measure(root, typeOf, values.quick === true);
    process.stdout.write(
      `${title.padEnd(40)} ${percent.toFixed(2).padStart(6)} %  ${wakeups.toFixed(1).padStart(6)} wakeups/s  ${setUs.toFixed(0).padStart(5)} us to set one  ${wishes} wishes\n`,
    );
  }
} finally {
  rmSync(root, { recursive: true });
}
