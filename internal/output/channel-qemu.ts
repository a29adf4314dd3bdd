// QEMU's arguments for a VM's channels, for those who start QEMU themselves.

import { ok, type Result } from "../values/result.ts";
import { type ChannelsWanted, layoutChannels, PORTS_PER_CONTROLLER } from "./channel-layout.ts";

/**
 * Returns the arguments, unquoted: a CPU model that runs our guest program, a virtio-serial-pci device per 31 channels, then a chardev and a port per vCPU.
 * Errors: a sentence about what can't be. Source: QEMU docs/system/invocation, -chardev socket; hw/char/virtio-serial-bus.c.
 */
export function channelQemu(wanted: ChannelsWanted): Result<string[], string> {
  const layout = layoutChannels(wanted);
  if (!layout.ok) return layout;
  // QEMU's default, qemu64, lacks SSE4.2. "max" is all that the host has, under KVM and without.
  const args: string[] = ["-cpu", "max"];
  for (const index of layout.value.controllers) {
    args.push("-device", `virtio-serial-pci,id=powermon${index},max_ports=${PORTS_PER_CONTROLLER}`);
  }
  layout.value.channels.forEach(({ path, name, controller, port }, n) => {
    args.push(
      "-chardev",
      `socket,id=poweragent${n},path=${doubleCommas(path)},server=on,wait=off`,
      "-device",
      `virtserialport,bus=powermon${controller}.0,nr=${port},chardev=poweragent${n},name=${name}`,
    );
  });
  return ok(args);
}

/** Returns a value as QEMU's option lists take it. Source: QEMU util/keyval.c, "comma must be doubled". */
function doubleCommas(value: string): string {
  return value.replaceAll(",", ",,");
}
