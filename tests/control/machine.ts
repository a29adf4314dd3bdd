// A small machine behind the control server's interface: two VMs, four CPUs, settings that can be changed.

import type {
  ProfileReport,
  ProfileStateReport,
  SuspendAsk,
  SuspendReport,
} from "../../internal/api/power-operations.ts";
import type {
  ChannelReport,
  Done,
  ExplainReport,
  FreqReport,
  HappenedEvent,
  LiveDomain,
  LiveReport,
  Operations,
  PolicyReport,
  Problem,
  VmReport,
} from "../../internal/api/operations.ts";

const no = (code: Problem["code"], message: string) => ({ ok: false, error: { code, message } }) as const;
const yes = <T>(value: T) => ({ ok: true, value }) as const;

function vmReport(vm: string, pcpus: readonly (readonly number[])[]): VmReport {
  return {
    vm,
    pid: 4711,
    channels: pcpus.map((_, i) => i),
    vcpus: pcpus.map((cpus, vcpu) => ({
      vcpu,
      pcpus: cpus,
      why: cpus.length === 0 ? "no source knows it" : undefined,
      source: cpus.length === 0 ? undefined : "proc",
      domains: cpus,
      wishKhz: vcpu === 0 ? 2_600_000 : undefined,
      targetKhz: vcpu === 0 ? 2_400_000 : undefined,
      lastRefusal: undefined,
    })),
    counts: { requests: 7, refused: 1 },
    settings: {
      queries: { value: false, from: "default" },
      turbo: { value: true, from: "/etc/powermon/powermon.toml" },
      floor: { value: "min", from: "default" },
      ceiling: { value: 2_400_000, from: "/etc/powermon/powermon.toml" },
      commands: { value: ["up", "down"], from: "default" },
      requestsPerSecond: { value: 0, from: "default" },
      burst: { value: 100, from: "default" },
      wire: { value: "auto", from: "default" },
      leaseS: { value: 0, from: "default" },
    },
  };
}

const channel = (vm: string, n: number): ChannelReport => ({
  vm,
  channel: n,
  path: `/run/powermon/channels/${vm}.${n}`,
  state: "connected",
  enabled: true,
  generation: n === 0 ? "18.11" : undefined,
  counts: { requests: 3 },
});

const freqReport = (cpu: number, targetKhz: number | undefined): FreqReport => ({
  cpu,
  policy: cpu,
  driver: "acpi-cpufreq",
  governor: "userspace",
  targetKhz,
  currentKhz: targetKhz ?? 1_200_000,
  minKhz: 1_200_000,
  nominalKhz: 2_400_000,
  maxKhz: 2_600_000,
  turbo: true,
  frequenciesKhz: [2_600_000, 2_400_000, 1_200_000],
  operatorClaim: targetKhz !== undefined,
});

const policyReport = (vm: string, written: object): PolicyReport => ({
  vm,
  origin: "operator",
  type: "workload",
  inForce: true,
  vcpus: "all",
  turbo: false,
  wishes: [{ vcpu: 0, level: "min" }],
  dueAt: undefined,
  pps: undefined,
  problem: undefined,
  rule: written,
});

/** What a guest gave while the operator's stands. */
const GUEST_POLICY: PolicyReport = {
  vm: "vm1",
  origin: "guest",
  type: "traffic",
  inForce: false,
  vcpus: [0, 1],
  turbo: true,
  wishes: [],
  dueAt: "2026-01-02T03:04:00.000Z",
  pps: 1234.4,
  problem: "nothing counts yet",
  rule: { type: "traffic" },
};

const liveDomain = (policy: number, holder: LiveDomain["holder"]): LiveDomain => ({
  policy,
  cpus: [policy],
  minKhz: 1_200_000,
  nominalKhz: 2_400_000,
  maxKhz: 2_600_000,
  floorKhz: 1_200_000,
  ceilingKhz: 2_400_000,
  targetKhz: holder && 2_400_000,
  claims: holder === undefined ? 0 : 2,
  holder,
  clippedBy: holder && "vm",
});

const LIVE: LiveReport = {
  at: "2026-01-02T03:04:05.678Z",
  uptimeS: 3723,
  domains: [
    liveDomain(0, undefined),
    liveDomain(1, { by: "operator", vm: undefined, vcpu: undefined, wishKhz: 2_400_000 }),
    liveDomain(2, { by: "guest", vm: "vm1", vcpu: 0, wishKhz: 2_600_000 }),
    liveDomain(3, undefined),
  ],
  vms: [
    { vm: "vm1", channels: 2, connected: 2, requests: 7, refused: 1, failed: 0, policy: undefined },
    {
      vm: "vm2",
      channels: 1,
      connected: 0,
      requests: 0,
      refused: 0,
      failed: 0,
      policy: { type: "time", origin: "operator" },
    },
  ],
  refusals: [{ at: "2026-01-02T03:04:05.678Z", vm: "vm1", vcpu: 1, message: "Queries are off for vm1." }],
};

const PROFILES: readonly ProfileReport[] = ["balanced", "night"].map((name) => ({
  name,
  from: name === "night" ? "configuration" : "built in",
  summary: "",
  missing: "skip",
  inForce: name === "balanced",
  rules: [{ cpus: "all" }],
}));
const BOOST = { path: "cpufreq/boost", knob: "boost", text: "0" };

/** Host profiles and sleep: "balanced" is in force and one attribute has drifted; freeze is blocked. */
const power = (calls: (readonly unknown[])[]): Operations["power"] => ({
  capabilities: () => Promise.resolve(yes({ arch: "x86_64", problems: [], sleep: { mem: {} } })),
  profiles: () => PROFILES,
  applyProfile(name, cpus, dryRun) {
    calls.push(["applyProfile", name, cpus, dryRun]);
    if (!PROFILES.some((one) => one.name === name))
      return no("invalid", `There is no profile ${JSON.stringify(name)}.`);
    return yes({
      profile: name,
      applied: !dryRun,
      changes: [{ ...BOOST, from: "1" }],
      left: [{ knob: "epp", where: "policy0", why: "there is none" }],
      rounded: [],
    });
  },
  profileOff() {
    calls.push(["profileOff"]);
    return yes({ profile: "balanced", stale: false, restored: [{ ...BOOST, text: "1" }] });
  },
  verifyProfile: () =>
    yes<ProfileStateReport>({
      state: "applied",
      profile: "balanced",
      since: "2026-01-02T03:04:05.678Z",
      originals: [{ ...BOOST, text: "1" }],
      wanted: [BOOST],
      drift: [{ ...BOOST, found: "1" }],
      held: [2],
    }),
  async suspend(ask: SuspendAsk) {
    calls.push(["suspend", ask]);
    await Promise.resolve();
    if (ask.target === "freeze" && !ask.force) return no("refused", "VM vm1 runs and has 1 claim.");
    const slept: SuspendReport = {
      target: ask.target,
      via: "kernel",
      slept: !ask.dryRun,
      clock: "rtc0",
      blockers: [],
      warnings: ["30 s is short"],
      prepared: [],
      record: ask.dryRun ? undefined : { sleptS: 29.5, clockS: 30, wokenBy: "the wake alarm" },
      notRestored: [],
    };
    return yes(slept);
  },
});

/** A machine and the calls that changed it. */
export interface TestMachine extends Operations {
  readonly calls: readonly (readonly unknown[])[];
  readonly listeners: ReadonlySet<(event: HappenedEvent) => void>;
  happen(event: HappenedEvent): void;
}

/** Makes the machine: vm1 with vCPUs on pCPUs 2 and 3, vm2 with one vCPU that has no place. */
export function testMachine(): TestMachine {
  const vms = new Map([
    ["vm1", vmReport("vm1", [[2], [3]])],
    ["vm2", vmReport("vm2", [[]])],
  ]);
  const targets = new Map<number, number>();
  const policies = new Map([["vm1", policyReport("vm1", { type: "workload", workload: "low" })]]);
  const calls: (readonly unknown[])[] = [];
  const listeners = new Set<(event: HappenedEvent) => void>();
  const known = (name: string): Done<VmReport> => {
    const vm = vms.get(name);
    return vm === undefined ? no("not-found", `There is no VM ${JSON.stringify(name)}.`) : yes(vm);
  };
  const policiesOf = (vm: string): readonly PolicyReport[] => [
    ...(policies.has(vm) ? [policies.get(vm) as PolicyReport] : []),
    ...(vm === "vm1" ? [GUEST_POLICY] : []),
  ];
  const freq = (cpus: readonly number[] | "all"): Done<readonly FreqReport[]> => {
    const wanted = cpus === "all" ? [0, 1, 2, 3] : cpus;
    const odd = wanted.find((cpu) => cpu > 3);
    return odd === undefined
      ? yes(wanted.map((cpu) => freqReport(cpu, targets.get(cpu))))
      : no("not-found", `There is no CPU ${odd}.`);
  };
  return {
    calls,
    listeners,
    happen: (event) => listeners.forEach((listener) => listener(event)),
    status: () => ({
      version: "1.2.3",
      pid: 99,
      uptimeS: 3723,
      configFiles: ["/etc/powermon/powermon.toml"],
      dirs: ["/run/powermon/channels"],
      stateDir: "/var/lib/powermon",
      domains: 4,
      drivers: ["acpi-cpufreq"],
      problems: [],
      vms: vms.size,
      channels: { total: 3, connected: 2 },
      claims: 1,
      counts: { requests: 7 },
    }),
    vms: () => [...vms.values()],
    vm: known,
    addVm(name) {
      calls.push(["addVm", name]);
      return name === "full" ? no("busy", "There is no room for another VM.") : yes(undefined);
    },
    removeVm(name) {
      calls.push(["removeVm", name]);
      const vm = known(name);
      return vm.ok ? yes(undefined) : vm;
    },
    changeVm(name, change, save) {
      calls.push(["changeVm", name, change, save]);
      const vm = known(name);
      if (!vm.ok) return vm;
      const { settings } = vm.value;
      const queries =
        change.queries === undefined ? settings.queries : { value: change.queries, from: "runtime" };
      const changed = { ...vm.value, settings: { ...settings, queries } };
      vms.set(name, changed);
      return yes(changed);
    },
    async pinVcpu(name, vcpu, pcpus) {
      calls.push(["pinVcpu", name, vcpu, pcpus]);
      await Promise.resolve();
      const vm = known(name);
      if (!vm.ok) return vm;
      const report = vm.value.vcpus[vcpu];
      if (report === undefined) return no("refused", `VM ${JSON.stringify(name)} has no vCPU ${vcpu}.`);
      return yes({ ...report, pcpus, domains: pcpus });
    },
    live: () => LIVE,
    channels: () => [channel("vm1", 0), channel("vm1", 1), channel("vm2", 0)],
    addChannels(vm, channels) {
      calls.push(["addChannels", vm, channels]);
      return yes((channels === "all" ? [0, 1] : channels).map((n) => channel(vm, n)));
    },
    removeChannels(vm, channels) {
      calls.push(["removeChannels", vm, channels]);
      return yes(undefined);
    },
    enableChannels(vm, channels, enabled) {
      calls.push(["enableChannels", vm, channels, enabled]);
      return yes(undefined);
    },
    freq,
    setFreq(cpus, target) {
      calls.push(["setFreq", cpus, target]);
      if (target === "turbo-on") return no("unsupported", "CPU 0 has no turbo frequencies.");
      const khz = typeof target === "number" ? target : target === "max" ? 2_400_000 : 1_200_000;
      for (const cpu of cpus) targets.set(cpu, khz);
      return freq(cpus);
    },
    releaseFreq(cpus) {
      calls.push(["releaseFreq", cpus]);
      for (const cpu of cpus === "all" ? [...targets.keys()] : cpus) targets.delete(cpu);
      return freq(cpus);
    },
    explain(cpu): Done<ExplainReport> {
      const report = freq([cpu]);
      const first = report.ok ? report.value[0] : undefined;
      if (first === undefined) return no("not-found", `There is no CPU ${cpu}.`);
      const winner = {
        by: "guest",
        vm: "vm1",
        vcpu: 0,
        wishKhz: 2_600_000,
        turbo: true,
        clippedKhz: 2_400_000,
      } as const;
      return yes({
        ...first,
        sharedWith: [],
        siblingPolicies: [1],
        claims: [winner, { ...winner, by: "operator", vm: undefined, vcpu: undefined, wishKhz: 1_200_000 }],
        siblingClaims: [],
        winner,
        clippedBy: "vm",
        site: { floorKhz: undefined, ceilingKhz: 2_500_000 },
        why: ["vCPU 0 of vm1 wishes 2600000 kHz.", "The ceiling of vm1 clips it to 2400000 kHz."],
        lastRefusals: [
          { at: "2026-01-02T03:04:05.678Z", vm: "vm1", vcpu: 1, message: "Queries are off for vm1." },
        ],
        lastWrite: { at: "2026-01-02T03:04:05.678Z", khz: 2_400_000, error: undefined },
      });
    },
    policies: () => [...policies.keys()].sort().flatMap(policiesOf),
    policy(vm) {
      const found = policiesOf(vm);
      return found.length > 0 ? yes(found) : no("not-found", `VM ${JSON.stringify(vm)} has no policy.`);
    },
    setPolicy(vm, written, save) {
      calls.push(["setPolicy", vm, written, save]);
      if (!Object.hasOwn(written, "type")) return no("invalid", "the policy: type is missing.");
      policies.set(vm, policyReport(vm, written));
      return yes(policiesOf(vm));
    },
    removePolicy(vm, save) {
      calls.push(["removePolicy", vm, save]);
      return policies.delete(vm)
        ? yes(undefined)
        : no("not-found", `VM ${JSON.stringify(vm)} has no operator's policy.`);
    },
    resumed() {
      calls.push(["resumed"]);
      return yes(undefined);
    },
    power: power(calls),
    reload() {
      calls.push(["reload"]);
      return yes({ files: ["/etc/powermon/powermon.toml"] });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
