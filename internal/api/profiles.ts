// The host's own power: what it can do, and the profiles that set it.

import * as v from "valibot";
import { clockChanges } from "./dry-run.ts";
import { about, list, number, numbers, option, text, texts } from "./words.ts";

/** What the host can do; each part is absent where it could not be read, and `problems` says why. */
export const capabilitiesReport = v.object({
  arch: text("The kernel's name of the architecture."),
  problems: about(texts, "What could not be read, a sentence each."),
});

/** Profiles as they are written. */
export const profileReports = list(
  v.object({
    name: v.string(),
    from: v.picklist(["built in", "configuration"]),
    summary: v.string(),
    missing: about(v.picklist(["refuse", "skip"]), "What becomes of a knob that the machine lacks."),
    inForce: v.boolean(),
    boost: v.optional(v.boolean()),
    uncore: v.optional(v.object({})),
    irq: v.optional(v.string()),
    pstateMode: v.optional(v.string()),
    latencyUs: about(v.optional(v.number()), "The longest wake-up that is allowed, us."),
    rules: list(v.object({ cpus: v.string() })),
  }),
);

const NAME = "must be a profile's name";
const CPUS = 'must be a list such as "0-3,8", all, isolated, housekeeping or vm:NAME';

/** Which profile is wanted, and for which CPUs alone. */
export const profileChange = v.strictObject({
  name: about(v.pipe(v.string(NAME), v.nonEmpty(NAME)), "The profile's name."),
  cpus: about(
    v.optional(v.pipe(v.string(CPUS), v.nonEmpty(CPUS))),
    "The CPUs to limit it to: a list, all, isolated, housekeeping or vm:NAME.",
  ),
  dryRun: about(option, "Whether to tell what would change, and change nothing."),
});

/** One attribute, its path from /sys/devices/system/cpu on. */
const setting = {
  path: v.string(),
  knob: v.string(),
  text: v.string(),
  unlimited: about(
    v.optional(v.boolean()),
    "Of a floor or ceiling: there is no limit, and `text` is the hardware's own at the moment.",
  ),
};
const settings = list(v.object(setting));

/** A profile that was put in force, or would be. */
export const appliedReport = v.object({
  profile: v.string(),
  applied: about(v.boolean(), "False for a dry run."),
  changes: about(
    list(v.object({ ...setting, from: v.string(), step: number("The step in which it is written.") })),
    "In the order of their steps, which start at 1.",
  ),
  left: about(
    list(v.object({ knob: v.string(), where: v.string(), why: v.string() })),
    "Knobs left out because this machine lacks them.",
  ),
  rounded: about(
    list(v.object({ path: v.string(), asked: v.string(), held: v.string() })),
    'Values that the kernel rounded; what was asked is "no limit" where there was to be none.',
  ),
  warnings: about(
    texts,
    "What stays as it is all the same, who works against it, and in a dry run what is not known before; a sentence each.",
  ),
  latencyUs: about(v.optional(v.number()), "The longest wake-up that is allowed, us."),
  clocks: about(
    v.optional(clockChanges),
    "In a dry run of a powermon that runs: what follows for claimed clocks.",
  ),
});
export type AppliedReport = v.InferOutput<typeof appliedReport>;

/** A profile that was taken back. */
export const offReport = v.object({
  profile: about(v.optional(v.string()), "Absent when none was in force."),
  stale: about(v.boolean(), "It was of another boot and has been forgotten."),
  restored: settings,
  later: about(
    settings,
    "What waits for CPUs that are offline; a running powermon puts it back when they come.",
  ),
});
export type OffReport = v.InferOutput<typeof offReport>;

/** The profile in force and what has drifted from it. */
export const profileStateReport = v.object({
  state: v.picklist(["none", "applied", "stale"]),
  profile: v.optional(v.string()),
  cpus: v.optional(v.string()),
  since: v.optional(v.string()),
  latencyUs: about(v.optional(v.number()), "The longest wake-up that is allowed, us."),
  originals: v.optional(settings),
  wanted: v.optional(settings),
  drift: list(v.object({ ...setting, found: v.optional(v.string()) })),
  held: about(numbers, "Domains that claims hold within it."),
});
export type ProfileStateReport = v.InferOutput<typeof profileStateReport>;
