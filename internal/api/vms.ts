// VMs: their vCPUs and settings, and what can be changed of them at run time.

import * as v from "valibot";
import { MAX_CPUS } from "../values/cpulist.ts";
import { counts, flag, list, numbers, option, texts, told, whole, wordOrKhz } from "./words.ts";

export const vcpuReport = v.object({
  vcpu: v.number(),
  /** pCPUs it may run on; empty when it has no place, and then `why` says so. */
  pcpus: numbers,
  why: v.optional(v.string()),
  /** Which pinning source answered. */
  source: v.optional(v.string()),
  domains: numbers,
  /** What the guest wishes, kHz. */
  wishKhz: v.optional(v.number()),
  /** What its first domain was told, kHz. */
  targetKhz: v.optional(v.number()),
  lastRefusal: v.optional(v.object(told)),
});
export type VcpuReport = v.InferOutput<typeof vcpuReport>;

const BOUNDS = ["min", "base", "max"] as const;
/** A value and where it came from: default, a file's name, or `runtime`. */
const sourced = <const S extends v.GenericSchema>(value: S) => v.object({ value, from: v.string() });
const sourcedBound = sourced(v.union([v.number(), v.picklist(BOUNDS)]));

export const vmReport = v.object({
  vm: v.string(),
  pid: v.optional(v.number()),
  channels: numbers,
  vcpus: list(vcpuReport),
  counts,
  settings: v.object({
    queries: sourced(v.boolean()),
    turbo: sourced(v.boolean()),
    /** kHz, or the domain's own min, base or max. */
    floor: sourcedBound,
    ceiling: sourcedBound,
    commands: sourced(texts),
    requestsPerSecond: sourced(v.number()),
    burst: sourced(v.number()),
    wire: sourced(v.string()),
    leaseS: sourced(v.number()),
  }),
});
export type VmReport = v.InferOutput<typeof vmReport>;

const bound = wordOrKhz(BOUNDS, '"min", "base" or "max"');

/** Settings of a VM that can be changed at run time. */
export const settings = {
  queries: v.optional(flag),
  turbo: v.optional(flag),
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  requestsPerSecond: v.optional(whole(0, 1_000_000)),
  burst: v.optional(whole(1, 1_000_000)),
};
export type VmChange = v.InferOutput<v.ObjectSchema<typeof settings, undefined>>;

export const vmChange = v.pipe(
  /** `save` keeps the change over a restart. */
  v.strictObject({ ...settings, save: option }),
  v.check(
    (body) => Object.keys(body).some((key) => key !== "save"),
    "changes nothing; name a setting, such as queries or floor",
  ),
);

export const pin = v.strictObject({
  pcpus: v.pipe(
    v.array(whole(0, MAX_CPUS - 1), "must be a list of pCPU numbers"),
    v.minLength(1, "must name at least one pCPU"),
    v.transform((pcpus): readonly number[] => [...new Set(pcpus)]),
  ),
});
