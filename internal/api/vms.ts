// VMs: their vCPUs and settings, and what can be changed of them at run time.

import * as v from "valibot";
import { MAX_CPUS } from "../values/cpulist.ts";
import { COMMANDS, MAX_SILENCE_S, PRIORITIES, WIRES } from "../values/vm-settings.ts";
import { clockChanges, dryRun } from "./dry-run.ts";
import {
  about,
  counts,
  flag,
  list,
  number,
  numbers,
  option,
  text,
  texts,
  told,
  whole,
  wordOrKhz,
} from "./words.ts";

export const vcpuReport = v.object({
  vcpu: number("Its number."),
  pcpus: about(numbers, "pCPUs it may run on; empty when it has no place, and then `why` says so."),
  why: v.optional(v.string()),
  source: about(v.optional(v.string()), "Which pinning source answered."),
  domains: numbers,
  wishKhz: about(v.optional(v.number()), "What the guest wishes, kHz."),
  targetKhz: about(v.optional(v.number()), "What its first domain was told, kHz."),
  lastRefusal: v.optional(v.object(told)),
});
export type VcpuReport = v.InferOutput<typeof vcpuReport>;

const BOUNDS = ["min", "base", "max"] as const;
/** A value and where it came from: default, a file's name, the VM's libvirt definition, the fleet's word, `flags` or `runtime`. */
const sourced = <const S extends v.GenericSchema>(value: S) => v.object({ value, from: v.string() });
const sourcedBound = sourced(v.union([v.number(), v.picklist(BOUNDS)]));

const shownSettings = v.object({
  queries: sourced(v.boolean()),
  turbo: sourced(v.boolean()),
  floor: about(sourcedBound, "kHz, or the domain's own min, base or max."),
  ceiling: sourcedBound,
  commands: sourced(texts),
  requestsPerSecond: sourced(number("0 for no limit.")),
  burst: sourced(number("Requests at once.")),
  wire: sourced(v.string()),
  leaseS: sourced(number("Seconds of silence after which claims end; 0 for never.")),
  priority: about(sourced(v.picklist(PRIORITIES)), "Who keeps its clock longest when watts are short."),
});
/** A setting as it is and as it would be. */
const settingChange = v.object({
  setting: text("Its key."),
  before: sourced(v.unknown()),
  after: sourced(v.unknown()),
});
export type SettingChange = v.InferOutput<typeof settingChange>;

export const vmReport = v.object({
  vm: v.string(),
  pid: about(v.optional(v.number()), "The process of its QEMU, where it is known."),
  channels: numbers,
  vcpus: list(vcpuReport),
  counts,
  settings: shownSettings,
  changes: about(v.optional(list(settingChange)), "In a dry run alone: what would change of its settings."),
  clocks: about(v.optional(clockChanges), "In a dry run alone: what follows for clocks."),
  warnings: about(
    v.optional(texts),
    "In a dry run alone: what would not be, or not wholly, in effect, and why; a sentence each.",
  ),
});
export type VmReport = v.InferOutput<typeof vmReport>;

const bound = wordOrKhz(BOUNDS, '"min", "base" or "max"');

const WORDS = `must be a list of ${COMMANDS.join(", ")}`;
/** A value, or null: what was changed at run time ends, and the files' value counts again. */
const setting = <const S extends v.GenericSchema>(value: S, what: string) =>
  about(v.optional(v.nullable(value)), what);

/** Settings of a VM that can be changed at run time; null ends a change. */
export const settings = {
  queries: setting(flag, "Whether its guests may ask for frequencies and capabilities."),
  turbo: setting(flag, "Whether its guests may have turbo."),
  floor: setting(bound, "No claim of it counts for less: kHz, or the clock's own min, base or max."),
  ceiling: setting(bound, "No claim of it counts for more."),
  commands: setting(v.array(v.picklist(COMMANDS, WORDS), WORDS), "What its guests may ask."),
  requestsPerSecond: setting(whole(0, 1_000_000), "Requests a second; 0 for no limit."),
  burst: setting(whole(1, 1_000_000), "Requests at once."),
  wire: setting(
    v.picklist(WIRES, `must be one of ${WIRES.join(", ")}`),
    "The packets' generation, for connections from now on.",
  ),
  leaseS: setting(whole(0, MAX_SILENCE_S), "Seconds of silence after which claims end; 0 for never."),
  priority: setting(
    v.picklist(PRIORITIES, `must be one of ${PRIORITIES.join(", ")}`),
    "Who keeps its clock longest when watts are short.",
  ),
};
export type VmChange = v.InferOutput<v.ObjectSchema<typeof settings, undefined>>;

export const vmChange = v.pipe(
  v.strictObject({
    ...settings,
    save: about(option, "Whether the change is kept over a restart."),
    dryRun: about(option, "Whether to tell what would change, and change nothing."),
  }),
  v.description("It must name a setting."),
  v.check(
    (body) => Object.keys(body).some((key) => key in settings),
    "changes nothing; name a setting, such as queries or floor",
  ),
);

export const pin = v.strictObject({
  pcpus: v.pipe(
    v.array(whole(0, MAX_CPUS - 1), "must be a list of pCPU numbers"),
    v.minLength(1, "must name at least one pCPU"),
    v.description("Where it may run."),
    v.transform((pcpus): readonly number[] => [...new Set(pcpus)]),
  ),
  dryRun,
});
