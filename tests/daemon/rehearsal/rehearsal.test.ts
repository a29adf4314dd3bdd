// Dry runs beside what the change then does: nothing is touched before, and what was told is what comes.

import { afterEach, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import type { DryRunReport } from "../../../internal/api/dry-run.ts";
import type { Rehearsed } from "../../../internal/api/table.ts";
import type { LoadConfig } from "../../../internal/daemon/changes.ts";
import { readMetrics } from "../../../internal/daemon/asks/metrics.ts";
import { prometheus } from "../../../internal/output/prometheus.ts";
import { encodeRequest } from "../../../internal/packet/request.ts";
import type { GuestPolicy } from "../../../internal/values/request.ts";
import { STEPS } from "../../../internal/values/frequency.ts";
import type { Answer } from "../../../internal/values/answer.ts";
import { random } from "../../fixtures/packet/random.ts";
import { message, value } from "../../helpers/answer.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { makeProc } from "../../helpers/proc.ts";
import { until } from "../../helpers/until.ts";

let lab: Lab;
afterEach(() => lab.end());

type Asker = (asked: object) => Answer<unknown> | Promise<Answer<unknown>>;
/** A change and what is said with it. */
type Change = readonly [name: Rehearsed | "changeVm" | "reload" | "applyProfile", said: object];

function dice(seed: number) {
  const roll = random(seed);
  return { roll, pick: <T>(all: readonly T[]): T => all[roll(all.length)] as T };
}
type Dice = ReturnType<typeof dice>;

const VMS = ["vm1", "vm2", "a.b", "nobody"];
const SAYS = {
  pinning: { sources: ["static"] },
  limits: { "0-1": { ceiling: 2_000_000 } },
  profile: {
    low: { cpus: { all: { ceiling: 1_600_000 } } },
    narrow: { cpus: { all: { floor: 1_200_000, ceiling: 2_200_000 } } },
  },
  vm: {
    vm1: { pins: { 0: 2, 1: 3 }, queries: true },
    vm2: { pins: { 0: 2, 1: 0 }, policy: { type: "workload", workload: "medium" } },
    "a.b": { pins: { 0: 1 } },
  },
};

function policy({ pick, roll }: Dice): object {
  const vcpus = pick([undefined, [0], [1], [0, 1], [7]]);
  const common = { ...(vcpus && { vcpus }), ...(roll(3) === 0 && { turbo: pick([true, false]) }) };
  const level = pick(["min", "medium", "max", 1_500_000]);
  return pick([
    { type: "workload", workload: pick(["low", "medium", "high"]), ...common },
    { type: "time", default: level, windows: [{ from: "00:00", to: "00:00", level }], ...common },
    { type: "traffic", interfaces: ["nowhere0"], ...common },
    { type: "workload", wrkload: 1 },
  ]);
}

function change(some: Dice): Change {
  const { pick, roll } = some;
  const vm = pick(VMS);
  const cpus = pick([[0], [1], [2], [3], [0, 2], [1, 2, 3], [99]]);
  const channels = pick([[0], [1], "all", [5]] as const);
  const bound = () => pick(["min", "base", "max", 1_200_000, 1_800_000, null] as const);
  return pick<() => Change>([
    () => ["setFreq", { cpus, target: pick([...STEPS, 1_000_000, 1_700_000, 9_000_000]) }],
    () => ["setFreq", { cpus, target: pick([...STEPS, 1_000_000, 1_700_000, 9_000_000]) }],
    () => ["releaseFreq", { cpus: pick([cpus, "all"]) }],
    () => ["changeVm", { vm, ceiling: bound(), save: roll(4) === 0 }],
    () => ["changeVm", { vm, floor: bound(), turbo: pick([true, false, null]), save: false }],
    () => ["reload", {}],
    () => ["reload", {}],
    () => ["changeVm", { vm, commands: pick([["max"], null]), save: false }],
    () => ["setPolicy", { vm, policy: policy(some), save: roll(4) === 0 }],
    () => ["setPolicy", { vm, policy: policy(some), save: false }],
    () => ["removePolicy", { vm, save: roll(4) === 0 }],
    () => ["enableChannels", { vm, channels, enabled: pick([true, false]) }],
    () => [pick(["removeChannels", "addChannels"] as const), { vm, channels }],
    () => [pick(["removeVm", "addVm", "addVm"] as const), { vm }],
    () => ["retryFreq", { cpus: pick([cpus, "all"]) }],
    () => [pick(["profileOff", "resumed"] as const), {}],
    () => [
      "applyProfile",
      { name: pick(["low", "narrow", "powersave", "nobody"]), cpus: pick([undefined, "0-2"]) },
    ],
  ])();
}

/** The bytes of a guest's own policy. */
function ownPolicy({ pick, roll }: Dice): Uint8Array {
  const common = { vcpu: 0, vmName: "", physical: false } as const;
  const policy: GuestPolicy = {
    type: "workload",
    vcpus: pick([[0], [0, 1]]),
    macs: [],
    traffic: { min: 0, avg: 0, max: 0 },
    busyHours: [],
    quietHours: [],
    trafficHours: [],
    workload: pick(["low", "medium", "high"]),
    turbo: roll(2) === 0,
  };
  return encodeRequest({ kind: "policy", ...common, policy }, "18.11");
}

/** Another configuration file: limits, pins and policies. */
function file({ pick, roll }: Dice): object {
  const bound = () => pick(["base", "max", 1_200_000, 1_800_000]);
  const pins = () => pick([{ 0: 2 }, { 0: 2, 1: 3 }, { 0: 0 }, { 0: 1, 2: 3 }, {}]);
  return {
    ...SAYS,
    limits: { [pick(["0-1", "2", "1-3"])]: { ceiling: bound() } },
    "vm-defaults": { ceiling: bound(), turbo: roll(2) === 0 },
    vm: {
      vm1: { pins: pins(), floor: pick(["min", 1_000_000]) },
      vm2: {
        pins: pins(),
        ...(roll(2) === 0 && { policy: { type: "workload", workload: pick(["low", "high"]) } }),
      },
      "a.b": { pins: { 0: 1 } },
    },
  };
}

/** Everything that can be seen of the machine and of powermon, but for what is so every moment. */
function state(): unknown {
  const { host, tree } = lab;
  const files = readdirSync(tree.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort()
    .map((path) => `${path} ${lstatSync(path).mtimeMs} ${readFileSync(path, "latin1")}`);
  const metrics = prometheus(readMetrics(host, "1"))
    .split("\n")
    .filter((line) => !/^(process|powermon_(uptime|event_loop|domain_time_in_state))_/.test(line));
  return { files, metrics, told: told(), events: host.events.last, log: lab.log.length, claims: claims() };
}

const claims = () =>
  [...lab.host.ledger.claims()].map(({ grant, claimant, level, superseded }) => ({
    ...grant,
    by: claimant.by,
    level: { ...level },
    superseded,
  }));

/** Changes that tell of their dry run by their own answer. */
const SELF_TOLD: ReadonlySet<string> = new Set(["changeVm", "reload", "applyProfile"]);

/** What each clock is told, and for whom. */
function told(): ReadonlyMap<number, unknown> {
  const { cpufreq, ledger } = lab.host;
  return new Map(
    cpufreq.domains.map((domain) => {
      const { winner, clippedBy } = ledger.decide(domain) ?? {};
      const vm = winner?.grant.vm || undefined;
      const whose = { by: winner?.claimant.by, vm, vcpu: vm && winner?.grant.vcpu, clippedBy };
      return [domain.id, JSON.stringify({ khz: domain.target, ...whose })];
    }),
  );
}

/** What each clock would be told. */
const foretold = (before: ReadonlyMap<number, unknown>, { clocks }: Pick<DryRunReport, "clocks">) =>
  new Map([
    ...before,
    ...clocks.map(({ domain, after: { khz, by, vm, vcpu, clippedBy } }) => {
      return [domain, JSON.stringify({ khz, by, vm, vcpu, clippedBy })] as const;
    }),
  ]);

test.each([
  ["acpi-cpufreq-4cpu-independent", 1],
  ["acpi-cpufreq-4cpu-2domains", 2],
  ["acpi-cpufreq-4cpu-boost", 3],
  ["intel-server-8cpu", 4],
])(
  "dry runs on %s touch nothing, and tell what the change then does",
  async (tree, seed) => {
    lab = new Lab(tree);
    let says: object = SAYS;
    const load: LoadConfig = (runtime) => lab.load(says, runtime);
    const asks = lab.asks(SAYS, {}, load) as unknown as Readonly<Record<string, Asker>>;
    const dry = lab.rehearsals as unknown as Readonly<Record<string, Asker>>;
    const some = dice(seed);
    const guests = await Promise.all(["vm1.0", "vm1.1", "vm2.0", "a.b.0"].map((name) => lab.guest(name)));
    const seen = new Set<string>();
    for (let turn = 0; turn < 90; turn++) {
      const guest = some.pick(guests);
      if (some.roll(2) === 0 && isServed(guest.path))
        await ask(
          guest,
          some.roll(4) === 0 ? ownPolicy(some) : frame({ step: some.pick(STEPS), vcpu: some.roll(2) }),
        );
      const [name, said] = change(some);
      if (name === "reload") says = file(some);
      const what = `${turn} ${name} ${JSON.stringify(said)}`;
      const before = state();
      const was = told();
      const tried = await (SELF_TOLD.has(name)
        ? asks[name]?.({ ...said, dryRun: true })
        : dry[name]?.({ ...said, dryRun: true }));
      expect(state(), what).toEqual(before);
      const done = await asks[name]?.({ ...said, ...(SELF_TOLD.has(name) && { dryRun: false }) });
      // Claims follow pins at the next look.
      lab.host.upkeep.look();
      if (tried === undefined || done === undefined) throw new Error(what);
      if (!tried.ok || !done.ok) {
        expect(tried, what).toEqual(done);
        seen.add(`${name} is refused`);
        continue;
      }
      const report = tried.value as DryRunReport;
      seen.add(`${name}${report.clocks.length > 0 ? " moves a clock" : ""}`);
      if (report.warnings.some((sentence) => sentence.includes("Turbo is switched"))) continue;
      expect(told(), what).toEqual(foretold(was, report) as ReadonlyMap<number, unknown>);
      await until("channels are connected", () =>
        [...lab.host.channels.all].every((channel) => channel.state === "connected"),
      );
    }
    expect(seen.size).toBeGreaterThan(15);
  },
  60_000,
);

test("a dry run of a pin tells where claims and policies go with their vCPU, and touches nothing", async () => {
  const proc = makeProc();
  try {
    lab = new Lab("acpi-cpufreq-4cpu-independent", proc.root);
    const pin = (vcpu: number, cpus: string) =>
      proc.thread(process.pid, 70_000 + vcpu, `CPU ${vcpu}/KVM`, cpus);
    pin(0, "2");
    pin(1, "3");
    const asks = lab.asks({ pinning: { sources: ["proc"] } });
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    await ask(vm1, frame({ step: "min", vcpu: 1 }));
    value(
      asks.setPolicy({
        vm: "vm1",
        policy: { type: "workload", workload: "medium", vcpus: [1] },
        save: false,
      }),
    );
    for (const [vcpu, cpus, why] of [
      [0, [0], undefined],
      [1, [0], undefined],
      [1, [2], undefined],
      [0, [1, 2], "floats over pCPUs 1,2"],
      [0, [0], undefined],
    ] as const) {
      const before = state();
      const was = told();
      const tried = value(await lab.rehearsals.pinVcpu({ vm: "vm1", vcpu, pcpus: cpus }));
      expect(state()).toEqual(before);
      expect(tried.changes).toMatchObject([
        { what: `CPUs of vCPU ${vcpu} of VM vm1`, after: cpus.join("-") },
      ]);
      if (why === undefined) expect(tried.warnings).toEqual([]);
      else expect(tried.warnings.join()).toContain(why);
      pin(vcpu, cpus.join(","));
      for (const vm of lab.host.channels.vms) vm.forgetPlaces();
      lab.host.upkeep.look();
      expect(told()).toEqual(foretold(was, tried) as ReadonlyMap<number, unknown>);
    }
    expect(message(await lab.rehearsals.pinVcpu({ vm: "vm1", vcpu: 5, pcpus: [0] }))).toBe(
      message(await asks.pinVcpu({ vm: "vm1", vcpu: 5, pcpus: [0] })),
    );
  } finally {
    proc.remove();
  }
});

test("a dry run warns of a policy that would wait, and not of one that waits already", async () => {
  lab = new Lab();
  const policy = { type: "workload", workload: "low", vcpus: [5] };
  const waiting = { ...SAYS, vm: { ...SAYS.vm, "a.b": { pins: { 0: 1 }, policy } } };
  const more = { ...waiting, vm: { ...waiting.vm, vm1: { ...SAYS.vm.vm1, policy } } };
  let says = waiting;
  const asks = lab.asks(waiting, {}, (runtime) => lab.load(says, runtime));
  await lab.guest("vm1.0");
  await lab.guest("a.b.0");
  expect(asks.policies().value.find(({ vm }) => vm === "a.b")?.problem).toContain("vCPU 5");
  expect(value(asks.reload({ dryRun: true })).warnings).toEqual([]);
  says = more;
  expect(value(asks.reload({ dryRun: true })).warnings).toEqual([
    expect.stringMatching(/^Policy waits: vCPU 5 of VM "vm1"/),
  ]);
});

/** Whether a guest's request would be answered. */
const isServed = (path: string): boolean =>
  [...lab.host.channels.all].some(
    (channel) => channel.path === path && channel.enabled && channel.state === "connected",
  );
