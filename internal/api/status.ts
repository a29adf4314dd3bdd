// How the running powermon is, at one glance, and what a reload brings.

import * as v from "valibot";
import { counts, text, texts } from "./words.ts";

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
  eventId: text("The last event's id: a listener that says it as Last-Event-ID hears what happened since."),
});
export type StatusReport = v.InferOutput<typeof statusReport>;

export const reloadReport = v.object({ files: texts });
