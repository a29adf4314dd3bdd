// The steps of a way into sleep for tests, which themselves are the sleep.
import type { EnterSleep } from "../../../internal/power/sleep/enter-sleep.ts";
import { DONE, type Result } from "../../../internal/values/result.ts";

/** Returns a way into sleep that takes its steps as the kernel's does; `asleep` is what happens meanwhile. */
export const down =
  (asleep: () => Promise<Result<void, string>> | Result<void, string> = () => DONE): EnterSleep =>
  async ({ soon, arm }) => {
    await soon();
    const armed = arm();
    return armed.ok ? await asleep() : armed;
  };
