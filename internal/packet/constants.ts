// The numbers of the wire, each written beside its name; the extension's commands have theirs in extension-table.ts.
// Source: DPDK drivers/power/kvm_vm/rte_power_guest_channel.h, prefix RTE_POWER_ dropped; older sizes from its history.
// Of the extension: docs/protocol-extension.md.

import type { Clip, Decider, ExtensionNo } from "../values/extension.ts";
import type { Step } from "../values/frequency.ts";
import type { PolicyType, Workload } from "../values/request.ts";
import { type Words, words } from "./words.ts";

/** What a guest asks, `command` of a request. CONNECT is RTE_POWER_CPU_POWER_CONNECT. */
export const COMMAND = {
  CPU_POWER: 1,
  CONNECT: 2,
  PKT_POLICY: 3,
  PKT_POLICY_REMOVE: 4,
  QUERY_FREQ_LIST: 7,
  QUERY_FREQ: 8,
  QUERY_CAPS_LIST: 9,
  QUERY_CAPS: 10,
} as const;

/** What the host answers, `command` of a reply. ACK and NACK are RTE_POWER_CMD_ACK and _NACK: the request itself with `command` replaced. */
export const REPLY = { ACK: 1, NACK: 2, FREQ_LIST: 3, CAPS_LIST: 4 } as const;

/** How a CPU_POWER request moves the clock, `unit`: SCALE_UP to SCALE_MIN, ENABLE_TURBO, DISABLE_TURBO. */
export const UNIT: Words<Step> = words({
  up: 1,
  down: 2,
  max: 3,
  min: 4,
  "turbo-on": 5,
  "turbo-off": 6,
});

/** Whose number `resource_id` is: the guest's own vCPU, or a host core (always refused). */
export const CORE_TYPE = { VIRTUAL: 0, PHYSICAL: 1 } as const;

/** Kind of a policy, `policy_to_use`: enum rte_power_policy. */
export const POLICY: Words<PolicyType> = words({ traffic: 0, time: 1, workload: 2, "branch-ratio": 3 });

/** Level of a WORKLOAD policy, `workload`: enum rte_power_workload_level. */
export const WORKLOAD: Words<Workload> = words({ high: 0, medium: 1, low: 2 });

/** Array bounds of the structs: RTE_POWER_MAX_VFS, _VM_MAX_NAME_SZ (with its NUL), _MAX_VCPU_PER_VM, _HOURS_PER_DAY. */
export const BOUND = { VFS: 10, NAME_BYTES: 32, VCPUS: 8, HOURS: 24 } as const;

/** The three request formats, named for the first DPDK release (or year) that spoke them. */
export type Generation = "2014" | "17.11" | "18.11";

/** Bytes of one request of each generation. */
export const REQUEST_BYTES: Readonly<{ "2014": 16; "17.11": 456; "18.11": 464 }> = {
  "2014": 16,
  "17.11": 456,
  "18.11": 464,
};

/** First command code of our extension ("VM" in the top 16 bits), which DPDK's host ignores in silence. */
export const EXTENSION_FIRST = 0x564d0001;

/** Returns whether `command` (u32) is one of our extension's codes. */
export function isExtension(command: number): boolean {
  return command >= EXTENSION_FIRST && command >>> 16 === EXTENSION_FIRST >>> 16;
}

/** Set in the `command` of every extension answer, so that a request that comes back is never taken for one. */
export const ANSWER_BIT = 0x8000;

/** Returns whether `command` (u32) is that of an extension answer, known or not. */
export function isAnswer(command: number): boolean {
  return isExtension(command) && (command & ANSWER_BIT) !== 0;
}

/** `status` of an answer: 0 is done, below 16 what is no refusal. Numbers are never used again for another meaning. */
export const STATUS: Words<ExtensionNo> = words({
  "unknown-command": 1,
  "bad-value": 2,
  "no-hello": 3,
  failed: 4,
  "name-mismatch": 16,
  "names-pcpu": 17,
  "no-such-vcpu": 18,
  "not-pinned": 19,
  floating: 20,
  "no-cpufreq": 21,
  "no-turbo": 22,
  "turbo-off": 23,
  "command-off": 24,
  rate: 25,
  "queries-off": 26,
  // 27 was policies-off, which no host ever said; it stays unused.
  "policy-lacks": 28,
  "no-interface": 29,
  "mac-nowhere": 30,
  "no-branch-counters": 31,
  "not-listed": 32,
  "clock-hung": 33,
  "no-meter": 34,
  // Of a no that only a newer host knows nothing but its sentence is left; this number is never sent.
  other: 0xffff,
});
export const DONE_STATUS = 0;

/** Who decides a clock, `decided_by` of a STATE answer. */
export const DECIDER: Words<Decider> = words({
  nobody: 0,
  "this-vcpu": 1,
  "this-vm": 2,
  "other-vm": 3,
  policy: 4,
  operator: 5,
});
/** Whose limits changed the wish, `clipped_by` of a STATE answer. */
export const CLIP: Words<Clip> = words({ none: 0, vm: 1, site: 2 });

/** Returns whether a guest of `generation` can send `command` (u32); extension codes travel in 464-byte frames only. */
export function hasCommand(generation: Generation, command: number): boolean {
  switch (generation) {
    case "2014":
      return command === COMMAND.CPU_POWER || command === COMMAND.CONNECT;
    case "17.11":
      return command >= COMMAND.CPU_POWER && command <= COMMAND.PKT_POLICY;
    case "18.11":
      return (
        (command >= COMMAND.CPU_POWER && command <= COMMAND.PKT_POLICY_REMOVE) ||
        (command >= COMMAND.QUERY_FREQ_LIST && command <= COMMAND.QUERY_CAPS) ||
        isExtension(command)
      );
  }
}
