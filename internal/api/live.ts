// The whole host at one glance, for whoever watches it. Frequencies are kHz.

import * as v from "valibot";
import { by, clippedBy, list, numbers, vcpuRefusal } from "./words.ts";
import { origin } from "./policies.ts";

const liveDomain = v.object({
  domain: v.number(),
  cpus: numbers,
  minKhz: v.number(),
  /** Highest without turbo. */
  nominalKhz: v.number(),
  maxKhz: v.number(),
  /** The limits of the site, of whoever holds it, of the domain itself and of its driver for all CPUs. */
  floorKhz: v.number(),
  ceilingKhz: v.number(),
  /** What powermon told the kernel; absent when nobody claims it. */
  targetKhz: v.optional(v.number()),
  claims: v.number(),
  /** Whose wish decides. */
  holder: v.optional(
    v.object({ by, vm: v.optional(v.string()), vcpu: v.optional(v.number()), wishKhz: v.number() }),
  ),
  clippedBy,
});
export type LiveDomain = v.InferOutput<typeof liveDomain>;

/** One VM; counts are since it came. */
const liveVm = v.object({
  vm: v.string(),
  channels: v.number(),
  connected: v.number(),
  requests: v.number(),
  refused: v.number(),
  failed: v.number(),
  /** The policy in force. */
  policy: v.optional(v.object({ type: v.string(), origin })),
});
export type LiveVm = v.InferOutput<typeof liveVm>;

export const liveReport = v.object({
  at: v.string(),
  uptimeS: v.number(),
  domains: list(liveDomain),
  vms: list(liveVm),
  /** The last refusal of each vCPU, newest first. */
  refusals: list(vcpuRefusal),
});
export type LiveReport = v.InferOutput<typeof liveReport>;
