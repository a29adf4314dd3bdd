// A policy's bounds: past any of them DPDK's host reads and writes beyond its arrays.

import { expect, test } from "bun:test";
import { channelPacket464 } from "../../internal/packet/dpdk.ts";
import { encodeRequest, RequestDecoder } from "../../internal/packet/request.ts";
import type { Request } from "../../internal/values/request.ts";
import { golden } from "../fixtures/packet/golden.ts";

const BASE = channelPacket464.decode(golden("18.11", "policy-stock"));
type Packet = typeof BASE;

/** Returns what a PKT_POLICY with these members changed decodes to. */
function decode(change: Partial<Packet>): ReturnType<RequestDecoder["decode"]> {
  return new RequestDecoder().decode(channelPacket464.encode({ ...BASE, ...change }));
}

const OUT: readonly (readonly [Partial<Packet>, string])[] = [
  [{ nb_mac_to_monitor: 11 }, "nb_mac_to_monitor is 11; it may be 0 to 10"],
  [{ nb_mac_to_monitor: -1 }, "nb_mac_to_monitor is -1; it may be 0 to 10"],
  [{ nb_mac_to_monitor: 2_147_483_647 }, "nb_mac_to_monitor is 2147483647; it may be 0 to 10"],
  [{ num_vcpu: 9 }, "num_vcpu is 9; it may be 0 to 8"],
  [{ num_vcpu: 255 }, "num_vcpu is 255; it may be 0 to 8"],
  [{ policy_to_use: 4 }, "policy_to_use is 4; it may be 0 to 3"],
  [{ policy_to_use: 0xffff_ffff }, "policy_to_use is 4294967295; it may be 0 to 3"],
  [{ workload: 3 }, "workload is 3; it may be 0 to 2"],
  [{ busy_hours: [3, 24] }, "busy_hours[1] is 24; an hour is 0 to 23, an unused slot 0 or -1"],
  [{ busy_hours: [-2] }, "busy_hours[0] is -2; an hour is 0 to 23, an unused slot 0 or -1"],
  [{ quiet_hours: [0, 0, 99] }, "quiet_hours[2] is 99; an hour is 0 to 23, an unused slot 0 or -1"],
  [
    { hours_to_use_traffic_profile: [...Array<number>(23).fill(1), 2_147_483_647] },
    "hours_to_use_traffic_profile[23] is 2147483647; an hour is 0 to 23, an unused slot 0 or -1",
  ],
];
test.each(OUT)("decode() refuses the whole policy when it has %j", (change, sentence) => {
  expect(decode(change)).toEqual({
    kind: "malformed",
    why: "bad-policy",
    command: 3,
    detail: `Policy refused: ${sentence}.`,
  });
});

test.each([
  [{ num_vcpu: 8, vcpu_to_control: [9, 8, 7, 6, 5, 4, 3, 255] }, { vcpus: [9, 8, 7, 6, 5, 4, 3, 255] }],
  [{ num_vcpu: 0 }, { vcpus: [] }],
  [{ num_vcpu: 1 }, { vcpus: [1] }],
  [{ nb_mac_to_monitor: 0 }, { macs: [] }],
  [
    { nb_mac_to_monitor: 10, vfid: [0x0605_0403_0201] },
    { macs: ["01:02:03:04:05:06", ...Array<string>(9).fill("00:00:00:00:00:00")] },
  ],
  [{ t_boost_status: 255 }, { turbo: true }],
  [{ t_boost_status: 0 }, { turbo: false }],
] as const)("decode() accepts a policy at its bounds when it has %j", (change, policy) => {
  expect(decode(change)).toMatchObject({ kind: "policy", policy });
});

const unused = Array<number>(24).fill(-1);
test.each([
  ["zeros after the last hour", [3, 4, 5], [3, 4, 5]],
  ["hour 0 in slot 0", [0, 7], [0, 7]],
  ["a zero between hours", [3, 0, 4], [3, 4]],
  ["nothing but zeros: hour 0", [], [0]],
  ["nothing but -1: no hour", unused, []],
  ["an hour twice", [5, 5, 6], [5, 6]],
  ["all 24 hours", unused.map((_, hour) => hour), unused.map((_, hour) => hour)],
  [
    "hour 0 after others, which is padding",
    unused.map((_, slot) => 23 - slot),
    unused.slice(1).map((_, i) => 23 - i),
  ],
])("decode() reads hours by slot when they are %s", (_, slots, hours) => {
  expect(decode({ busy_hours: slots })).toMatchObject({ policy: { busyHours: hours } });
});

test.each([
  [[], []],
  [[0], [0]],
  [
    [5, 0],
    [0, 5],
  ],
  [unused.map((_, hour) => hour), unused.map((_, hour) => hour)],
])("encodeRequest() sends hours %j so that they come back as %j", (sent, back) => {
  const base = new RequestDecoder().decode(golden("18.11", "policy-stock")) as Request & { kind: "policy" };
  const policy = { ...base.policy, busyHours: sent, quietHours: sent, trafficHours: sent };
  const received = new RequestDecoder().decode(encodeRequest({ ...base, policy }, "18.11"));
  expect(received).toMatchObject({ policy: { busyHours: back, quietHours: back, trafficHours: back } });
});
