// The last changes of clocks and settings and who made them, from the events that are kept.

import type { LiveChange } from "../../api/live.ts";
import { cpusText } from "../../values/cpulist.ts";
import type { DomainId } from "../../values/units.ts";
import type { Host } from "../host.ts";

/** Changes told at most. */
const MAX_CHANGES = 30;

type Fields = Readonly<Record<string, unknown>>;
/** What an event tells of a change: of what, in words, and by whom. */
interface Told {
  /** A later change of the same stands in place of this one. */
  readonly of: string;
  readonly what: string;
  readonly who: string;
}

const ghz = (khz: unknown) => `${(Number(khz) / 1e6).toFixed(2)} GHz`;
/** The user who asked over the control socket, or else who it may have been. */
const userOf = ({ user }: Fields, otherwise = "an operator") => (typeof user === "string" ? user : otherwise);
const whoOf = (event: Fields) => {
  const { by, vm, vcpu } = event;
  if (by === "operator") return userOf(event);
  if (vm === undefined) return by === "fifo" || by === "policy" ? "a writer of the core's FIFO" : "powermon";
  return `${vm} vCPU ${vcpu}${by === "policy" ? " by policy" : ""}`;
};
/** Whose word the budget is. */
const SAID_BY: Readonly<Record<string, string>> = { file: "the configuration", fleet: "the fleet" };
/** What an event of a VM has beside its settings. */
const NO_SETTING = new Set(["vm", "saved", "paused", "user"]);

/** What events tell of changes; the others are none. */
const TOLD: Readonly<Record<string, (event: Fields, clockOf: (event: Fields) => string) => Told>> = {
  "frequency-set": (event, clockOf) => ({
    of: clockOf(event),
    what: `${clockOf(event)} set to ${ghz(event["khz"])}`,
    who: whoOf(event),
  }),
  "frequency-restored": (event, clockOf) => ({
    of: clockOf(event),
    what: `${clockOf(event)} given back, nobody claims it`,
    who: "powermon",
  }),
  "write-failed": (event, clockOf) => ({
    of: `failed ${clockOf(event)}`,
    what: `${clockOf(event)} not set: ${event["message"]}`,
    who: whoOf(event),
  }),
  "vm-changed": (event) => {
    const { paused, vm } = event;
    if (paused !== undefined)
      return {
        of: `run ${vm}`,
        what: `${vm} ${paused === true ? "stands still" : "runs again"}`,
        who: "its QEMU",
      };
    const set = Object.entries(event).filter(([name]) => !NO_SETTING.has(name));
    const words = set.map(
      ([name, value]) => `${name} ${value === null ? "as the files have it" : String(value)}`,
    );
    const of = `vm ${vm} ${set.map(([name]) => name).join()}`;
    return { of, what: `${vm}: ${words.join(", ")}`, who: userOf(event) };
  },
  "claim-moved": (event) => ({
    of: `place ${event["vm"]} ${event["vcpu"]}`,
    what: `${event["vm"]} vCPU ${event["vcpu"]} runs on CPU ${event["pcpus"]}, and its claim with it`,
    who: "the host's scheduler",
  }),
  "claim-withdrawn": (event) => ({
    of: `claim ${event["vm"]} ${event["vcpu"] ?? ""}`,
    what: `claims of ${event["vm"]} ended: ${event["message"]}`,
    who: "powermon",
  }),
  drift: (event, clockOf) => ({
    of: `drift ${event["domain"] ?? ""}`,
    what: `${event["domain"] === undefined ? "the profile's settings" : clockOf(event)} changed from outside${event["reapplied"] === true ? ", set again" : ""}`,
    who: "another program",
  }),
  "profile-applied": (event) => ({
    of: "profile",
    what: `profile ${event["profile"]} in force`,
    who: userOf(event, "the schedule"),
  }),
  "profile-off": (event) => ({
    of: "profile",
    what: `profile ${event["profile"]} ended`,
    who: userOf(event, "the schedule"),
  }),
  "config-reloaded": (event) => ({
    of: "config",
    what: "another configuration in force",
    who: userOf(event, "a signal, or settings that a VM brings along"),
  }),
  "budget-changed": (event) => ({
    of: "budget",
    what: event["watts"] === undefined ? "no power budget" : `power budget ${event["watts"]} W`,
    who: userOf(event, SAID_BY[String(event["origin"])]),
  }),
  "host-sleeps": (event) => ({
    of: "sleep",
    what: `host goes to sleep: ${event["target"]}`,
    who: userOf(event),
  }),
  "host-awake": () => ({ of: "sleep", what: "host is awake", who: "powermon" }),
};

/** Returns the last change of each thing that is kept, newest first: a clock that is set a thousand times a second leaves the others in sight. */
export function lastChanges({ events, cpufreq }: Pick<Host, "events" | "cpufreq">): LiveChange[] {
  const clockOf = ({ domain }: Fields) => {
    const cpus = cpufreq.domainById(domain as DomainId)?.pcpus;
    return cpus === undefined ? `clock ${String(domain)}` : cpusText(cpus);
  };
  const seen = new Set<string>();
  const changes: LiveChange[] = [];
  for (let n = events.last; n >= events.first && changes.length < MAX_CHANGES; n--) {
    const kept = events.kept(n);
    if (kept === undefined) break;
    // A VM's change at run time is told by itself, and not as another configuration.
    if (kept.event === "config-reloaded" && events.kept(n + 1)?.event === "vm-changed") continue;
    const fields = kept.fields as Fields;
    const told = TOLD[kept.event]?.(fields, clockOf);
    if (told === undefined || seen.has(told.of)) continue;
    seen.add(told.of);
    const vm = fields["vm"];
    const at = new Date(kept.atMs).toISOString();
    changes.push({ at, what: told.what, who: told.who, ...(typeof vm === "string" && { vm }) });
  }
  return changes;
}
