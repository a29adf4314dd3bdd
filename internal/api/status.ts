// How the running powermon is, at one glance, and what a reload brings.

import * as v from "valibot";
import { about, counts, list, number, text, texts } from "./words.ts";

export const statusReport = v.object({
  version: text("powermon's."),
  pid: number("Its process."),
  uptimeS: number("Since it started, s."),
  configFiles: texts,
  dirs: about(texts, "Channel folders."),
  stateDir: v.string(),
  domains: number("How many cpufreq domains there are."),
  drivers: texts,
  problems: texts,
  vms: number("How many VMs have a channel."),
  channels: v.object({
    total: number("How many there are."),
    connected: number("How many of them are connected."),
  }),
  claims: number("How many claims stand."),
  counts,
  eventId: text("The last event's id: a listener that says it as Last-Event-ID hears what happened since."),
});
export type StatusReport = v.InferOutput<typeof statusReport>;

export const reloadReport = v.object({
  files: about(texts, "The files that were read."),
  runtime: about(
    list(v.object({ vm: text("The VM's name."), settings: texts })),
    "Settings that were changed at run time and stand above the files.",
  ),
});
