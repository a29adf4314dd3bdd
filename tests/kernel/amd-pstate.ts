// amd-pstate in its three modes. Source: drivers/cpufreq/amd-pstate.c of Linux 6.12.

import { type Captured, capturedOf, restOf } from "./captured.ts";
import type { Cpufreq, Driver } from "./cpufreq.ts";
import { refuse } from "./errno.ts";
import { type Attribute, CPU, type Files } from "./files.ts";
import type { Asked } from "./machines.ts";
import { clamp, type Policy } from "./policy.ts";
import { firstWord } from "./texts.ts";

/** Source: energy_perf_strings and epp_values; default is what the processor came up with. */
const EPP = {
  default: 0,
  performance: 0,
  balance_performance: 0x80,
  balance_power: 0xbf,
  power: 0xff,
} as const;
const MODES = ["active", "passive", "guided", "disable"] as const;
type Mode = (typeof MODES)[number];

export interface AmdOptions {
  /** Core performance boost is there (X86_FEATURE_CPB). */
  readonly cpb: boolean;
  /** Where the minimum stands that nobody asked for, kHz: the lowest non-linear frequency since 6.13 (amd_pstate_verify()). */
  readonly unaskedMin: number;
  /** Its driver has boost files: passive ones always, active ones since 6.11. */
  readonly boostFiles: boolean;
  /** Any other frequency is nominal or below; kHz. */
  readonly nominal: number;
  /** On the scale of CPPC, of the highest, the nominal and the lowest frequency. */
  readonly perf: { readonly highest: number; readonly nominal: number; readonly lowest: number };
}

/** The driver and its files under amd_pstate. */
export class AmdPstate {
  private mode: Mode = "disable";
  /** Raw, by CPU: the register outlives the driver. */
  readonly epp = new Map<number, number>();
  private readonly eppDefault = new Map<number, number>();
  private readonly core: Cpufreq;
  private readonly captured: ReadonlyMap<number, Captured>;
  private readonly options: AmdOptions;

  constructor(core: Cpufreq, captured: ReadonlyMap<number, Captured>, options: AmdOptions) {
    this.core = core;
    this.captured = captured;
    this.options = options;
  }

  /** Returns the raw value of an energy hint's word. */
  static rawEpp(word: string): number {
    return Object.entries(EPP).find(([known]) => known === word)?.[1] ?? 0;
  }

  /** Brings the driver up in `mode`. */
  start(files: Files, mode: Mode): void {
    files.set(`${CPU}/amd_pstate/status`, {
      show: () => `${this.mode}\n`,
      store: (text) => this.storeStatus(text.split("\n", 1)[0] ?? ""),
    });
    this.register(mode);
  }

  /** What the hardware is asked for. Source: amd_pstate_epp_update_limit(), amd_pstate_update_min_max_limit(). */
  asked(policy: Policy, cpu: number): Asked {
    const { highest, nominal, lowest } = this.options.perf;
    const top = this.options.cpb && !policy.boost ? nominal : highest;
    const scaled = (khz: number) => Math.floor((khz * top) / policy.hardware.max);
    const min = Math.max(lowest, scaled(policy.min));
    const max = Math.max(min, scaled(policy.max));
    const epp = this.epp.get(cpu) ?? 0;
    if (this.mode === "active")
      return { min: policy.governor === "performance" ? Math.min(nominal, max) : min, max, desired: 0, epp };
    const desired = Math.round((policy.cur * highest) / capturedOf(this.captured, policy).hardware.max);
    return { min, max, desired: clamp(desired, { min, max }), epp: 0 };
  }

  /** Source: amd_pstate_update_status(), mode_state_machine: between passive and guided the policies stay. */
  private storeStatus(word: string): void {
    const mode = MODES.find((known) => known === word) ?? refuse("EINVAL");
    if (mode === this.mode) return;
    const same = [mode, this.mode].every((one) => one === "passive" || one === "guided");
    if (same) {
      this.mode = mode;
      return;
    }
    this.core.unregister();
    this.register(mode);
  }

  private register(mode: Mode): void {
    this.mode = mode;
    if (mode === "disable") return;
    this.core.register(mode === "active" ? this.activeDriver() : this.passiveDriver());
  }

  private common(): Omit<Driver, "name" | "active" | "governor" | "keeps"> {
    return {
      boost: this.options.cpb,
      files: (policy) => restOf(this.captured, policy),
      init: (policy) => {
        policy.hardware = { ...capturedOf(this.captured, policy).hardware };
        policy.boost = this.options.cpb;
        policy.cur = policy.hardware.min;
      },
      verify: (policy, { min, max }) => policy.verify({ min: min || this.options.unaskedMin, max }),
      ...(this.options.boostFiles && {
        setBoost: (policy: Policy, on: boolean) => this.switchBoost(policy, on),
      }),
    };
  }

  /** Source: amd_pstate_set_boost(), amd_pstate_cpu_boost_update(). */
  private switchBoost(policy: Policy, on: boolean): void {
    if (!this.options.cpb) refuse("EOPNOTSUPP");
    const { max } = capturedOf(this.captured, policy).hardware;
    policy.hardware.max = on ? max : Math.min(policy.hardware.max, this.options.nominal);
    if (this.mode === "passive") policy.own.max = policy.hardware.max;
  }

  /** Source: amd_pstate_cpu_init(): a request of its own for each end. */
  private passiveDriver(): Driver {
    const common = this.common();
    return {
      ...common,
      name: "amd-pstate",
      active: false,
      governor: "schedutil",
      keeps: false,
      always: true,
      init: (policy, boostOn) => {
        common.init(policy, boostOn);
        policy.own.max = policy.hardware.max;
      },
    };
  }

  /** Source: amd_pstate_epp_cpu_init(): governor performance on servers and where the firmware does not say what it is. */
  private activeDriver(): Driver {
    const common = this.common();
    return {
      ...common,
      name: "amd-pstate-epp",
      active: true,
      governor: "performance",
      keeps: true,
      init: (policy, boostOn) => {
        common.init(policy, boostOn);
        for (const cpu of policy.related) this.eppDefault.set(cpu, this.epp.get(cpu) ?? 0);
      },
      // amd_pstate_epp_cpu_offline(): the hint is set to balance_power, and that is what comes back online.
      offline: (policy) => this.setEpp(policy, EPP.balance_power),
      // amd_pstate_epp_update_limit(): performance is EPP 0, and powersave goes on with what the register holds.
      limited: (policy) => {
        if (policy.governor === "performance") this.setEpp(policy, 0);
        policy.cur = policy.min;
      },
      files: (policy) => ({ ...restOf(this.captured, policy), ...this.eppFiles(policy) }),
    };
  }

  private setEpp(policy: Policy, raw: number): void {
    for (const cpu of policy.related) this.epp.set(cpu, raw);
  }

  private eppFiles(policy: Policy): Record<string, Attribute> {
    const cpu = policy.related[0] ?? 0;
    return {
      // show_energy_performance_available_preferences()
      energy_performance_available_preferences: {
        show: () => (policy.governor === "performance" ? "performance" : `${Object.keys(EPP).join(" ")} `),
      },
      energy_performance_preference: {
        // amd_pstate_get_energy_pref_index(): a raw value without a word is EINVAL.
        show: () => {
          const raw = this.epp.get(cpu);
          const words = Object.entries(EPP).filter(([word]) => word !== "default");
          return words.find(([, value]) => value === raw)?.[0] ?? refuse("EINVAL");
        },
        // amd_pstate_set_energy_pref_index()
        store: (text) => {
          const word = firstWord(text, 20);
          const known = Object.entries(EPP).find(([name]) => name === word)?.[1] ?? refuse("EINVAL");
          const raw = word === "default" ? (this.eppDefault.get(cpu) ?? 0) : known;
          if (raw > 0 && policy.governor === "performance") refuse("EBUSY");
          this.setEpp(policy, raw);
        },
      },
    };
  }
}
