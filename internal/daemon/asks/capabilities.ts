// What the host can do about its own power.

import type { Handlers } from "../../api/table.ts";
import { machineArch } from "../../power/capabilities/arch.ts";
import { readHostCapabilities } from "../../power/capabilities/capabilities.ts";
import { askLogind } from "../../power/sleep/logind.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { ok } from "../../values/result.ts";

/** @param isReal whether logind speaks of this machine: it does of the one it runs on, and not of a folder */
export function capabilitiesAsks(roots: Roots, isReal: boolean) {
  return {
    async capabilities() {
      const logind = isReal ? await askLogind() : undefined;
      return ok(readHostCapabilities(roots, machineArch(), logind));
    },
  } satisfies Pick<Handlers, "capabilities">;
}
