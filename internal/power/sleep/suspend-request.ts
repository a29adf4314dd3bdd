// A suspend that is asked for, and the machine and the daemon around it.

import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import type { EnterSleep } from "./enter-sleep.ts";
import type { Logind } from "./logind.ts";
import type { Libvirt, Preparation } from "./prepare-vms.ts";
import type { SleepRecord } from "./sleep-record.ts";
import type { SleepTarget } from "./sleep-target.ts";

/** What a daemon adds; alone, none of it is needed. */
interface SuspendHooks {
  /** VMs with claims, and how many each has. */
  readonly claims?: () => ReadonlyMap<string, number>;
  /**
   * The host is about to sleep until `untilMs` (Date.now), or until somebody wakes it: tell guests, give claimed clocks back. It is on
   * its way by then. What the knobs are after it is what they are again when after() is called.
   */
  readonly before?: (untilMs: number | undefined) => Promise<void> | void;
  /**
   * The host is awake, its knobs are back, VMs are not yet: apply claims again, let time policies catch up, tell guests. Called after
   * every before(); `slept` is false when it came to no sleep, `record` undefined when it was not even tried.
   */
  readonly after?: (record: SleepRecord | undefined, slept: boolean) => Promise<void> | void;
}

/** A suspend that is asked for. */
export interface SuspendRequest {
  readonly target: SleepTarget;
  /** Seconds until the alarm, or the time of it (Date.now); "none" sleeps until somebody else wakes it. */
  readonly wake: { readonly inS: number } | { readonly atMs: number } | "none";
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly prepare: Preparation;
  /** s2idle, shallow, deep; or a method of power/disk. Then logind is passed by. */
  readonly variant?: string | undefined;
}

/** Where it happens. */
export interface SuspendWorld {
  readonly roots: Roots;
  readonly logind: Logind | undefined;
  /** VMs that are known to run. */
  readonly vms: readonly string[];
  readonly libvirt: Libvirt;
  readonly hooks?: SuspendHooks;
  /** Instead of the kernel's files or logind. */
  readonly enter?: EnterSleep;
  readonly nowMs: () => number;
  /** Aborted when the sleep is not wanted any more, as by a signal or a client that left: then it is not entered, and all is undone. */
  readonly signal?: AbortSignal;
}
