// The host's answers to DPDK's requests in bytes, both ways; every reply is decoded from here.

import type { Reply, VcpuCaps } from "../values/request.ts";
import { BOUND, isExtension, REPLY } from "./constants.ts";
import { capsListPacket, channelPacket464, freqListPacket } from "./dpdk.ts";
import { decodeAnswer } from "./extension.ts";
import { setU32At, u32At } from "./little-endian.ts";
import { hasName } from "./name.ts";
import { decodeNotice, isNotice } from "./notice.ts";
import { type Malformed, malformed } from "./request.ts";

const COMMAND_AT = channelPacket464.fields.command.offset;

/** What stands before a list: DPDK's host leaves it uninitialised and its guest never reads it; ours echoes the request. */
export interface ReplyHead {
  readonly vcpu: number;
  readonly unit: number;
  /** Left empty in the packet when it has a NUL or over 31 bytes: a guest's claim must not make the host throw. */
  readonly vmName: string;
}

/** Turns a request's own 464 bytes into its ACK (`yes`) or NACK, in place, and returns them. Source: DPDK channel_monitor.c, send_ack_for_received_cmd. */
export function acknowledge(frame: Uint8Array, yes: boolean): Uint8Array {
  setU32At(frame, COMMAND_AT, yes ? REPLY.ACK : REPLY.NACK);
  return frame;
}

/** Returns a FREQ_LIST of fresh bytes; `khz` is by vCPU number, 0 where not asked, and cut after 8. Source: DPDK channel_monitor.c, send_freq. */
export function encodeFreqList(reply: ReplyHead & { readonly khz: readonly number[] }): Uint8Array {
  const khz = reply.khz.slice(0, BOUND.VCPUS);
  return freqListPacket.encode({ ...head(reply, REPLY.FREQ_LIST), freq_list: khz, num_vcpu: khz.length });
}

/** Returns a CAPS_LIST of fresh bytes; `caps` is by vCPU number and cut after 8. Source: DPDK channel_monitor.c, send_capabilities. */
export function encodeCapsList(reply: ReplyHead & { readonly caps: readonly VcpuCaps[] }): Uint8Array {
  const caps = reply.caps.slice(0, BOUND.VCPUS);
  return capsListPacket.encode({
    ...head(reply, REPLY.CAPS_LIST),
    turbo: caps.map((cap) => Number(cap.turbo)),
    priority: caps.map((cap) => Number(cap.priority)),
    num_vcpu: caps.length,
  });
}

/**
 * Returns what a whole reply says; never throws. A list holds at most 8 entries whatever `count` (num_vcpu as sent) claims;
 * its `vcpu` and `vmName` mean nothing when DPDK's host sent it: match a list to its request by kind and order alone.
 */
export function decodeReply(bytes: Uint8Array): Reply | Malformed {
  const size = replyBytes(bytes);
  const command = bytes.length >= COMMAND_AT + 4 ? u32At(bytes, COMMAND_AT) : 0;
  if (size === undefined)
    return malformed("bad-size", command, `${bytes.length} bytes are too few for a reply.`);
  if (size === 0) return malformed("unknown-command", command, `No reply has command ${command}.`);
  if (size !== bytes.length) {
    return malformed("bad-size", command, `Reply ${command} has ${size} bytes, not ${bytes.length}.`);
  }
  const named = hasName(bytes, 0);
  if (isExtension(command)) {
    const decode = isNotice(bytes) ? decodeNotice : decodeAnswer;
    const answer = named ? decode(bytes) : undefined;
    if (answer !== undefined) return answer;
    return malformed("unknown-command", command, `Extension answer 0x${command.toString(16)} is not known.`);
  }
  if (command === REPLY.FREQ_LIST) {
    const { resource_id: vcpu, vm_name, num_vcpu: count, freq_list } = freqListPacket.decode(bytes);
    return { kind: "freq-list", vcpu, vmName: named ? vm_name : "", count, khz: freq_list.slice(0, count) };
  }
  if (command === REPLY.CAPS_LIST) {
    const { resource_id: vcpu, vm_name, num_vcpu: count, turbo, priority } = capsListPacket.decode(bytes);
    const caps = turbo.slice(0, count).map((on, i) => ({ turbo: on !== 0, priority: priority[i] !== 0 }));
    return { kind: "caps-list", vcpu, vmName: named ? vm_name : "", count, caps };
  }
  if (!named) return malformed("unterminated-name", command, "The vm_name has no NUL in its 32 bytes.");
  const { resource_id: vcpu, unit, vm_name: vmName } = channelPacket464.fields;
  return {
    kind: command === REPLY.ACK ? "ack" : "nack",
    vcpu: vcpu.read(bytes),
    vmName: vmName.read(bytes),
    unit: unit.read(bytes),
  };
}

/** Returns the size of the reply that `bytes` starts with; 0 for an unknown command, undefined while `command` isn't there yet. */
export function replyBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length < COMMAND_AT + 4) return undefined;
  const command = u32At(bytes, COMMAND_AT);
  switch (command) {
    case REPLY.ACK:
    case REPLY.NACK:
      return channelPacket464.size;
    case REPLY.FREQ_LIST:
      return freqListPacket.size;
    case REPLY.CAPS_LIST:
      return capsListPacket.size;
    default:
      return isExtension(command) ? channelPacket464.size : 0;
  }
}

function head(reply: ReplyHead, command: number) {
  const fits =
    !reply.vmName.includes("\0") && new TextEncoder().encode(reply.vmName).length < BOUND.NAME_BYTES;
  return { resource_id: reply.vcpu, unit: reply.unit, command, vm_name: fits ? reply.vmName : "" };
}
