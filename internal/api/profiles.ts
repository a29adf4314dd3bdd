// The host's own power: what it can do, and the profiles that set it.

import * as v from "valibot";
import { list, numbers, option, texts } from "./words.ts";

/** What the host can do; each part is absent where it could not be read, and `problems` says why. */
export const capabilitiesReport = v.object({ arch: v.string(), problems: texts });

/** Profiles as they are written. */
export const profileReports = list(
  v.object({
    name: v.string(),
    from: v.picklist(["built in", "configuration"]),
    summary: v.string(),
    /** What becomes of a knob that the machine lacks. */
    missing: v.picklist(["refuse", "skip"]),
    inForce: v.boolean(),
    boost: v.optional(v.boolean()),
    uncore: v.optional(v.object({})),
    latencyUs: v.optional(v.number()),
    rules: list(v.object({ cpus: v.string() })),
  }),
);

const NAME = "must be a profile's name";
const CPUS = 'must be a list such as "0-3,8", all, isolated, housekeeping or vm:NAME';

/** Which profile is wanted, and for which CPUs alone. */
export const profileChange = v.strictObject({
  name: v.pipe(v.string(NAME), v.nonEmpty(NAME)),
  cpus: v.optional(v.pipe(v.string(CPUS), v.nonEmpty(CPUS))),
  dryRun: option,
});

/** One attribute, its path from /sys/devices/system/cpu on. */
const setting = {
  path: v.string(),
  knob: v.string(),
  text: v.string(),
  /** Of a floor or ceiling: there is no limit, and `text` is the hardware's own at the moment. */
  unlimited: v.optional(v.boolean()),
};
const settings = list(v.object(setting));

/** A profile that was put in force, or would be. */
export const appliedReport = v.object({
  profile: v.string(),
  /** False for a dry run. */
  applied: v.boolean(),
  /** In the order of their steps, which start at 1. */
  changes: list(v.object({ ...setting, from: v.string(), step: v.number() })),
  /** Knobs left out because this machine lacks them. */
  left: list(v.object({ knob: v.string(), where: v.string(), why: v.string() })),
  /** Values that the kernel rounded; what was asked is "no limit" where there was to be none. */
  rounded: list(v.object({ path: v.string(), asked: v.string(), held: v.string() })),
  latencyUs: v.optional(v.number()),
});
export type AppliedReport = v.InferOutput<typeof appliedReport>;

/** A profile that was taken back. */
export const offReport = v.object({
  /** Absent when none was in force. */
  profile: v.optional(v.string()),
  /** It was of another boot and has been forgotten. */
  stale: v.boolean(),
  restored: settings,
});
export type OffReport = v.InferOutput<typeof offReport>;

/** The profile in force and what has drifted from it. */
export const profileStateReport = v.object({
  state: v.picklist(["none", "applied", "stale"]),
  profile: v.optional(v.string()),
  cpus: v.optional(v.string()),
  since: v.optional(v.string()),
  latencyUs: v.optional(v.number()),
  originals: v.optional(settings),
  wanted: v.optional(settings),
  drift: list(v.object({ ...setting, found: v.optional(v.string()) })),
  /** Domains that claims hold within it. */
  held: numbers,
});
export type ProfileStateReport = v.InferOutput<typeof profileStateReport>;
