// The kernel's cpufreq core: policies, their files and their governors. Source: drivers/cpufreq/cpufreq.c of Linux 6.12.

import { Errno, refuse } from "./errno.ts";
import { type Attribute, CPU, type Files } from "./files.ts";
import { NO_LIMIT, Policy, type Range, type Relation } from "./policy.ts";
import { firstWord, leadingNumber, truth, wholeNumber } from "./texts.ts";

/** What a driver adds to the core. */
export interface Driver {
  readonly name: string;
  /** It decides by itself (struct cpufreq_driver, setpolicy): governors performance and powersave only. */
  readonly active: boolean;
  /** The governor that policies begin with. */
  readonly governor: string;
  /** boost_enabled of the driver as a whole; absent where it has no boost files. */
  readonly boost?: boolean;
  /** It has offline() and online(): a policy keeps what it had while its CPUs are away. Else it is made anew. */
  readonly keeps: boolean;
  readonly files: (policy: Policy) => Readonly<Record<string, Attribute>>;
  /** `boostOn` is the driver's global state now. */
  readonly init: (policy: Policy, boostOn: boolean) => void;
  readonly online?: (policy: Policy) => void;
  readonly offline?: (policy: Policy) => void;
  readonly verify: (policy: Policy, wanted: Range) => Range;
  /** Limits or governor are new (setpolicy()). */
  readonly limited?: (policy: Policy) => void;
  /** It wants to be told a frequency that stands already (CPUFREQ_NEED_UPDATE_LIMITS). */
  readonly always?: boolean;
  /** Runs the policy at `frequency`, which is within its limits; returns what it runs at then. */
  readonly target?: (policy: Policy, frequency: number, relation: Relation) => number;
  /** Source: set_boost(). */
  readonly setBoost?: (policy: Policy, on: boolean) => void;
}

/** Debian's, in the order in which they register. */
export const GOVERNORS = ["conservative", "powersave", "ondemand", "userspace", "performance", "schedutil"];
const ACTIVE_GOVERNORS = ["performance", "powersave"];

/** What a kernel has beside the driver. */
export interface Kernel {
  readonly governors: readonly string[];
  /** A boost file for each policy: Linux 6.11 and later. */
  readonly ownBoost: boolean;
  /** A write to the global boost file reaches each policy that stands otherwise, as the file itself or not: Linux 6.16. */
  readonly forcesBoost: boolean;
}

/** The core with at most one driver. */
export class Cpufreq {
  driver: Driver | undefined;
  readonly policies = new Map<number, Policy>();
  readonly online = new Set<number>();
  /** Readings after a write of a limit that show the old one: the kernel takes it over in a work item of its own. */
  lateReads = 0;
  private boostOn = false;
  private readonly files: Files;
  private readonly related: ReadonlyMap<number, readonly number[]>;
  private readonly kernel: Kernel;

  /** `related` is the CPUs of each policy, by its number. */
  constructor(files: Files, related: ReadonlyMap<number, readonly number[]>, kernel: Kernel) {
    this.files = files;
    this.kernel = kernel;
    this.related = related;
  }

  /** Source: cpufreq_register_driver(): policies of the CPUs that are online now; the others' come with them. */
  register(driver: Driver): void {
    this.driver = driver;
    this.boostOn = driver.boost ?? false;
    if (driver.setBoost)
      this.files.set(`${CPU}/cpufreq/boost`, {
        show: () => digit(this.boostOn),
        store: (text) => this.storeBoost(truth(text)),
      });
    for (const cpu of this.online) this.cpuUp(cpu);
  }

  /** Source: cpufreq_unregister_driver(). Limits that were asked for go with the policies. */
  unregister(): void {
    for (const policy of this.policies.values()) {
      if (policy.cpus.size > 0) this.driver?.offline?.(policy);
      this.files.remove(`${CPU}/cpufreq/policy${policy.id}`);
      for (const cpu of policy.related) this.files.remove(`${CPU}/cpu${cpu}/cpufreq`);
    }
    this.policies.clear();
    this.files.remove(`${CPU}/cpufreq/boost`);
    this.driver = undefined;
  }

  /** Source: cpufreq_online(). */
  cpuUp(cpu: number): void {
    const { driver } = this;
    const id = [...this.related].find(([, cpus]) => cpus.includes(cpu))?.[0];
    if (!driver || id === undefined) return;
    const known = this.policies.get(id);
    const policy = known ?? new Policy(id, this.related.get(id) ?? [cpu]);
    if (policy.cpus.size > 0) {
      policy.cpus.add(cpu);
      return;
    }
    policy.cpus.add(cpu);
    policy.governor = undefined;
    if (known && driver.keeps) driver.online?.(policy);
    else driver.init(policy, this.boostOn);
    if (!known) this.addFiles(policy, driver);
    this.setPolicy(policy, policy.last ?? driver.governor);
  }

  /** Source: cpufreq_offline(): the files stay and answer EBUSY once the last CPU is gone. */
  cpuDown(cpu: number): void {
    for (const policy of this.policies.values()) {
      if (!policy.cpus.delete(cpu) || policy.cpus.size > 0) continue;
      policy.last = policy.governor;
      this.driver?.offline?.(policy);
    }
  }

  /** Works limits and governor out anew. Source: cpufreq_set_policy(). */
  setPolicy(policy: Policy, governor = policy.governor): void {
    const { driver } = this;
    if (!driver || policy.cpus.size === 0) return;
    policy.late = undefined;
    policy.take(driver.verify(policy, policy.requested()));
    const starts = policy.governor !== governor;
    policy.governor = governor;
    // Source: cpufreq_userspace_policy_start().
    if (starts) policy.setspeed = policy.cur;
    if (driver.active) driver.limited?.(policy);
    else this.govern(policy);
  }

  /** All active policies, as for_each_active_policy(). */
  active(): Policy[] {
    return [...this.policies.values()].filter((policy) => policy.cpus.size > 0);
  }

  /** What the governor does at once when limits change. Source: cpufreq_performance.c, cpufreq_powersave.c, cpufreq_userspace.c. */
  govern(policy: Policy): void {
    const { governor, min, max, setspeed } = policy;
    if (governor === "performance") this.target(policy, max, "H");
    else if (governor === "powersave") this.target(policy, min, "L");
    else if (governor === "userspace" && max < setspeed) this.target(policy, max, "H");
    else if (governor === "userspace") this.target(policy, setspeed, "L");
    // The rest follow the load, of which there is none: within the limits is all that counts.
    else this.target(policy, policy.cur, "L");
  }

  /** Source: __cpufreq_driver_target(). */
  private target(policy: Policy, frequency: number, relation: Relation): void {
    const resolved = policy.resolve(frequency, relation);
    if (resolved === policy.cur && !this.driver?.always) return;
    policy.cur = this.driver?.target?.(policy, resolved, relation) ?? resolved;
  }

  /** Source: store_boost(), cpufreq_boost_trigger_state(): nothing happens when it stands so; offline CPUs are passed by. */
  private storeBoost(on: boolean): void {
    if (this.boostOn === on && !this.kernel.forcesBoost) return;
    this.boostOn = on;
    for (const policy of this.active()) {
      if (this.kernel.forcesBoost && policy.boost === on) continue;
      try {
        this.switchBoost(policy, on);
      } catch {
        this.boostOn = !on;
        refuse("EINVAL");
      }
    }
  }

  private switchBoost(policy: Policy, on: boolean): void {
    policy.boost = on;
    try {
      this.driver?.setBoost?.(policy, on);
    } catch (cause) {
      policy.boost = !on;
      throw cause;
    }
    // Each of them changes a request or asks for new limits itself.
    this.setPolicy(policy);
  }

  /** Source: cpufreq_add_dev_interface(). */
  private addFiles(policy: Policy, driver: Driver): void {
    this.policies.set(policy.id, policy);
    const files: Record<string, Attribute> = {
      affected_cpus: { show: () => [...policy.cpus].sort((a, b) => a - b).join(" ") },
      related_cpus: { show: () => policy.related.join(" ") },
      cpuinfo_min_freq: { show: () => `${policy.hardware.min}` },
      cpuinfo_max_freq: { show: () => `${policy.hardware.max}` },
      scaling_driver: { show: () => driver.name },
      scaling_cur_freq: { show: () => `${policy.cur}` },
      scaling_available_governors: {
        show: () => (driver.active ? ACTIVE_GOVERNORS.join(" ") : `${this.kernel.governors.join(" ")} `),
      },
      scaling_governor: {
        show: () => policy.governor ?? refuse("EINVAL"),
        store: (text) => this.storeGovernor(policy, firstWord(text, 15)),
      },
      scaling_min_freq: this.limit(policy, "min"),
      scaling_max_freq: this.limit(policy, "max"),
      // Source: show_scaling_setspeed(), store_scaling_setspeed(): of governor userspace alone.
      scaling_setspeed: {
        show: () => (policy.governor === "userspace" ? `${policy.cur}` : "<unsupported>"),
        store: (text) => {
          if (policy.governor !== "userspace") refuse("EINVAL");
          policy.setspeed = leadingNumber(text);
          this.target(policy, policy.setspeed, "L");
        },
      },
      // Source: show_local_boost(), store_local_boost(): a policy's own file since 6.11, refused while the global one is 0.
      ...(this.kernel.ownBoost &&
        driver.setBoost && {
          boost: {
            show: () => digit(policy.boost),
            store: (text: string) => {
              const on = truth(text);
              if (!this.boostOn) refuse("EINVAL");
              if (policy.boost !== on) this.switchBoost(policy, on);
            },
          },
        }),
      ...driver.files(policy),
    };
    for (const [name, file] of Object.entries(files))
      this.files.set(`${CPU}/cpufreq/policy${policy.id}/${name}`, whileActive(policy, file));
    for (const cpu of policy.related)
      this.files.set(`${CPU}/cpu${cpu}/cpufreq`, { link: `../cpufreq/policy${policy.id}` });
  }

  /** Source: store_one(), freq_qos_update_request(): what is written is a request, kept as it is; -1 as 32 bits means none. */
  private limit(policy: Policy, end: keyof Range): Attribute {
    return {
      show: () => {
        if (policy.late === 0) this.setPolicy(policy);
        else if (policy.late !== undefined) policy.late--;
        return `${policy[end]}`;
      },
      store: (text) => {
        const value = wholeNumber(text) | 0;
        if (value < -1) throw new Errno("EINVAL");
        if (value === -1) policy.asked[end] = end === "min" ? 0 : NO_LIMIT;
        else policy.asked[end] = value;
        // Source: cpufreq_notifier_max(), which schedules handle_update().
        if (this.lateReads > 0) policy.late = this.lateReads;
        else this.setPolicy(policy);
      },
    };
  }

  /** Source: store_scaling_governor(). */
  private storeGovernor(policy: Policy, word: string): void {
    const known = this.driver?.active ? ACTIVE_GOVERNORS : this.kernel.governors;
    const governor = known.find((name) => name === word.toLowerCase());
    this.setPolicy(policy, governor ?? refuse("EINVAL"));
  }
}

/** Returns `file` as it is while a CPU of its policy is online; else it answers EBUSY. Source: show() and store(), policy_is_inactive(). */
function whileActive(policy: Policy, file: Attribute): Attribute {
  const guard = () => {
    if (policy.cpus.size === 0) refuse("EBUSY");
  };
  const { show, store } = file;
  return {
    ...(show && {
      show: () => {
        guard();
        return `${show()}\n`;
      },
    }),
    ...(store && {
      store: (text: string) => {
        guard();
        store(text);
      },
    }),
  };
}

function digit(on: boolean): string {
  return `${on ? 1 : 0}`;
}
