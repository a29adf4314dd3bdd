// The extension's numbers and structs: without these tables its offsets would live in code, where no C program could check them.

import type { ExtensionNo } from "../values/extension.ts";
import { BOUND, EXTENSION_FIRST, isExtension, REQUEST_BYTES } from "./constants.ts";
import { array, cstr, layout, u8, u32, u64 } from "./layout.ts";

/** What a guest asks, `command` of a request: the first code and up. */
export const EXTENSION = {
  HELLO: EXTENSION_FIRST,
  PING: EXTENSION_FIRST + 1,
  SCALE: EXTENSION_FIRST + 2,
  SET_KHZ: EXTENSION_FIRST + 3,
  RELEASE: EXTENSION_FIRST + 4,
  FREQS: EXTENSION_FIRST + 5,
  STATE: EXTENSION_FIRST + 6,
  LIST: EXTENSION_FIRST + 7,
  POLICY_REMOVE: EXTENSION_FIRST + 8,
} as const;

/** `command` of what the host says unasked; it has the answer bit and answers nothing. */
export const NOTICE_COMMAND = 0x564dc001;
/** `what` of a notice. */
export const NOTICE = { HOST_SLEEPS: 1, HOST_AWAKE: 2 } as const;

/** Set in the `command` of every answer, so that a request that comes back is never taken for one. */
export const ANSWER_BIT = 0x8000;

/** Returns whether `command` (u32) is that of an extension answer, known or not. */
export function isAnswer(command: number): boolean {
  return isExtension(command) && (command & ANSWER_BIT) !== 0;
}

/** `status` of an answer: 0 is done, below 16 what is no refusal. Numbers are never used again for another meaning. */
export const EXTENSION_STATUS: Readonly<Record<Exclude<ExtensionNo, "other">, number>> = {
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
};
export const DONE_STATUS = 0;

/** Most entries in one page. */
export const PAGE = { FREQS: 40, VCPUS: 32 } as const;
/** Bytes of a sentence, its NUL included. */
export const TEXT_BYTES = 208;
/** Bits of `caps` in a LIST answer and of `flags` in a STATE answer. */
export const FLAG = { TURBO: 1, PRIORITY: 2, HAS_TURBO: 1, TURBO_ALLOWED: 2 } as const;
/** Bit of `flags` in a SET_KHZ request, and bit of `flags` in a RELEASE request. */
export const TURBO_FLAG = 1;
export const ALL_FLAG = 1;
/** Bit of `flags` in a HELLO request: the guest takes notices. */
export const NOTICES_FLAG = 1;

const BYTES = REQUEST_BYTES["18.11"];
/** The head of DPDK's packet, so that framing and the check of the name need not know the extension. */
const head = { resource_id: u64(0), sequence: u32(8), command: u32(12), vm_name: cstr(16, BOUND.NAME_BYTES) };
const answer = { ...head, status: u32(48), text: cstr(BYTES - TEXT_BYTES, TEXT_BYTES) };

/** Requests; where a command has no members of its own, the head is all. */
export const extensionRequest = {
  head: layout("vmpower_request", BYTES, head),
  hello: layout("vmpower_hello", BYTES, { ...head, version: u32(48), lease_s: u32(52), flags: u32(56) }),
  scale: layout("vmpower_scale", BYTES, { ...head, unit: u32(48) }),
  setKhz: layout("vmpower_set_khz", BYTES, { ...head, khz: u32(48), flags: u32(52) }),
  release: layout("vmpower_release", BYTES, { ...head, flags: u32(48) }),
  /** FREQS and LIST. */
  page: layout("vmpower_page", BYTES, { ...head, first: u32(48) }),
};

/** Answers; a no has the head, its status and its sentence only. */
export const extensionAnswer = {
  no: layout("vmpower_answer", BYTES, answer),
  hello: layout("vmpower_hello_answer", BYTES, {
    ...answer,
    version: u32(56),
    lease_s: u32(60),
    vcpus: u32(64),
  }),
  ping: layout("vmpower_ping_answer", BYTES, { ...answer, lapses: u32(56) }),
  /** SCALE, SET_KHZ and RELEASE. */
  claim: layout("vmpower_claim_answer", BYTES, { ...answer, wish_khz: u32(56), target_khz: u32(60) }),
  freqs: layout("vmpower_freqs_answer", BYTES, {
    ...answer,
    total: u32(56),
    first: u32(60),
    count: u32(64),
    nominal: u32(68),
    khz: array(72, PAGE.FREQS, u32),
  }),
  state: layout("vmpower_state_answer", BYTES, {
    ...answer,
    wish_khz: u32(56),
    target_khz: u32(60),
    current_khz: u32(64),
    floor_khz: u32(68),
    ceiling_khz: u32(72),
    lowest_khz: u32(76),
    highest_khz: u32(80),
    nominal_khz: u32(84),
    own_claims: u32(88),
    other_vms: u32(92),
    decided_by: u32(96),
    winner: u32(100),
    clipped_by: u32(104),
    flags: u32(108),
    lease_left_ms: u32(112),
    last_status: u32(116),
    last_ago_s: u32(120),
  }),
  list: layout("vmpower_list_answer", BYTES, {
    ...answer,
    total: u32(56),
    first: u32(60),
    count: u32(64),
    khz: array(68, PAGE.VCPUS, u32),
    caps: array(196, PAGE.VCPUS, u8),
  }),
  policyRemove: layout("vmpower_policy_remove_answer", BYTES, { ...answer, removed: u32(56) }),
};

/** A notice; where an answer has its status, it has zero. */
export const extensionNotice = layout("vmpower_notice", BYTES, {
  ...head,
  what: u32(56),
  slept_s: u32(60),
  wake_s: u64(64),
});
