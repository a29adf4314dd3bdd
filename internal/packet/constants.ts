// The numbers of the wire, named once: without them every file would carry its own magic numbers and drift from DPDK's.
// Source: DPDK drivers/power/kvm_vm/rte_power_guest_channel.h, prefix RTE_POWER_ dropped; older sizes from its history.

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

/** What the host answers, `command` of a reply; ACK and NACK are RTE_POWER_CMD_ACK and RTE_POWER_CMD_NACK. */
export const REPLY = { ACK: 1, NACK: 2, FREQ_LIST: 3, CAPS_LIST: 4 } as const;

/** How a CPU_POWER request moves the clock, `unit`. */
export const UNIT = {
  SCALE_UP: 1,
  SCALE_DOWN: 2,
  SCALE_MAX: 3,
  SCALE_MIN: 4,
  ENABLE_TURBO: 5,
  DISABLE_TURBO: 6,
} as const;

/** Whose number `resource_id` is: the guest's own vCPU, or a host core (always refused). */
export const CORE_TYPE = { VIRTUAL: 0, PHYSICAL: 1 } as const;

/** Kind of a policy, enum rte_power_policy. */
export const POLICY = { TRAFFIC: 0, TIME: 1, WORKLOAD: 2, BRANCH_RATIO: 3 } as const;

/** Level of a WORKLOAD policy, enum rte_power_workload_level. */
export const WORKLOAD = { HIGH: 0, MEDIUM: 1, LOW: 2 } as const;

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

/** Bytes of each reply, by the name of its code; an ACK or NACK is the request itself with `command` replaced. */
export const REPLY_BYTES = { ACK: 464, NACK: 464, FREQ_LIST: 88, CAPS_LIST: 184 } as const;

/** First command code of our extension ("VM" in the top 16 bits), which DPDK's host ignores in silence. */
export const EXTENSION_FIRST = 0x564d0001;

/** Returns whether `command` (u32) is one of our extension's codes. */
export function isExtension(command: number): boolean {
  return command >= EXTENSION_FIRST && command >>> 16 === EXTENSION_FIRST >>> 16;
}

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
