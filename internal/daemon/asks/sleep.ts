// Putting the host to sleep, and being told that it slept.

import type { Handlers, Rehearsals } from "../../api/table.ts";
import { verifyProfile } from "../../power/profiles/verify.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { no } from "../../values/answer.ts";
import { DONE, ok } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { Host } from "../host.ts";
import type { HostSleep } from "../host-sleep.ts";
import { changed, rehearse } from "../rehearsal/rehearsal.ts";

/** @param awake the host is awake again, or does not sleep after all */
export function sleepAsks({ upkeep }: Host, sleep: HostSleep, awake: () => void) {
  return {
    async suspend(asked, gone?: AbortSignal, user?: string) {
      const done = await sleep.suspend(asked, gone, user);
      awake();
      return done;
    },

    resumed() {
      upkeep.resumed();
      return DONE;
    },
  } satisfies Pick<Handlers, "suspend" | "resumed">;
}

/** Returns who tells what a machine that slept would be told again. */
export function sleepRehearsals(host: Host, roots: Roots) {
  return {
    resumed() {
      const found = verifyProfile(roots);
      if (!found.ok) return no("failed", `${explainSysfs(found.error)}.`);
      const { state, profile, drift } = found.value;
      const lost = state === "applied" ? drift : [];
      return rehearse(host, ({ policies, warnings }) => {
        policies.clockChanged();
        const isKept = host.config.cpufreq.drift === "reapply";
        if (!isKept && lost.length > 0)
          warnings.push(`Profile ${profile} has changed, and is left as it is: cpufreq.drift is "report".`);
        return ok([...clocks(host), ...(isKept ? lost : []).flatMap(settingAgain)]);
      });
    },
  } satisfies Pick<Rehearsals, "resumed">;
}

/** Returns the clocks that do not hold what they were told. */
function clocks({ cpufreq }: Host) {
  return cpufreq.domains.flatMap((domain) => {
    const drifted = domain.drifted();
    if (domain.target === undefined || !drifted.ok || !drifted.value) return [];
    const held = domain.current();
    return changed(
      `what the kernel holds of clock ${domain.id}`,
      held.ok ? `${held.value} kHz` : undefined,
      `${domain.target} kHz`,
    );
  });
}

const settingAgain = ({
  path,
  found,
  text,
}: {
  readonly path: string;
  readonly found?: string;
  readonly text: string;
}) => changed(path, found, text);
