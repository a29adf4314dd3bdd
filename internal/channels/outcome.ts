// What came of one frame: the one value that its reply, its counters and its log line follow from.

import type { Refusal } from "../values/refusal.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** What was done with a request. */
export type Outcome =
  /** Done; the guest is told so. */
  | { readonly kind: "done" }
  /** Answered with data. */
  | { readonly kind: "answered"; readonly reply: Uint8Array }
  /** Taken note of; DPDK's host stays silent here and a stock guest depends on it. */
  | { readonly kind: "noted" }
  /** Not allowed. `silent` where DPDK's host sends nothing. */
  | {
      readonly kind: "refused";
      readonly refusal: Refusal;
      readonly silent: boolean;
      /** The answer to send in place of a NACK. */
      readonly reply?: Uint8Array;
    }
  /** Allowed, but the kernel said no. */
  | { readonly kind: "failed"; readonly error: SysfsError; readonly reply?: Uint8Array };

export const OUTCOMES = [
  "done",
  "answered",
  "noted",
  "refused",
  "failed",
] as const satisfies readonly Outcome["kind"][];

export const SERVED: Outcome = { kind: "done" };
export const NOTED: Outcome = { kind: "noted" };

/** Returns the outcome of a refusal that the guest is told of. */
export const refused = (refusal: Refusal): Outcome => ({ kind: "refused", refusal, silent: false });
/** Returns the outcome of a refusal that is met with silence. */
export const refusedSilently = (refusal: Refusal): Outcome => ({ kind: "refused", refusal, silent: true });
