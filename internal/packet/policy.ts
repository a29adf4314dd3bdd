// A policy out of a packet and back; a guest's counts and hours are bounded here.

import type { GuestPolicy } from "../values/request.ts";
import { BOUND, POLICY, WORKLOAD } from "./constants.ts";
import { channelPacket456, channelPacket464 } from "./dpdk.ts";
import { u32At } from "./little-endian.ts";

const MAC_BYTES = 6;
/** What our guest writes into unused hour slots: no clock shows it, so DPDK's host too takes it for nothing. */
const UNUSED = -1;

/**
 * Returns the policy of a 464- or 456-byte PKT_POLICY frame, or the sentence that says what is out of bounds in it.
 * MACs are the low 6 bytes of each vfid in memory order; the 2 bytes above are not the guest's to vouch for (stack bytes in DPDK's guest_cli).
 */
export function decodePolicy(frame: Uint8Array): GuestPolicy | string {
  const { fields } = frame.length === channelPacket464.size ? channelPacket464 : channelPacket456;
  const macs = fields.nb_mac_to_monitor.read(frame);
  if (macs < 0 || macs > BOUND.VFS) return `nb_mac_to_monitor is ${macs}; it may be 0 to ${BOUND.VFS}`;
  const vcpus = fields.num_vcpu.read(frame);
  if (vcpus > BOUND.VCPUS) return `num_vcpu is ${vcpus}; it may be 0 to ${BOUND.VCPUS}`;
  const type = POLICY.word[fields.policy_to_use.read(frame)];
  if (type === undefined) {
    return `policy_to_use is ${fields.policy_to_use.read(frame)}; it may be ${POLICY.range}`;
  }
  const workload = WORKLOAD.word[fields.workload.read(frame)];
  if (workload === undefined) {
    return `workload is ${fields.workload.read(frame)}; it may be ${WORKLOAD.range}`;
  }
  const lists: number[][] = [];
  for (const name of ["busy_hours", "quiet_hours", "hours_to_use_traffic_profile"] as const) {
    const hours = decodeHours(name, fields[name].read(frame));
    if (typeof hours === "string") return hours;
    lists.push(hours);
  }
  const [busyHours = [], quietHours = [], trafficHours = []] = lists;
  const rate = fields.traffic_policy.offset;
  return {
    type,
    vcpus: fields.vcpu_to_control.read(frame).slice(0, vcpus),
    macs: Array.from({ length: macs }, (_, i) => decodeMac(frame, fields.vfid.offset + i * 8)),
    traffic: { min: u32At(frame, rate), avg: u32At(frame, rate + 4), max: u32At(frame, rate + 8) },
    busyHours,
    quietHours,
    trafficHours,
    workload,
    turbo: fields.t_boost_status.read(frame) !== 0,
  };
}

/** Returns a policy as the values of the packet's members. Errors: RangeError when it doesn't fit or is out of bounds. */
export function encodePolicy(policy: GuestPolicy) {
  const { min, avg, max } = policy.traffic;
  for (const vcpu of policy.vcpus) bounded("vCPU", vcpu, 0xff);
  for (const rate of [min, avg, max]) bounded("packets per second", rate, 0xffff_ffff);
  return {
    vfid: policy.macs.map(encodeMac),
    nb_mac_to_monitor: policy.macs.length,
    traffic_policy: [min, avg, max],
    vcpu_to_control: policy.vcpus,
    num_vcpu: policy.vcpus.length,
    busy_hours: encodeHours(policy.busyHours),
    quiet_hours: encodeHours(policy.quietHours),
    hours_to_use_traffic_profile: encodeHours(policy.trafficHours),
    workload: WORKLOAD.number[policy.workload],
    policy_to_use: POLICY.number[policy.type],
    t_boost_status: policy.turbo ? 1 : 0,
  };
}

/**
 * Unused slots of a stock guest are 0, so hour 0 counts in slot 0 only and a later 0 is padding; an array of nothing but zeros
 * is therefore hour 0. A guest that means "no hour at all" writes -1, as ours does in every unused slot.
 */
function decodeHours(name: string, slots: readonly number[]): number[] | string {
  const hours: number[] = [];
  for (const [slot, hour] of slots.entries()) {
    if (hour === UNUSED || (hour === 0 && slot > 0)) continue;
    if (hour < 0 || hour >= BOUND.HOURS) {
      return `${name}[${slot}] is ${hour}; an hour is 0 to ${BOUND.HOURS - 1}, an unused slot 0 or ${UNUSED}`;
    }
    if (!hours.includes(hour)) hours.push(hour);
  }
  return hours;
}

/** Ascending, so that hour 0 gets the one slot where it counts. */
function encodeHours(hours: readonly number[]): number[] {
  for (const hour of hours) bounded("hour", hour, BOUND.HOURS - 1);
  const slots = [...new Set(hours)].sort((a, b) => a - b);
  return [...slots, ...Array<number>(BOUND.HOURS - slots.length).fill(UNUSED)];
}

function decodeMac(frame: Uint8Array, at: number): string {
  return Array.from(frame.subarray(at, at + MAC_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(
    ":",
  );
}

/** Returns the u64 whose low bytes are the MAC in memory order. */
function encodeMac(mac: string): number {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) {
    throw new RangeError(`${JSON.stringify(mac)} is no MAC address; one looks like 52:54:00:12:34:56`);
  }
  return Number.parseInt(mac.split(":").reverse().join(""), 16);
}

function bounded(what: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${what} is ${value}; it may be 0 to ${max}`);
  }
}
