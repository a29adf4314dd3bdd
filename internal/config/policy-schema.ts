// What an operator's policy may say, in the configuration and in a policy's own file.

import * as v from "valibot";
import { parseCpuList } from "../values/cpulist.ts";
import { POLICY_TYPES, WORKLOADS } from "../values/request.ts";
import { MAX_VCPU } from "../values/numbers.ts";
import { flag, integer, KHZ_FORM, khzOr, oneOf, quoted, text, whole, zone } from "./shapes.ts";

/** More interfaces or MACs than any VM has. */
const MAX_INTERFACES = 64;
export const MAX_WINDOWS = 200;

/** Weekdays as they are written, Monday first. */
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const LEVELS = ["min", "medium", "max"] as const;

const level = <const T extends string>(names: readonly T[]) =>
  khzOr(names, `Write ${quoted(names)} or ${KHZ_FORM}.`);
const listOf = <const T extends v.GenericSchema>(item: T, least: number, most: number, right: string) =>
  v.pipe(v.array(item, right), v.minLength(least, right), v.maxLength(most, right));

const hours = listOf(
  integer(0, 23, "an hour"),
  0,
  24,
  "Write a list of at most 24 hours, such as [17, 18, 19].",
);
const CLOCK = 'Write hours and minutes as "HH:MM", such as "08:30"; the end of a day is "24:00".';
const clock = (latest: number) =>
  v.pipe(
    text(/^([01]\d|2[0-4]):[0-5]\d$/, CLOCK),
    v.transform((time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))),
    v.maxValue(latest, CLOCK),
  );
/** A span of the local clock, as every window has one. */
export const spanEntries = {
  days: v.exactOptional(
    listOf(
      oneOf(DAYS),
      1,
      DAYS.length,
      `Write a list of days, such as ["mon", "fri"]; the days are ${DAYS.join(", ")}.`,
    ),
  ),
  from: clock(24 * 60 - 1),
  to: clock(24 * 60),
};
const window = v.strictObject(
  {
    ...spanEntries,
    level: level([...LEVELS, "traffic"]),
  },
  'Write a table such as { from = "08:30", to = "17:00", level = "max" }.',
);

const VCPUS = `Write "all", a list of vCPUs such as [0, 1], or "0-3"; a vCPU is 0 to ${MAX_VCPU}.`;
const vcpuList = v.pipe(
  v.string(VCPUS),
  v.rawTransform(({ dataset, addIssue, NEVER }): "all" | number[] => {
    if (dataset.value === "all") return "all";
    const list = parseCpuList(dataset.value);
    if (list.ok && list.value.length > 0 && (list.value.at(-1) ?? 0) <= MAX_VCPU) return list.value;
    addIssue({ message: VCPUS });
    return NEVER;
  }),
);

const MACS = `Write a list of MAC addresses, such as ["52:54:00:12:34:56"].`;
const mac = v.pipe(
  text(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, MACS),
  v.transform((address) => address.toLowerCase()),
);
const INTERFACES = 'Write a list of the host\'s interfaces, such as ["vnet3"].';
/** Source: net/core/dev.c, dev_valid_name. */
const interfaceName = text(/^(?!\.\.?$)[^/:\s]{1,15}$/, INTERFACES);
const SHARE = "Write a percentage above 0 and at most 100, such as 0.1.";

/** One policy as it is written: all keys of all types; policyOf() knows which belong together. */
export const policySection = v.strictObject(
  {
    type: oneOf(POLICY_TYPES),
    vcpus: v.exactOptional(
      v.union([vcpuList, listOf(whole(0, MAX_VCPU, VCPUS), 1, MAX_VCPU + 1, VCPUS)], VCPUS),
    ),
    turbo: v.exactOptional(flag),
    timezone: v.exactOptional(zone),
    default: v.exactOptional(level(LEVELS)),
    windows: v.exactOptional(
      listOf(window, 0, MAX_WINDOWS, `Write [[windows]] tables, at most ${MAX_WINDOWS}.`),
    ),
    busy_hours: v.exactOptional(hours),
    quiet_hours: v.exactOptional(hours),
    traffic_hours: v.exactOptional(hours),
    macs: v.exactOptional(listOf(mac, 1, MAX_INTERFACES, MACS)),
    interfaces: v.exactOptional(listOf(interfaceName, 1, MAX_INTERFACES, INTERFACES)),
    medium_pps: v.exactOptional(
      integer(0, Number.MAX_SAFE_INTEGER, "packets per second from which on medium is due"),
    ),
    max_pps: v.exactOptional(
      integer(0, Number.MAX_SAFE_INTEGER, "packets per second from which on max is due"),
    ),
    fall_percent: v.exactOptional(
      integer(1, 100, "the percentage of its threshold below which a level is left"),
    ),
    workload: v.exactOptional(oneOf(WORKLOADS)),
    threshold_percent: v.exactOptional(v.pipe(v.number(SHARE), v.gtValue(0, SHARE), v.maxValue(100, SHARE))),
    quiet_samples: v.exactOptional(integer(1, 100_000, "samples of 100 ms in a row before min is due")),
  },
  "Write a table of settings.",
);

export type PolicySection = v.InferOutput<typeof policySection>;
