// intel_pstate: active or passive (intel_cpufreq), with HWP or without. Source: drivers/cpufreq/intel_pstate.c of Linux 6.12.

import { type Captured, restOf } from "./captured.ts";
import type { Cpufreq, Driver } from "./cpufreq.ts";
import { refuse } from "./errno.ts";
import { type Attribute, CPU, type Files } from "./files.ts";
import { type Cpu, type EppValues, eppFiles, newCpu, type Pstates, RATIO, switchEpp } from "./intel-cpu.ts";
import type { Asked } from "./machines.ts";
import { clamp, type Policy, type Range, type Relation, within } from "./policy.ts";
import { leadingNumber, wholeNumber } from "./texts.ts";

export interface IntelOptions {
  readonly hwp: boolean;
  /** The firmware forbids turbo (MSR_IA32_MISC_ENABLE). */
  readonly turboOff: boolean;
  readonly epp: EppValues;
}

/** The driver and its files under intel_pstate. */
export class IntelPstate {
  private mode: "off" | "active" | "passive" = "off";
  private noTurbo = false;
  private maxPct = 100;
  private minPct = 0;
  private readonly cpus = new Map<number, Cpu>();

  private readonly files: Files;
  private readonly core: Cpufreq;
  private readonly captured: ReadonlyMap<number, Captured>;
  private readonly pstates: ReadonlyMap<number, Pstates>;
  private readonly options: IntelOptions;

  constructor(
    files: Files,
    core: Cpufreq,
    captured: ReadonlyMap<number, Captured>,
    pstates: ReadonlyMap<number, Pstates>,
    options: IntelOptions,
  ) {
    this.files = files;
    this.core = core;
    this.captured = captured;
    this.pstates = pstates;
    this.options = options;
  }

  /** Brings the driver up, its energy hints being those of the processor. */
  start(mode: "active" | "passive"): void {
    const running = (file: Attribute): Attribute => ({
      ...(file.show && { show: () => this.running() && `${file.show?.()}\n` }),
      ...(file.store && { store: (text: string) => this.running() && file.store?.(text) }),
    });
    const add = (name: string, file: Attribute) => this.files.set(`${CPU}/intel_pstate/${name}`, file);
    for (const name of ["num_pstates", "turbo_pct"]) {
      const text = this.files.line(`${CPU}/intel_pstate/${name}`);
      if (text !== undefined) add(name, running({ show: () => text }));
    }
    add("status", {
      show: () => `${this.mode}\n`,
      store: (text) => this.storeStatus(text.split("\n", 1)[0] ?? ""),
    });
    add(
      "no_turbo",
      running({ show: () => `${this.noTurbo ? 1 : 0}`, store: (text) => this.storeNoTurbo(text) }),
    );
    // store_max_perf_pct(), store_min_perf_pct()
    const percent = (name: "maxPct" | "minPct", range: () => Range) =>
      running({
        show: () => `${this[name]}`,
        store: (text) => {
          this[name] = clamp(leadingNumber(text), range());
          this.percentMoved();
        },
      });
    add(
      "max_perf_pct",
      percent("maxPct", () => ({ min: this.minPct, max: 100 })),
    );
    add(
      "min_perf_pct",
      percent("minPct", () => ({ min: this.lowestPct(), max: this.maxPct })),
    );
    this.register(mode);
  }

  /** What CPU `cpu` was asked for last: ratios. */
  asked(cpu: number): Asked {
    return this.cpu(cpu).request;
  }

  /** Sets the register as the firmware would: raw, behind the driver's back. */
  setRawEpp(cpu: number, raw: number): void {
    this.cpu(cpu).epp = raw;
  }

  /** Writes the energy hint of a policy that was captured, a word or a number. */
  setEpp(id: number, word: string): void {
    this.files.write(`${CPU}/cpufreq/policy${id}/energy_performance_preference`, word);
  }

  setPercent(noTurbo: boolean, max: number, min: number): void {
    this.noTurbo = noTurbo;
    [this.maxPct, this.minPct] = [max, min];
    this.turboMoved();
  }

  private running(): true {
    return this.mode === "off" ? refuse("EAGAIN") : true;
  }

  /** Source: intel_pstate_update_status(): policies are made anew, and limits, no_turbo and per cent are forgotten. */
  private storeStatus(word: string): void {
    if (word === "off") {
      if (this.mode === "off") refuse("EINVAL");
      if (this.options.hwp) refuse("EBUSY");
      this.core.unregister();
      this.cpus.clear();
      this.mode = "off";
      return;
    }
    if (word !== "active" && word !== "passive") return refuse("EINVAL");
    if (word === this.mode) return;
    if (this.mode !== "off") this.core.unregister();
    this.register(word);
  }

  /** Source: intel_pstate_register_driver(). */
  private register(mode: "active" | "passive"): void {
    this.mode = mode;
    const dynamic = `${CPU}/intel_pstate/hwp_dynamic_boost`;
    if (mode === "active" && this.options.hwp) {
      let boost = 0;
      this.files.set(dynamic, {
        show: () => `${boost}\n`,
        store: (text) => {
          boost = wholeNumber(text) ? 1 : 0;
        },
      });
    } else this.files.remove(dynamic);
    this.noTurbo = this.options.turboOff;
    [this.maxPct, this.minPct] = [100, 0];
    this.core.register(mode === "active" ? this.activeDriver() : this.passiveDriver());
    this.minPct = this.lowestPct();
  }

  /** Source: min_perf_pct_min(). */
  private lowestPct(): number {
    const { min, turbo } = this.speeds(0);
    return Math.floor((min / RATIO / (turbo / RATIO)) * 100);
  }

  /** Source: store_no_turbo(). */
  private storeNoTurbo(text: string): void {
    const on = leadingNumber(text) > 0;
    if (this.options.turboOff && !on) refuse("EPERM");
    if (on === this.noTurbo) return;
    this.noTurbo = on;
    const { base, turbo } = this.speeds(0);
    if (on) this.minPct = Math.min(this.minPct, Math.floor((base * 100) / turbo));
    this.turboMoved();
  }

  /** Source: intel_pstate_update_limits_for_all(): offline CPUs are passed by. */
  private turboMoved(): void {
    for (const policy of this.core.active()) {
      policy.hardware.max = this.top(policy);
      this.core.setPolicy(policy);
    }
  }

  /** Source: intel_pstate_update_policies() when active; else update_qos_request(): the per cent are limits like others. */
  private percentMoved(): void {
    for (const policy of this.core.active()) {
      if (this.mode === "passive") Object.assign(policy.own, this.percentOf(policy));
      this.core.setPolicy(policy);
    }
  }

  private percentOf(policy: Policy): Range {
    const { turbo } = this.speeds(policy.id);
    return { min: Math.ceil((turbo * this.minPct) / 100), max: Math.ceil((turbo * this.maxPct) / 100) };
  }

  private speeds(id: number): Pstates {
    return this.pstates.get(id) ?? { min: 0, base: 0, turbo: 0 };
  }

  private top(policy: Policy): number {
    const { base, turbo } = this.speeds(policy.id);
    return this.noTurbo ? base : turbo;
  }

  private cpu(id: number): Cpu {
    const cpu = this.cpus.get(id) ?? newCpu(this.options.epp.balance_performance);
    this.cpus.set(id, cpu);
    return cpu;
  }

  private first(policy: Policy): Cpu {
    return this.cpu(policy.related[0] ?? 0);
  }

  private common(): Omit<Driver, "name" | "active" | "governor"> {
    return {
      keeps: true,
      // __intel_pstate_cpu_init()
      init: (policy) => {
        policy.hardware = { min: this.speeds(policy.id).min, max: this.top(policy) };
        policy.cur = policy.hardware.min;
        const cpu = this.first(policy);
        cpu.eppPowersave = -1;
        cpu.eppGovernor = "";
      },
      // intel_pstate_hwp_offline(), then intel_pstate_hwp_reenable(): the hint that the user set comes back.
      offline: (policy) => {
        const cpu = this.first(policy);
        cpu.eppGovernor = "";
        cpu.epp = cpu.eppCached;
      },
      // intel_pstate_verify_cpu_policy(): clipped by what turbo gives now, not by cpuinfo_max_freq.
      verify: (policy, wanted) => within(wanted, { min: policy.hardware.min, max: this.top(policy) }),
      files: (policy) => ({
        ...restOf(this.captured, policy),
        ...(this.options.hwp && this.hints(policy)),
      }),
    };
  }

  private activeDriver(): Driver {
    return {
      ...this.common(),
      name: "intel_pstate",
      active: true,
      governor: "powersave",
      limited: (policy) => {
        const cpu = this.first(policy);
        cpu.limits = this.ratios(policy, policy);
        const { min, max } = cpu.limits;
        const fixed = policy.governor === "performance";
        policy.cur = policy.min;
        if (this.options.hwp) switchEpp(cpu, policy.governor ?? "");
        cpu.request = { min: fixed ? max : min, max, desired: 0, epp: cpu.epp };
      },
    };
  }

  private passiveDriver(): Driver {
    const common = this.common();
    return {
      ...common,
      name: "intel_cpufreq",
      active: false,
      governor: "schedutil",
      // intel_cpufreq_cpu_init()
      init: (policy, boostOn) => {
        common.init(policy, boostOn);
        Object.assign(policy.own, this.percentOf(policy));
        const cpu = this.first(policy);
        cpu.eppCached = cpu.epp;
      },
      // intel_cpufreq_cpu_offline()
      offline: (policy) => {
        common.offline?.(policy);
        if (!this.options.hwp) policy.cur = policy.hardware.min;
      },
      // intel_cpufreq_verify_policy()
      verify: (policy, wanted) => {
        const verified = common.verify(policy, wanted);
        this.first(policy).limits = this.ratios(policy, verified);
        return verified;
      },
      target: (policy, frequency, relation) => this.target(policy, frequency, relation),
    };
  }

  /** Source: intel_cpufreq_target(), intel_pstate_prepare_request(), intel_cpufreq_hwp_update(). */
  private target(policy: Policy, frequency: number, relation: Relation): number {
    const cpu = this.first(policy);
    const ratio = relation === "H" ? Math.floor(frequency / RATIO) : Math.ceil(frequency / RATIO);
    const min = Math.max(this.speeds(policy.id).min / RATIO, cpu.limits.min);
    const desired = clamp(ratio, { min, max: Math.max(min, cpu.limits.max) });
    const strict = policy.governor === "performance" || policy.governor === "powersave";
    cpu.request = { min: desired, max: strict ? desired : cpu.limits.max, desired, epp: cpu.epp };
    return desired * RATIO;
  }

  /** Source: intel_pstate_update_perf_limits(): a policy's minimum wins over the per cent of all. */
  private ratios(policy: Policy, limits: Range): Range {
    const highest = Math.floor(limits.max / RATIO);
    const lowest = Math.min(Math.floor(limits.min / RATIO), highest);
    const turbo = this.speeds(policy.id).turbo / RATIO;
    const globalMax = Math.ceil((turbo * this.maxPct) / 100);
    const globalMin = Math.min(Math.ceil((turbo * this.minPct) / 100), globalMax);
    const max = Math.max(lowest, Math.min(highest, globalMax));
    return { min: Math.min(Math.max(lowest, globalMin), highest, max), max };
  }

  private hints(policy: Policy): Record<string, Attribute> {
    const held = () => this.mode === "active" && policy.governor === "performance";
    return eppFiles(() => this.first(policy), this.options.epp, held);
  }
}
