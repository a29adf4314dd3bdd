// What a clock goes back to when its claim ends: without it a guest's wish would pass for the operator's setting.

import type { DomainId } from "../../values/units.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { OriginalsStore } from "../../sysfs/cpufreq/store.ts";

/** A claimed policy's attribute. */
export interface Beneath {
  readonly policy: DomainId;
  /** What it will be once the claim ends. */
  readonly text: string;
}

/** Returns a reader of what is beneath claims, by path from the folder of CPUs; undefined when nobody claims it, or for other attributes. */
export function beneathClaims(roots: Roots): (path: string) => Beneath | undefined {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  return (path) => {
    const words = /^cpufreq\/policy(\d+)\/scaling_(governor|min_freq|max_freq)$/.exec(path);
    if (!words) return undefined;
    const policy = Number(words[1]) as DomainId;
    const saved = store.load(policy);
    if (!saved.ok || saved.value.state !== "saved") return undefined;
    const { governor, min, max } = saved.value.originals;
    return { policy, text: words[2] === "governor" ? governor : `${words[2] === "min_freq" ? min : max}` };
  };
}
