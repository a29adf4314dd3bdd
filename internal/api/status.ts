// How the running powermon is, at one glance, and what a reload brings.

import * as v from "valibot";
import { counts, list, numbers, texts } from "./words.ts";

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
  /** Files of the kernel on which a call did not return: each is left alone, with its whole clock where it is one's. */
  hung: list(
    v.object({
      path: v.string(),
      /** CPUs whose clock or own file it is; none where it is the machine's. */
      cpus: numbers,
      since: v.string(),
      /** How often it was tried again in vain, and when that comes next. */
      tries: v.number(),
      nextTry: v.string(),
    }),
  ),
  vms: v.number(),
  channels: v.object({ total: v.number(), connected: v.number() }),
  claims: v.number(),
  counts,
});
export type StatusReport = v.InferOutput<typeof statusReport>;

export const reloadReport = v.object({ files: texts });
