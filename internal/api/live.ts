// The whole host at one glance, for whoever watches it. Frequencies are kHz.

import * as v from "valibot";
import { budgetGlance } from "./budget.ts";
import { about, by, clippedBy, list, number, numbers, text, vcpuRefusal } from "./words.ts";
import { origin } from "./policies.ts";

const liveDomain = v.object({
  domain: number("N of the kernel's policyN."),
  cpus: numbers,
  minKhz: number("Lowest of the hardware."),
  nominalKhz: number("Highest without turbo."),
  maxKhz: number("Highest, turbo included where it is on."),
  floorKhz: number(
    "The tightest floor of the site, of whoever holds it, of the domain itself and of its driver.",
  ),
  ceilingKhz: number("The tightest ceiling of the same, and of the power budget."),
  targetKhz: about(v.optional(v.number()), "What powermon told the kernel; absent when nobody claims it."),
  claims: number("How many claim it."),
  holder: about(
    v.optional(
      v.object({
        by,
        vm: about(v.optional(v.string()), "The VM's name."),
        vcpu: about(v.optional(v.number()), "The vCPU's number."),
        wishKhz: number("What it wishes."),
      }),
    ),
    "Whose wish decides.",
  ),
  clippedBy,
});
export type LiveDomain = v.InferOutput<typeof liveDomain>;

const liveVm = v.object({
  vm: v.string(),
  channels: number("How many channels it has."),
  connected: number("How many of them are connected."),
  requests: number("Requests since it came."),
  refused: number("Refusals since it came."),
  failed: number("Failures since it came."),
  policy: about(v.optional(v.object({ type: v.string(), origin })), "The policy in force."),
});
export type LiveVm = v.InferOutput<typeof liveVm>;

const change = v.object({
  at: text("When, ISO 8601."),
  what: text("What changed, in words."),
  who: text(
    "Who made it: a vCPU, its policy, a user of the control socket by name, the schedule, another program.",
  ),
  vm: about(v.optional(v.string()), "The VM that it is of."),
});
export type LiveChange = v.InferOutput<typeof change>;

/** What the machine does beside what it was told; counters grow, so that two answers make a rate. */
const machine = v.object({
  at: text("When it was read, ISO 8601: less than a second before this answer."),
  cpus: about(
    list(v.object({ cpu: number("Its number."), busyS: number("How long it was busy since it booted, s.") })),
    "Every online CPU; none where /proc/stat can't be read.",
  ),
  clocks: about(
    list(
      v.object({
        domain: number("N of the kernel's policyN."),
        governor: about(v.optional(v.string()), "Who sets an unclaimed clock."),
        heldKhz: about(
          v.optional(v.number()),
          "What the kernel holds of an unclaimed clock: its speed under governor userspace, else its upper limit.",
        ),
        measuredKhz: about(
          v.optional(v.number()),
          "What the hardware ran at; absent for idle CPUs, and where reading it would cost another CPU something.",
        ),
      }),
    ),
    "Every clock.",
  ),
  measures: about(v.boolean(), "Whether this machine tells what busy clocks run at."),
  packages: about(
    list(v.object({ name: text("Such as package-0."), joules: number("Since somebody looked first, J.") })),
    "Packages that have an energy counter.",
  ),
  temperatures: about(
    list(v.object({ name: text("Chip and label."), celsius: number("Degrees Celsius.") })),
    "Packages that have a thermometer.",
  ),
});
export type LiveMachine = v.InferOutput<typeof machine>;

export const liveReport = v.object({
  host: text("The host's name."),
  at: text("When this was, ISO 8601."),
  uptimeS: number("Since powermon started, s."),
  budget: about(v.optional(budgetGlance), "The power budget; absent where there is none."),
  domains: list(liveDomain),
  vms: list(liveVm),
  refusals: about(list(vcpuRefusal), "The last refusal of each vCPU, newest first."),
  changes: about(list(change), "The last change of each clock and setting, newest first; at most 30."),
  machine: about(machine, "What the CPUs do, read once a second and only while somebody asks."),
});
export type LiveReport = v.InferOutput<typeof liveReport>;
