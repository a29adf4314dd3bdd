// The whole host at one glance, for whoever watches it. Frequencies are kHz.

import * as v from "valibot";
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
  ceilingKhz: number("The tightest ceiling of the same."),
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

export const liveReport = v.object({
  at: text("When this was, ISO 8601."),
  uptimeS: number("Since powermon started, s."),
  domains: list(liveDomain),
  vms: list(liveVm),
  refusals: about(list(vcpuRefusal), "The last refusal of each vCPU, newest first."),
});
export type LiveReport = v.InferOutput<typeof liveReport>;
