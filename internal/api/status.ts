// How the running powermon is, at one glance, and what a reload brings.

import * as v from "valibot";
import { counts, flag, option, texts } from "./words.ts";

export const statusReport = v.object({
  version: v.string(),
  pid: v.number(),
  uptimeS: v.number(),
  configFiles: texts,
  /** Channel folders. */
  dirs: texts,
  stateDir: v.string(),
  /** How many cpufreq domains there are. */
  domains: v.number(),
  drivers: texts,
  problems: texts,
  vms: v.number(),
  channels: v.object({ total: v.number(), connected: v.number() }),
  claims: v.number(),
  counts,
});
export type StatusReport = v.InferOutput<typeof statusReport>;

/** `dryRun` tells what would change and changes nothing. */
export const reloadAsk = v.optional(v.strictObject({ dryRun: option }), {});

export const reloadReport = v.object({
  files: texts,
  /** False for a dry run. */
  reloaded: flag,
  /** What is allowed and probably not meant. */
  warnings: texts,
  /** Settings that differ from those in force: such as `- http.listen = ""`, then `+ http.listen = "127.0.0.1:9560" (at the next start)`. */
  changes: texts,
});
