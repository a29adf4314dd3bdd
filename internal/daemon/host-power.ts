// The host's own power for as long as the daemon runs: the profile in force, its schedule, the budget, and sleep.

import { DmaLatency } from "../power/profiles/dma-latency.ts";
import { restoreProfile } from "../power/profiles/off.ts";
import { loadProfile } from "../power/profiles/store.ts";
import type { EnterSleep } from "../power/sleep/enter-sleep.ts";
import { type Clock, SYSTEM_CLOCK } from "../rules/desk.ts";
import type { Roots } from "../sysfs/cpufreq/originals.ts";
import { explainSysfs, type SysfsError } from "../values/sysfs-error.ts";
import { capabilitiesAsks } from "./asks/capabilities.ts";
import { profileAsks, profileRehearsals } from "./asks/profiles.ts";
import { sleepAsks, sleepRehearsals } from "./asks/sleep.ts";
import type { Host } from "./host.ts";
import { HostBudget } from "./budget/host-budget.ts";
import { HostSleep } from "./host-sleep.ts";
import { ProfileClock } from "./profiles/profile-clock.ts";
import { profileFollows } from "./profiles/profile-follows.ts";
import { profilesIn } from "./profiles/host-profiles.ts";
import { profileResumed } from "./profiles/profile-resumed.ts";

/** Where the machine is, and what a test puts in place of it. */
export interface PowerOptions {
  readonly roots: Roots;
  /** Stands for /dev/cpu_dma_latency. */
  readonly latency?: DmaLatency;
  /** Sleeps instead of the kernel. */
  readonly enter?: EnterSleep;
  /** The time that the schedule goes by. */
  readonly clock?: Clock;
}

/** Interrupts and the VMs that they are kept from come and go: they are looked at this often, ms. */
const IRQ_MS = 30_000;

export class HostPower {
  /** What an operator can ask of it. */
  readonly asks;
  /** What can be tried of that. */
  readonly rehearsals;
  readonly budget: HostBudget;
  readonly #host: Host;
  readonly #roots: Roots;
  readonly #latency: DmaLatency;
  readonly #schedule: ProfileClock;
  readonly #sleep: HostSleep;
  #irqs: ReturnType<typeof setInterval> | undefined;

  constructor(host: Host, options: PowerOptions) {
    const { roots, latency = new DmaLatency(), enter, clock = SYSTEM_CLOCK } = options;
    this.#host = host;
    this.#roots = roots;
    this.#latency = latency;
    const sleep = new HostSleep(host, roots, enter);
    this.#sleep = sleep;
    this.budget = new HostBudget(host, roots, () => sleep.isNear, clock);
    host.upkeep.onResumed = () => {
      profileResumed(host, roots);
      this.budget.resumed();
    };
    host.upkeep.onMachine = (cpus) => {
      if (sleep.isNear) return;
      profileFollows(host, roots);
      if (cpus) profileResumed(host, roots, "while CPUs came or went");
    };
    const profiles = profileAsks(host, roots, latency, sleep);
    this.#schedule = new ProfileClock(clock, host.log, (name) => {
      const done =
        name === undefined
          ? profiles.profileOff()
          : profiles.applyProfile({ name, cpus: undefined, dryRun: false });
      return done.ok ? undefined : done.error.message;
    });
    this.asks = {
      ...profiles,
      ...capabilitiesAsks(roots, sleep.isReal),
      ...sleepAsks(host, sleep, () => this.#schedule.look()),
    };
    this.rehearsals = { ...profileRehearsals(host, roots, sleep), ...sleepRehearsals(host, roots) };
  }

  /** Takes up the profile that a powermon before this one left in force, and undoes what it left of a sleep; those of another boot are forgotten. */
  start(): void {
    const { log } = this.#host;
    void this.#sleep.start();
    const stored = loadProfile(this.#roots);
    if (!stored.ok) log.error(explainSysfs(stored.error));
    else if (stored.value.state === "stale") {
      for (const error of restoreProfile(this.#roots).failed) log.error(explainSysfs(error));
      log.info("A profile applied before the last boot was dropped", {
        profile: stored.value.applied.profile,
      });
    } else if (stored.value.state === "applied") {
      const { profile, latencyUs } = stored.value.applied;
      log.info("Profile in force", { profile });
      const held = this.#latency.hold(latencyUs);
      if (!held.ok) log.error(explainSysfs(held.error));
    }
    // The machine may have changed since; what is not of this boot is gone by now.
    profileFollows(this.#host, this.#roots);
    this.configured();
    this.#irqs = setInterval(() => this.lookAtInterrupts(), IRQ_MS);
    this.#irqs.unref();
  }

  /** Keeps interrupts from the CPUs of the VMs that are pinned now, where a profile asks for it. */
  lookAtInterrupts(): void {
    const asks = [...profilesIn(this.#host.config.says).values()].some(({ irq }) => irq !== undefined);
    if (asks && !this.#sleep.isNear) profileFollows(this.#host, this.#roots, "irq");
  }

  /** Goes by the schedule and the budget of the configuration that is in force now. */
  configured(): void {
    this.#schedule.configure(this.#host.config.says);
    this.budget.configured();
  }

  /** Keeps a sleep that is being prepared from happening, and resolves when its VMs are back. */
  stopSleep(): Promise<void> {
    return this.#sleep.stop();
  }

  /** Puts back what profiles changed; all claims must be gone. Returns what could not be put back. */
  stop(): readonly SysfsError[] {
    this.#schedule.stop();
    clearInterval(this.#irqs);
    this.#latency.hold(undefined);
    return restoreProfile(this.#roots).failed;
  }
}
