// What happens, as the stream of events tells it: one row a kind, with the fields that it has beside those of every event.

import * as v from "valibot";
import { settings } from "./vms.ts";
import { about, by, number, numbers, text, texts } from "./words.ts";

const channel = text("VM, dot, the channel's number.");
const message = text("A sentence for people.");
const vm = text("The VM's name.");
const vcpu = number("The vCPU's number in its VM.");
const domain = number("The clock: N of the kernel's policyN.");
const request = text(
  "What was asked: up, down, min, max, turbo-on, turbo-off, policy, query-freq and so on.",
);

const user = about(
  v.optional(v.string()),
  "Who asked for it over the control socket: a user's name, `user N` where /etc/passwd has none for that number, or `an operator` where the kernel does not tell; absent where nobody did.",
);

/** Whose wish decided; absent where nobody's did. */
const winner = { by: v.optional(by), vm: v.optional(vm), vcpu: v.optional(vcpu), user };
const khz = about(v.optional(v.number()), "What the clock was told, kHz; absent when it was given back.");

/** A kind of event. @param what the sentence about it */
const kind = <const E extends v.ObjectEntries>(what: string, entries: E) => about(v.object(entries), what);

export const EVENTS = {
  "channel-connected": kind("A guest's channel is connected: its VM runs.", { channel }),
  "channel-lost": kind("The other end of a channel is gone; powermon tries again.", { channel }),
  "channel-removed": kind("A channel's socket is gone, or an operator closed it.", { channel }),
  "channel-out-of-step": kind("A guest's bytes were no packets, and are discarded.", {
    channel,
    dropped: number("Packets of the channel that stayed incomplete, since it came."),
    resyncs: number("Times that packets were found at another place, since it came."),
    discardedBytes: number("Bytes that became part of no packet, since it came."),
  }),
  "request-malformed": kind(
    "What a guest sent is no request that powermon knows, or a policy that can't be.",
    { channel, why: text("Why, in one word."), message },
  ),
  "request-refused": kind("A guest asked for what it may not have, or what can't be had.", {
    channel,
    request,
    vcpu,
    why: text("Why, in one word."),
    message,
  }),
  "request-failed": kind("A guest's request was granted, and the kernel said no.", {
    channel,
    request,
    vcpu,
    message,
  }),
  "frequency-set": kind("A clock was told another frequency.", { domain, khz, ...winner }),
  "frequency-restored": kind("A clock was given back: nobody claims it any more.", { domain, khz }),
  "write-failed": kind("The kernel did not take what a clock was to be told.", {
    domain,
    khz,
    ...winner,
    message,
  }),
  "claim-moved": kind("A vCPU runs elsewhere now, and its claim with it.", {
    vm,
    vcpu,
    pcpus: text("The pCPUs where it runs now, such as 2,3."),
  }),
  "claim-withdrawn": kind("Claims ended without their guest's asking.", {
    vm,
    vcpu: v.optional(vcpu),
    channel: v.optional(channel),
    message,
  }),
  drift: kind(
    "Somebody else changed a clock that is claimed, or the kernel changed the profile in force over a sleep.",
    {
      domain: v.optional(domain),
      khz: about(v.optional(v.number()), "What the clock should hold, kHz."),
      profile: v.optional(text("The profile's name.")),
      attributes: v.optional(text("The paths of its settings that changed, with a space between.")),
      reapplied: about(v.boolean(), "Whether it was set again, and holds."),
    },
  ),
  "call-hangs": kind("A call on a file of the kernel did not return: what hangs is left alone.", {
    path: text("The file."),
    cpus: about(numbers, "CPUs whose clock or own file it is; none where it is the machine's."),
    tries: number("How often it was tried again in vain."),
  }),
  "call-answers": kind("A call that hung has returned: what was left alone is used again.", {
    path: text("The file."),
    cpus: about(numbers, "CPUs whose clock or own file it is; none where it is the machine's."),
  }),
  resumed: kind("The machine slept, or its clock was set.", {}),
  "policy-waits": kind("A policy can't be applied now, and is tried again.", {
    vm,
    origin: text("Who gave it: operator or guest."),
    message,
  }),
  "profile-applied": kind("A profile of the host was put in force.", {
    profile: text("The profile's name."),
    cpus: v.optional(text("The CPUs that it was limited to.")),
    changes: number("How many settings it changed."),
    user,
  }),
  "profile-off": kind("What was there before the profile is back.", {
    profile: text("The profile's name."),
    user,
  }),
  "host-sleeps": kind("The host goes to sleep; claims are given back.", {
    target: text("mem, disk, hybrid or freeze."),
    until: v.optional(text("When the alarm wakes it, ISO 8601.")),
    user,
  }),
  "host-awake": kind("The host is awake, and claims stand again.", {
    sleptS: about(v.optional(v.number()), "How long, s; 0 when it did not sleep after all."),
    clockS: about(v.optional(v.number()), "How long, by the real-time clock, s."),
    wokenBy: v.optional(text("What woke it.")),
  }),
  "budget-changed": kind("Another power budget is in force, or none.", {
    watts: about(v.optional(v.number()), "The budget, W; absent where there is none."),
    origin: text("Who says so: file, operator or fleet."),
    user,
  }),
  "budget-payers": kind(
    "Others pay for the power budget than before: their clocks are kept below what they wish.",
    {
      payers: about(texts, "VMs by name, 32 at most; /host stands for CPUs without a VM."),
      more: number("How many pay beside those."),
      watts: number("The budget, W; 0 where there is none any more."),
    },
  ),
  "budget-floors": kind("All clocks are at their floors, and that is too much, or is no more.", {
    floorWatts: number("What is drawn, W."),
    watts: number("The budget, W."),
    tooHigh: about(v.boolean(), "Whether it is too much."),
  }),
  "budget-meter-lost": kind("The budget's meter can't be believed: ceilings fall back.", {
    meter: text("The meter, as the configuration names it."),
    message,
  }),
  "budget-meter-back": kind("The budget's meter can be believed again.", {
    meter: text("The meter, as the configuration names it."),
  }),
  "config-reloaded": kind("Another configuration is in force.", {
    files: about(texts, "The files that were read."),
    user,
  }),
  "vm-changed": kind("A VM's settings were changed at run time, or it was paused or runs again.", {
    vm,
    paused: about(v.optional(v.boolean()), "Whether it stands still now."),
    ...settings,
    saved: about(v.optional(v.boolean()), "Whether the change was saved."),
    user,
  }),
  /** Told to one listener alone, in the place of what it missed. */
  overrun: kind("A listener missed events: they are no longer kept, or it did not read.", {
    lost: about(v.optional(v.number()), "How many events it was not told; absent where nobody can know."),
    message,
  }),
} as const;

/** What can happen; `overrun` is of a stream, and not of the host. */
export type EventKind = Exclude<keyof typeof EVENTS, "overrun">;
/** What each kind tells. */
export type EventFields = { readonly [K in keyof typeof EVENTS]: v.InferOutput<(typeof EVENTS)[K]> };

/** What every event has; the rest depends on its kind. */
export const event = v.looseObject({
  at: text("When it happened, ISO 8601."),
  event: text("The kind."),
  boot: text("Which run of powermon told it: 8 hexadecimal digits, others after each start."),
  n: number(
    "Its number: powermon counts all events of a run from 1. An overrun has that of the last one missed.",
  ),
});
export type HappenedEvent = Readonly<v.InferOutput<typeof event>>;
