// What a clock can be told, made ready: a change of frequency allocates nothing.

import { ok, type Result } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import { attrBytes } from "../attr.ts";
import type { Reach } from "./reach.ts";

/** An entry of a table, as it is written and told. */
export interface Prepared {
  readonly khz: Khz;
  readonly bytes: Buffer;
  readonly done: Result<Khz, never>;
}

/** Returns the entries that can be set, descending. */
export const prepare = ({ allowed }: Reach): Prepared[] =>
  allowed.steps.map((step) => ({ khz: step, bytes: attrBytes(`${step}`), done: ok(step) }));
