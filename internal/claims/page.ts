// What is known of one clock: the claims on it, what they came to, what was written of that.

import type { SysfsError } from "../values/sysfs-error.ts";
import { type Khz, khz } from "../values/units.ts";
import type { Claim } from "./claim.ts";

/** What was last written to a domain; `khz` undefined when it was given back. */
export interface LastWrite {
  /** Date.now(). */
  readonly at: number;
  readonly khz: Khz | undefined;
  readonly error: SysfsError | undefined;
}

/** One clock's page in the ledger. */
export interface Page {
  readonly claims: Claim[];
  decided: Khz | undefined;
  /** The highest wish, its own VM's limits applied, that `decided` came from. */
  highest: Khz;
  /** How many wishes are that high; 0 when that is not known and all must be looked at. */
  holders: number;
  lastWrite: LastWrite | undefined;
}

/** Returns the page of a clock that nobody claims. */
export const newPage = (): Page => ({
  claims: [],
  decided: undefined,
  highest: khz(0),
  holders: 0,
  lastWrite: undefined,
});
