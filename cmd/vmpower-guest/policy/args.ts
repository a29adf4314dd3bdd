// The flags of a policy and what they mean; a wrong one is refused here, since the host would refuse it without a word.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { kebab } from "../../../internal/cli/words.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { parseCpuList } from "../../../internal/values/cpulist.ts";
import {
  type GuestPolicy,
  MAX_V1_VCPUS,
  type PolicyType,
  WORKLOADS,
} from "../../../internal/values/request.ts";

/** DPDK's words for the kinds of policy. Source: examples/vm_power_manager, channel_monitor.c, policy_type. */
const TYPES = {
  TIME: "time",
  TRAFFIC: "traffic",
  WORKLOAD: "workload",
  BRANCH_RATIO: "branch-ratio",
} as const satisfies Readonly<Record<string, PolicyType>>;
type Word = keyof typeof TYPES;

const HOURS = { type: "string", valueHint: "list" } as const;
/** Packets per second at most. Source: rte_power_guest_channel.h, struct rte_power_traffic_policy. */
const MAX_RATE = 0xffff_ffff;
const MAX_MACS = 10;

export const POLICY_ARGS = {
  type: {
    type: "enum",
    options: ["TIME", "TRAFFIC", "WORKLOAD", "BRANCH_RATIO"],
    required: true,
    description: "kind of rule",
  },
  vcpus: { type: "string", valueHint: "list", required: true, description: "vCPUs it is for, at most 8" },
  busyHours: { ...HOURS, description: "hours of the highest frequency, such as 8-11,13-17" },
  quietHours: { ...HOURS, description: "hours of the lowest frequency" },
  trafficHours: { ...HOURS, description: "hours in which packets decide" },
  mac: {
    type: "string",
    valueHint: "mac,...",
    description: "MAC addresses of this VM whose packets count, at most 10",
  },
  avg: {
    type: "string",
    valueHint: "n",
    description: "packets a second from which on the medium frequency is set",
  },
  max: {
    type: "string",
    valueHint: "n",
    description: "packets a second from which on the highest frequency is set",
  },
  workload: { type: "enum", options: WORKLOADS, description: "level of WORKLOAD" },
  turbo: { type: "boolean", description: "let the highest frequency be turbo" },
} as const;

/** What each kind needs, and what it may have beside. */
const WANTS: Readonly<Record<Word, { readonly all: readonly string[]; readonly any: readonly string[] }>> = {
  TIME: { all: [], any: ["busyHours", "quietHours", "trafficHours", "mac", "avg", "max"] },
  TRAFFIC: { all: ["mac", "avg", "max"], any: [] },
  WORKLOAD: { all: ["workload"], any: [] },
  BRANCH_RATIO: { all: [], any: [] },
};
const FLAGS = ["busyHours", "quietHours", "trafficHours", "mac", "avg", "max", "workload"];

const VCPUS = `must be at most ${MAX_V1_VCPUS} vCPUs from 0 to 255 such as 1,3,5-7`;
const HOUR_LIST = "must be hours from 0 to 23 such as 1,3,5-7";
const MACS = `must be at most ${MAX_MACS} MAC addresses such as 52:54:00:12:34:56, with commas between`;

const listOf = (message: string, most: number, count: number) =>
  v.pipe(
    v.string(message),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const list = parseCpuList(dataset.value);
      const fits = list.ok && list.value.length > 0 && list.value.length <= count;
      if (fits && (list.value.at(-1) ?? 0) <= most) return list.value;
      addIssue({ message });
      return NEVER;
    }),
  );

const hours = v.optional(listOf(HOUR_LIST, 23, 24));
const Policy = v.object({
  vcpus: listOf(VCPUS, 255, MAX_V1_VCPUS),
  busyHours: hours,
  quietHours: hours,
  trafficHours: hours,
  mac: v.optional(
    v.pipe(
      v.string(MACS),
      v.transform((text) => text.toLowerCase().split(",")),
      v.check(
        (macs) => macs.length <= MAX_MACS && macs.every((mac) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)),
        MACS,
      ),
    ),
  ),
  avg: v.optional(integer(0, MAX_RATE)),
  max: v.optional(integer(0, MAX_RATE)),
});

/** Returns the policy that POLICY_ARGS describe. Errors: UsageError that names the flag that is wrong, missing or of another kind. */
export function policyOf(
  args: object & {
    readonly type: Word;
    readonly workload?: GuestPolicy["workload"] | undefined;
    readonly turbo: boolean;
  },
): GuestPolicy {
  const wants = WANTS[args.type];
  for (const key of FLAGS) {
    const flag = `--${kebab(key)}`;
    const given = Reflect.get(args, key) !== undefined;
    if (!given && wants.all.includes(key))
      throw new UsageError(`${flag} is missing; --type ${args.type} needs it.`);
    if (given && !wants.all.includes(key) && !wants.any.includes(key)) {
      throw new UsageError(`${flag} means nothing with --type ${args.type}; leave it out.`);
    }
  }
  const said = parseArgs(Policy, args);
  const { busyHours = [], quietHours = [], trafficHours = [], mac, avg, max } = said;
  if (args.type === "TIME" && busyHours.length + quietHours.length + trafficHours.length === 0) {
    throw new UsageError("--type TIME needs --busy-hours, --quiet-hours or --traffic-hours.");
  }
  if (trafficHours.length > 0 && (mac === undefined || avg === undefined || max === undefined)) {
    throw new UsageError("--traffic-hours needs --mac, --avg and --max.");
  }
  const twice = busyHours.find((hour) => quietHours.includes(hour));
  if (twice !== undefined)
    throw new UsageError(`Hour ${twice} is in --busy-hours and in --quiet-hours; it can be one.`);
  if ((avg ?? 0) > (max ?? MAX_RATE)) throw new UsageError("--avg must not be above --max.");
  return {
    type: TYPES[args.type],
    vcpus: said.vcpus,
    macs: mac ?? [],
    traffic: { min: 0, avg: avg ?? 0, max: max ?? 0 },
    busyHours,
    quietHours,
    trafficHours,
    workload: args.workload ?? "high",
    turbo: args.turbo,
  };
}
