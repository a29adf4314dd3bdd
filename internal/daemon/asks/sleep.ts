// Putting the host to sleep, and being told that it slept.

import type { Handlers } from "../../api/table.ts";
import { DONE } from "../../values/result.ts";
import type { Host } from "../host.ts";
import type { HostSleep } from "../host-sleep.ts";

/** @param awake the host is awake again, or does not sleep after all */
export function sleepAsks({ upkeep }: Host, sleep: HostSleep, awake: () => void) {
  return {
    async suspend(asked, gone?: AbortSignal) {
      const done = await sleep.suspend(asked, gone);
      awake();
      return done;
    },

    resumed() {
      upkeep.resumed();
      return DONE;
    },
  } satisfies Pick<Handlers, "suspend" | "resumed">;
}
