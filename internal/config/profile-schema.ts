// What a file may say about the host's own profiles.

import * as v from "valibot";
import { parseCpuList } from "../values/cpulist.ts";
import { keyed, table } from "./table.ts";
import { flag, integer, isCpuList, KHZ_FORM, khzOr, oneOf, text } from "./shapes.ts";

/** Names of energy_perf_bias, beside 0 to 15. Source: arch/x86/kernel/cpu/intel_epb.c, energy_perf_strings. */
const EPB = { performance: 0, "balance-performance": 4, normal: 6, "balance-power": 8, power: 15 } as const;
/** The longest latency that makes sense, microseconds: the kernel's own word for no limit. Source: include/linux/pm_qos.h. */
const MAX_LATENCY_US = 2_000_000_000;

/** A polling that lasts longer than a scheduler's tick of 100 Hz would be a vCPU that never halts. */
const MAX_HALT_POLL_NS = 10_000_000;

const latency = (what: string) => integer(0, MAX_LATENCY_US, `${what}, in microseconds`);

const level = <const T extends string>(names: readonly T[]) =>
  khzOr(names, `Write ${KHZ_FORM}, ${names.map((name) => JSON.stringify(name)).join(" or ")}.`);

const UNCORE = `Write ${KHZ_FORM}, "min", "max", or per cents of the range such as "80%".`;
const uncoreLevel = v.union(
  [
    khzOr(["min", "max"], UNCORE),
    v.pipe(
      text(/^(100|\d{1,2})%$/, UNCORE),
      v.transform((percent) => percent as `${number}%`),
    ),
  ],
  UNCORE,
);
const uncoreLimits = { floor: v.exactOptional(uncoreLevel), ceiling: v.exactOptional(uncoreLevel) };
/** Returns whether `part` can name a part of the uncore. */
const isUncorePart = (part: string): boolean =>
  /^(core|cache|memory|io|\d{1,3}(\.\d{1,3})?|uncore\d{2,3})$/.test(part);
const UNCORE_PART =
  'Name a package as "0", a die as "0.1", what a domain serves as core, cache, memory or io, or a domain such as uncore02.';

const word = (right: string) => text(/^[\w.+-]{1,63}$/, right);

const STATE =
  'Write the name of an idle state, such as "C1E", or up to eight of them, such as ["C1", "C1_ACPI"]: the first that a CPU has counts.';

const rule = table({
  governor: v.exactOptional(word('Write a governor\'s name, such as "schedutil", or "dynamic".')),
  floor: v.exactOptional(level(["min", "base", "max"])),
  ceiling: v.exactOptional(level(["min", "base", "max"])),
  epp: v.exactOptional(
    v.union(
      [v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255)), word("")],
      'Write a word of energy_performance_available_preferences, such as "balance_power", or 0 to 255.',
    ),
  ),
  epb: v.exactOptional(
    v.union(
      [
        v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(15)),
        v.picklist(Object.keys(EPB) as (keyof typeof EPB)[]),
      ],
      `Write 0 (performance) to 15 (energy), or ${Object.keys(EPB).join(", ")}.`,
    ),
  ),
  deepest_state: v.exactOptional(
    v.union(
      [
        v.pipe(
          word(STATE),
          v.transform((name) => [name]),
        ),
        v.pipe(v.array(word(STATE)), v.minLength(1), v.maxLength(8)),
      ],
      STATE,
    ),
  ),
  latency_us: v.exactOptional(latency("the longest time to wake")),
});

/** Returns whether `cpus` can stand for CPUs in a profile. */
const isProfileCpus = (cpus: string): boolean =>
  /^(all|isolated|housekeeping|vm:[^/]+)$/.test(cpus) || isCpuList(cpus);

/** Returns whether `name` can name a profile: it stands in a command line. */
export const isProfileName = (name: string): boolean => /^[a-z][a-z0-9_-]{0,31}$/i.test(name);

const CPUS = 'Name CPUs as "all", "isolated", "housekeeping", "vm:NAME" or a list such as "0-3,8".';
const NAME = "Name a profile by a letter and up to 31 letters, digits, - and _.";

/** The table `profile` of a configuration file: [profile.NAME] and [profile.NAME.cpus.LIST]. */
export const profilesSchema = keyed(
  isProfileName,
  NAME,
  table({
    summary: v.exactOptional(
      v.pipe(v.string("Write one line."), v.maxLength(200, "Write one line of at most 200 characters.")),
    ),
    missing: v.exactOptional(v.picklist(["refuse", "skip"], 'Write "refuse" or "skip".')),
    pstate_mode: v.exactOptional(oneOf(["active", "passive", "guided"])),
    boost: v.exactOptional(flag),
    uncore: v.exactOptional(
      table(
        { ...uncoreLimits, of: v.exactOptional(keyed(isUncorePart, UNCORE_PART, table(uncoreLimits))) },
        "Write a table such as { ceiling = 1600000 }.",
      ),
    ),
    platform_profile: v.exactOptional(
      word('Write a word of platform_profile_choices, such as "performance".'),
    ),
    halt_poll_ns: v.exactOptional(
      integer(0, MAX_HALT_POLL_NS, "how long KVM polls after a vCPU has halted, in nanoseconds"),
    ),
    irq: v.exactOptional(oneOf(["housekeeping"])),
    latency_us: v.exactOptional(latency("the longest time for any CPU to wake")),
    cpus: v.exactOptional(keyed(isProfileCpus, CPUS, rule)),
  }),
);

export type ProfileSections = v.InferOutput<typeof profilesSchema>;

/**
 * Returns the profiles in the words of the program: rules in the order they are laid over each other, numbers for names. The order in
 * the file can't count: JavaScript puts keys such as 3 before all others.
 */
export function profilesOf(sections: ProfileSections) {
  return Object.entries(sections).map(
    ([
      name,
      {
        cpus = {},
        latency_us,
        pstate_mode,
        platform_profile,
        halt_poll_ns,
        summary = "",
        missing = "refuse",
        ...machine
      },
    ]) => ({
      name,
      summary,
      missing,
      ...machine,
      ...(pstate_mode !== undefined && { pstateMode: pstate_mode }),
      ...(platform_profile !== undefined && { platformProfile: platform_profile }),
      ...(halt_poll_ns !== undefined && { haltPollNs: halt_poll_ns }),
      ...(latency_us !== undefined && { latencyUs: latency_us }),
      rules: specialLast(cpus).map(([list, { epp, epb, deepest_state, latency_us, ...clock }]) => ({
        cpus: list,
        ...clock,
        ...(epp !== undefined && { epp: `${epp}` }),
        ...(epb !== undefined && { epb: typeof epb === "number" ? epb : EPB[epb] }),
        ...(deepest_state !== undefined && { deepestState: deepest_state }),
        ...(latency_us !== undefined && { latencyUs: latency_us }),
      })),
    }),
  );
}

/** Returns the rules, those for more CPUs first: all, isolated and housekeeping, VMs, lists from long to short. */
function specialLast<T>(rules: Readonly<Record<string, T>>): [string, T][] {
  const width = (name: string): number => {
    if (name === "all") return 4e9;
    if (name === "isolated" || name === "housekeeping") return 3e9;
    if (name.startsWith("vm:")) return 2e9;
    const list = parseCpuList(name);
    return list.ok ? list.value.length : 0;
  };
  return Object.entries(rules).sort(([a], [b]) => width(b) - width(a));
}
