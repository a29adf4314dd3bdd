// The flags of a policy and what they mean; a wrong one is refused here, since the host would refuse it without a word.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { kebab } from "../../../internal/cli/words.ts";
import { guestPolicy, MAC, MAX_MACS, MAX_RATE } from "../../../internal/guest/guest-policy.ts";
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
      v.check((macs) => macs.length <= MAX_MACS && macs.every((mac) => MAC.test(mac)), MACS),
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
  const { workload, turbo } = args;
  const said = { ...parseArgs(Policy, args), type: TYPES[args.type], workload, turbo };
  const names = { key: (key: string) => `--${kebab(key)}`, kind: `--type ${args.type}` };
  const policy = guestPolicy(said, names);
  if (!policy.ok) throw new UsageError(policy.error);
  return policy.value;
}
