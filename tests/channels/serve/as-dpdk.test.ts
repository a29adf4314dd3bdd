// Every packet that a DPDK guest can send, and many that it can't: the answer is the one of DPDK's host, or one that docs/protocol.md names.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { COMMAND, REPLY } from "../../../internal/packet/constants.ts";
import { channelPacket464 } from "../../../internal/packet/dpdk.ts";
import { u32At } from "../../../internal/packet/little-endian.ts";
import { frame, Lab } from "../../helpers/lab.ts";
import type { QemuSocket } from "../../helpers/qemu.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

type Packet = Parameters<typeof channelPacket464.encode>[0];
type Answer = "ACK" | "NACK" | "FREQ_LIST" | "CAPS_LIST" | "none";
/** What is sent, and the answer where it is another than that of DPDK's host. */
type Row = readonly [Packet, (Answer | undefined)?];

const POWER = COMMAND.CPU_POWER;
const QUERIES = [7, 8, 9, 10] as const;
/** The policy of DPDK's guest_cli as it is without options, but for the name. */
const POLICY: Packet = {
  command: COMMAND.PKT_POLICY,
  vm_name: "vm1",
  num_vcpu: 2,
  vcpu_to_control: [0, 1],
  traffic_policy: [96_000, 1_800_000, 2_000_000],
  busy_hours: [3, 4, 5],
  quiet_hours: [11, 12, 13],
  hours_to_use_traffic_profile: [8, 10],
  workload: 2,
  policy_to_use: 1,
};
const MAC = 0x98_00_00_00_54_52;
const rows = (...all: readonly Row[]) => all;
const policies = (...all: readonly Row[]) =>
  rows(...all.map(([more, answer]): Row => [{ ...POLICY, ...more }, answer]));

/** Returns what DPDK's host answers for a VM that it knows as vm1. Source: DPDK examples/vm_power_manager/channel_monitor.c, process_request. */
function dpdks(
  { command = 0, unit = 0, resource_id: vcpu = 0, vm_name: name = "" }: Packet,
  queries: boolean,
): Answer {
  if (command === POWER) return unit >= 1 && unit <= 6 ? "ACK" : "none";
  if (command === COMMAND.PKT_POLICY) return "ACK";
  if (command < 7 || command > 10 || !queries || name !== "vm1") return "none";
  // The queries of one vCPU have even numbers.
  if (command % 2 === 0 && vcpu >= 8) return "none";
  return command <= 8 ? "FREQ_LIST" : "CAPS_LIST";
}

/** Sends `bytes` and returns the one answer that came before that to the next request. */
async function sent(guest: QemuSocket, bytes: Uint8Array): Promise<Answer> {
  guest.send(bytes);
  // A unit and a vCPU that no row has together.
  guest.send(frame({ step: "up", vcpu: 1 }));
  const isLast = (all: Uint8Array) =>
    all.length >= 464 && u32At(all, all.length - 464) === 1 && u32At(all, all.length - 464 + 8) === 1;
  let all = new Uint8Array(0);
  while (!isLast(all))
    all = Uint8Array.from([...all, ...(await guest.take(1)), ...(await guest.take(guest.received.length))]);
  const said = all.subarray(0, -464);
  if (said.length === 0) return "none";
  const sizes = { 464: ["ACK", "NACK"], 88: ["FREQ_LIST"], 184: ["CAPS_LIST"] } as const;
  const known: readonly Answer[] = sizes[said.length as 464] ?? [];
  const answer = known.find((word) => REPLY[word as "ACK"] === u32At(said, 12));
  if (answer === undefined) throw new Error(`${said.length} bytes came`);
  return answer;
}

async function play(all: readonly Row[], queries = true): Promise<void> {
  lab.start({ pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 2, 1: 3 }, queries } } });
  const guest = await lab.guest("vm1.0");
  for (const [packet, answer] of all) {
    const wanted = answer ?? dpdks(packet, queries);
    const about = JSON.stringify(packet);
    // A row that says so where DPDK's host does the same would hide when that changes.
    if (answer !== undefined) expect([about, answer]).not.toEqual([about, dpdks(packet, queries)]);
    expect([about, await sent(guest, channelPacket464.encode(packet))]).toEqual([about, wanted]);
  }
}

test("scale requests: another VM's name, a host core and a vCPU without a place are refused", async () => {
  await play(
    rows(
      ...[1, 2, 3, 4, 5, 6].map((unit): Row => [{ command: POWER, unit }, unit === 5 ? "NACK" : undefined]),
      ...[0, 7, 8, 0xffff_ffff].map((unit): Row => [{ command: POWER, unit }]),
      [{ command: POWER, unit: 3, resource_id: 1 }],
      [{ command: POWER, unit: 3, vm_name: "vm1" }],
      [{ command: POWER, unit: 3, vm_name: "ubuntu2" }, "NACK"],
      ...[1, 2, 255].map((core_type): Row => [{ command: POWER, unit: 3, core_type }, "NACK"]),
      ...[2, 7, 8, 100, 8192, 2 ** 32, 2 ** 60].map((resource_id): Row => [
        { command: POWER, unit: 3, resource_id },
        "NACK",
      ]),
    ),
  );
});

test("what nobody answers: CONNECT, a policy's removal, and commands that are none", async () => {
  const commands = [
    0,
    COMMAND.CONNECT,
    COMMAND.PKT_POLICY_REMOVE,
    5,
    6,
    11,
    200,
    0x7777,
    0x564d_8001,
    0xffff_ffff,
  ];
  await play(commands.map((command): Row => [{ command, unit: 3, vm_name: "vm1" }]));
});

test("queries: an empty name is the VM's own here, no vCPU is made up, and a host core is refused", async () => {
  await play(
    QUERIES.flatMap((command) =>
      rows(
        [{ command, vm_name: "vm1" }],
        [{ command, vm_name: "vm1", resource_id: 1 }],
        ...[8, 9].map((resource_id): Row => [{ command, vm_name: "vm1", resource_id }]),
        [{ command, vm_name: "ubuntu2" }],
        [{ command }, command <= 8 ? "FREQ_LIST" : "CAPS_LIST"],
        [{ command, vm_name: "vm1", core_type: 1 }, "none"],
        ...[2, 7].map((resource_id): Row => [
          { command, vm_name: "vm1", resource_id },
          command % 2 === 0 ? "none" : undefined,
        ]),
      ),
    ),
  );
});

test("queries of a VM that may not ask are not answered", async () => {
  const all = QUERIES.flatMap((command) => rows([{ command, vm_name: "vm1" }], [{ command }]));
  await play(all, false);
});

test("a packet whose name has no end is passed over", async () => {
  lab.start({ pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 2, 1: 3 } } } });
  const guest = await lab.guest("vm1.0");
  for (const packet of [{ command: POWER, unit: 3 }, POLICY]) {
    const bytes = channelPacket464.encode(packet).fill(0x61, 16, 48);
    expect(await sent(guest, bytes)).toBe("none");
  }
});

// At most 20 policies at once are taken, so each test has a host of its own.
test.each([
  [
    "of the types, levels and hours that there are",
    policies(
      [{}],
      [{ vm_name: "" }],
      [{ nb_mac_to_monitor: 1, vfid: [MAC] }],
      [{ nb_mac_to_monitor: 10, vfid: Array.from({ length: 10 }, () => MAC) }],
      ...[0, 1, 2].map((workload): Row => [{ policy_to_use: 2, workload }]),
      ...[[], [0], [23], [-1], [5, 0, 6], [3, 3], Array.from({ length: 24 }, (_, hour) => hour)].map(
        (busy_hours): Row => [{ busy_hours, quiet_hours: [], hours_to_use_traffic_profile: [] }],
      ),
      [{ busy_hours: [3], quiet_hours: [3] }],
      ...[1, 255].map((t_boost_status): Row => [{ policy_to_use: 2, t_boost_status }]),
    ),
  ],
  [
    "that name whom they may not, or nobody",
    policies(
      [{ vm_name: "ubuntu2" }, "NACK"],
      [{ core_type: 1 }, "NACK"],
      [{ num_vcpu: 0 }, "NACK"],
      [{ num_vcpu: 9 }, "NACK"],
      [{ num_vcpu: 3, vcpu_to_control: [0, 1, 2] }, "NACK"],
      [{ num_vcpu: 1, vcpu_to_control: [200] }, "NACK"],
      [{ num_vcpu: 2, vcpu_to_control: [1, 1] }],
    ),
  ],
  [
    "with numbers that mean nothing",
    policies(
      ...[4, 99].map((policy_to_use): Row => [{ policy_to_use }, "NACK"]),
      ...[3, 99].flatMap((workload) =>
        [1, 2].map((policy_to_use): Row => [{ workload, policy_to_use }, "NACK"]),
      ),
      ...[11, -1].flatMap((macs) =>
        [1, 2].map((policy_to_use): Row => [{ nb_mac_to_monitor: macs, policy_to_use }, "NACK"]),
      ),
      ...[24, -2].flatMap((hour) =>
        [1, 2].map((policy_to_use): Row => [{ busy_hours: [hour], policy_to_use }, "NACK"]),
      ),
    ),
  ],
  [
    "of traffic without an interface on this host",
    policies(
      [{ policy_to_use: 0 }, "NACK"],
      [{ policy_to_use: 0, nb_mac_to_monitor: 1, vfid: [MAC] }, "NACK"],
      [{ policy_to_use: 1, nb_mac_to_monitor: 1, vfid: [MAC] }],
    ),
  ],
])("policies %s", async (_, all) => {
  await play(all);
});
