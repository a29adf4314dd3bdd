// The host's extension answers in bytes, both ways: without it a no would reach the guest without its reason.

import {
  CLIPS,
  DECIDERS,
  type ExtensionAnswer,
  type ExtensionAsk,
  type ExtensionNo,
  type VcpuState,
} from "../values/extension.ts";
import type { Reply } from "../values/request.ts";
import { BOUND } from "./constants.ts";
import { commandOf } from "./extension.ts";
import {
  ANSWER_BIT,
  DONE_STATUS,
  EXTENSION,
  EXTENSION_STATUS,
  extensionAnswer,
  FLAG,
  PAGE,
  TEXT_BYTES,
} from "./extension-layout.ts";

/** What an answer goes back to. */
export interface AnswerHead {
  readonly vcpu: number;
  readonly sequence: number;
  /** The VM's own name, at most 31 bytes. */
  readonly vmName: string;
  readonly ask: ExtensionAsk;
}

/** Returns the 464 fresh bytes of `answer`; a sentence too long for its place is cut between characters. */
export function encodeAnswer(head: AnswerHead, answer: ExtensionAnswer): Uint8Array {
  const { do: what } = answer;
  const common = {
    resource_id: head.vcpu,
    sequence: head.sequence,
    command: commandOf(head.ask) | ANSWER_BIT,
    vm_name: cut(head.vmName, BOUND.NAME_BYTES),
    status: DONE_STATUS,
  };
  switch (what) {
    case "no":
      return extensionAnswer.no.encode({
        ...common,
        status: statusOf(answer.no),
        text: cut(answer.text, TEXT_BYTES),
      });
    case "hello":
      return extensionAnswer.hello.encode({
        ...common,
        version: answer.version,
        lease_s: answer.leaseS,
        vcpus: answer.vcpus,
      });
    case "ping":
      return extensionAnswer.ping.encode({ ...common, lapses: answer.lapses });
    case "scale":
    case "set-khz":
    case "release":
      return extensionAnswer.claim.encode({
        ...common,
        wish_khz: answer.wishKhz,
        target_khz: answer.targetKhz,
      });
    case "freqs": {
      const { total, first, nominal } = answer;
      const khz = answer.khz.slice(0, PAGE.FREQS);
      return extensionAnswer.freqs.encode({ ...common, total, first, count: khz.length, nominal, khz });
    }
    case "state":
      return extensionAnswer.state.encode({ ...common, ...encodeState(answer, answer.text) });
    case "list": {
      const vcpus = answer.vcpus.slice(0, PAGE.VCPUS);
      return extensionAnswer.list.encode({
        ...common,
        total: answer.total,
        first: answer.first,
        count: vcpus.length,
        khz: vcpus.map((vcpu) => vcpu.khz),
        caps: vcpus.map((vcpu) => (vcpu.turbo ? FLAG.TURBO : 0) | (vcpu.priority ? FLAG.PRIORITY : 0)),
      });
    }
    case "policy-remove":
      return extensionAnswer.policyRemove.encode({ ...common, removed: answer.removed ? 1 : 0 });
  }
}

/** Returns what 464 bytes with an extension answer's command say; never throws. Undefined for a command that this version doesn't know. */
export function decodeAnswer(bytes: Uint8Array): Extract<Reply, { kind: "extension" }> | undefined {
  const { resource_id, sequence, command, vm_name, status, text } = extensionAnswer.no.decode(bytes);
  const answer: ExtensionAnswer | undefined =
    status === DONE_STATUS
      ? decodeDone(bytes, (command & ~ANSWER_BIT) >>> 0)
      : { do: "no", no: noOf(status), text };
  if (answer === undefined || (command & ANSWER_BIT) === 0) return undefined;
  return { kind: "extension", vcpu: resource_id, vmName: vm_name, sequence, answer };
}

function decodeDone(bytes: Uint8Array, command: number): ExtensionAnswer | undefined {
  switch (command) {
    case EXTENSION.HELLO: {
      const { version, lease_s: leaseS, vcpus } = extensionAnswer.hello.decode(bytes);
      return { do: "hello", version, leaseS, vcpus };
    }
    case EXTENSION.PING:
      return { do: "ping", lapses: extensionAnswer.ping.decode(bytes).lapses };
    case EXTENSION.SCALE:
    case EXTENSION.SET_KHZ:
    case EXTENSION.RELEASE: {
      const { wish_khz: wishKhz, target_khz: targetKhz } = extensionAnswer.claim.decode(bytes);
      const what =
        command === EXTENSION.SCALE ? "scale" : command === EXTENSION.SET_KHZ ? "set-khz" : "release";
      return { do: what, wishKhz, targetKhz };
    }
    case EXTENSION.FREQS: {
      const { total, first, count, nominal, khz } = extensionAnswer.freqs.decode(bytes);
      return { do: "freqs", total, first, nominal, khz: khz.slice(0, count) };
    }
    case EXTENSION.STATE:
      return { do: "state", ...decodeState(bytes) };
    case EXTENSION.LIST: {
      const { total, first, count, khz, caps } = extensionAnswer.list.decode(bytes);
      const vcpus = khz.slice(0, count).map((clock, i) => {
        const flags = caps[i] ?? 0;
        return { khz: clock, turbo: (flags & FLAG.TURBO) !== 0, priority: (flags & FLAG.PRIORITY) !== 0 };
      });
      return { do: "list", total, first, vcpus };
    }
    case EXTENSION.POLICY_REMOVE:
      return { do: "policy-remove", removed: extensionAnswer.policyRemove.decode(bytes).removed !== 0 };
    default:
      return undefined;
  }
}

function encodeState(state: VcpuState, text: string) {
  return {
    wish_khz: state.wishKhz,
    target_khz: state.targetKhz,
    current_khz: state.currentKhz,
    floor_khz: state.floorKhz,
    ceiling_khz: state.ceilingKhz,
    lowest_khz: state.lowestKhz,
    highest_khz: state.highestKhz,
    nominal_khz: state.nominalKhz,
    own_claims: state.ownClaims,
    other_vms: state.otherVms,
    decided_by: DECIDERS.indexOf(state.decidedBy),
    winner: state.winner,
    clipped_by: CLIPS.indexOf(state.clippedBy),
    flags: (state.hasTurbo ? FLAG.HAS_TURBO : 0) | (state.turboAllowed ? FLAG.TURBO_ALLOWED : 0),
    lease_left_ms: state.leaseLeftMs,
    last_status: state.lastNo === undefined ? DONE_STATUS : statusOf(state.lastNo.no),
    last_ago_s: state.lastNo?.agoS ?? 0,
    text: cut(text, TEXT_BYTES),
  };
}

function decodeState(bytes: Uint8Array): VcpuState & { readonly text: string } {
  const state = extensionAnswer.state.decode(bytes);
  return {
    wishKhz: state.wish_khz,
    targetKhz: state.target_khz,
    currentKhz: state.current_khz,
    floorKhz: state.floor_khz,
    ceilingKhz: state.ceiling_khz,
    lowestKhz: state.lowest_khz,
    highestKhz: state.highest_khz,
    nominalKhz: state.nominal_khz,
    ownClaims: state.own_claims,
    otherVms: state.other_vms,
    decidedBy: DECIDERS[state.decided_by] ?? "nobody",
    winner: state.winner,
    clippedBy: CLIPS[state.clipped_by] ?? "none",
    hasTurbo: (state.flags & FLAG.HAS_TURBO) !== 0,
    turboAllowed: (state.flags & FLAG.TURBO_ALLOWED) !== 0,
    leaseLeftMs: state.lease_left_ms,
    lastNo:
      state.last_status === DONE_STATUS ? undefined : { no: noOf(state.last_status), agoS: state.last_ago_s },
    text: state.text,
  };
}

/** Of a no that only a newer host knows nothing but its sentence is left; it is never sent by this one. */
const OTHER_STATUS = 0xffff;

function statusOf(no: ExtensionNo): number {
  return no === "other" ? OTHER_STATUS : EXTENSION_STATUS[no];
}

function noOf(status: number): ExtensionNo {
  for (const [no, number] of Object.entries(EXTENSION_STATUS))
    if (number === status) return no as ExtensionNo;
  return "other";
}

/** Returns as many whole characters of `text`, up to a NUL, as fit in `bytes` with a NUL after them. */
export function cut(text: string, bytes: number): string {
  const whole = text.split("\0", 1)[0] ?? "";
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(bytes - 1));
  return whole.slice(0, read);
}
