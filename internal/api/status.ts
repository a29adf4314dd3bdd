// How the running powermon is, at one glance, and what a reload brings.

import * as v from "valibot";
import { clockChanges } from "./dry-run.ts";
import { budgetGlance } from "./budget.ts";
import { about, counts, flag, list, number, numbers, option, text, texts } from "./words.ts";

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
  hung: about(
    list(
      v.object({
        path: text("The file."),
        cpus: about(numbers, "CPUs whose clock or own file it is; none where it is the machine's."),
        since: text("When the call was made, ISO 8601."),
        tries: number("How often it was tried again in vain."),
        nextTry: text("When that comes next, ISO 8601."),
      }),
    ),
    "Files of the kernel on which a call did not return: each is left alone, with its whole clock where it is one's.",
  ),
  vms: number("How many VMs have a channel."),
  channels: v.object({
    total: number("How many there are."),
    connected: number("How many of them are connected."),
  }),
  claims: number("How many claims stand."),
  budget: about(v.optional(budgetGlance), "The power budget; absent where there is none."),
  fleet: about(
    v.optional(
      v.object({
        group: text("The group's name."),
        leads: about(flag, "Whether this host's powermon leads the group."),
        grantWatts: about(v.optional(v.number()), "What it is granted, W; absent while the fallback holds."),
        fallbackWatts: number("What it may draw without a grant, W."),
        problem: about(v.optional(v.string()), "Why etcd could not be asked last time."),
      }),
    ),
    "The fleet; absent where the host is in none.",
  ),
  counts,
  eventId: text("The last event's id: a listener that says it as Last-Event-ID hears what happened since."),
});
export type StatusReport = v.InferOutput<typeof statusReport>;

export const reloadAsk = v.optional(
  v.strictObject({ dryRun: about(option, "Tells what would change, and changes nothing.") }),
  {},
);

export const reloadReport = v.object({
  files: about(texts, "The files that were read."),
  reloaded: about(flag, "False for a dry run."),
  warnings: about(
    texts,
    "What is allowed and probably not meant; in a dry run also what would not be in effect, or is not known before.",
  ),
  changes: about(
    texts,
    'Settings that differ from those in force: such as `- http.listen = ""`, then `+ http.listen = "127.0.0.1:9560" (at the next start)`.',
  ),
  runtime: about(
    list(v.object({ vm: text("The VM's name."), settings: texts })),
    "Settings that were changed at run time and stand above the files.",
  ),
  clocks: about(v.optional(clockChanges), "In a dry run alone: what follows for clocks."),
});
