// DPDK's structs as tables, every generation.

import { BOUND, REQUEST_BYTES } from "./constants.ts";
import { array, cstr, i32, layout, u8, u32, u64 } from "./layout.ts";

/** What every packet since 17.11 starts with. */
const head = { resource_id: u64(0), unit: u32(8), command: u32(12), vm_name: cstr(16, BOUND.NAME_BYTES) };

/** A policy's part of the request, up to where the generations differ. */
const policy = {
  vfid: array(48, BOUND.VFS, u64),
  nb_mac_to_monitor: i32(128),
  /** struct rte_power_traffic_policy: min, avg_max, max_max packets per second. */
  traffic_policy: array(132, 3, u32),
  vcpu_to_control: array(144, BOUND.VCPUS, u8),
  num_vcpu: u8(152),
  /** struct rte_power_timer_profile: three arrays of hours. */
  busy_hours: array(156, BOUND.HOURS, i32),
  quiet_hours: array(252, BOUND.HOURS, i32),
  hours_to_use_traffic_profile: array(348, BOUND.HOURS, i32),
};

/** struct rte_power_channel_packet, DPDK 18.11 and later: drivers/power/kvm_vm/rte_power_guest_channel.h. */
export const channelPacket464 = layout("rte_power_channel_packet", REQUEST_BYTES["18.11"], {
  ...head,
  ...policy,
  core_type: u8(444),
  workload: u32(448),
  policy_to_use: u32(452),
  t_boost_status: u8(456),
});

/** struct channel_packet, DPDK 17.11 to 18.08: lib/librte_power/channel_commands.h. */
export const channelPacket456 = layout("channel_packet", REQUEST_BYTES["17.11"], {
  ...head,
  ...policy,
  workload: u32(444),
  policy_to_use: u32(448),
  t_boost_status: u8(452),
});

/** struct channel_packet, DPDK 1.8 to 17.08: lib/librte_power/channel_commands.h. */
export const channelPacket16 = layout("channel_packet", REQUEST_BYTES["2014"], {
  resource_id: head.resource_id,
  unit: head.unit,
  command: head.command,
});

/** struct rte_power_channel_packet_freq_list, DPDK 19.11 and later: rte_power_guest_channel.h; freq_list in kHz by vCPU. */
export const freqListPacket = layout("rte_power_channel_packet_freq_list", 88, {
  ...head,
  freq_list: array(48, BOUND.VCPUS, u32),
  num_vcpu: u8(80),
});

/** struct rte_power_channel_packet_caps_list, DPDK 19.11 and later: rte_power_guest_channel.h; 0 or 1 by vCPU. */
export const capsListPacket = layout("rte_power_channel_packet_caps_list", 184, {
  ...head,
  turbo: array(48, BOUND.VCPUS, u64),
  priority: array(112, BOUND.VCPUS, u64),
  num_vcpu: u8(176),
});
