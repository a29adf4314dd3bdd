// Where each vCPU's channel goes: one layout for libvirt's XML and QEMU's arguments, so that they can't differ.

import { MAX_SOCKET_PATH } from "../os/unix-socket.ts";
import { err, ok, type Result } from "../values/result.ts";

/** What channels are wanted. */
export interface ChannelsWanted {
  readonly vm: string;
  /** 1 to 512. */
  readonly vcpus: number;
  /** The folder that powermon watches, a whole path. */
  readonly dir: string;
  /** Index of the first virtio-serial controller, 0 unless the VM already has some; at most 255. */
  readonly firstController?: number;
}

/** One channel: the socket that QEMU makes and the port that the guest sees. */
interface Channel {
  readonly path: string;
  readonly name: string;
  readonly controller: number;
  readonly port: number;
}

/** The channels and the controllers that carry them. */
export interface ChannelLayout {
  readonly controllers: readonly number[];
  readonly channels: readonly Channel[];
}

/** Their 17 controllers fit on the one PCI bus that QEMU machines have without bridges. */
const MAX_VCPUS = 512;
const MAX_FIRST_CONTROLLER = 255;
/** Longest file name in bytes. Source: NAME_MAX, limits.h. */
const MAX_NAME = 255;
/** Ports used of each controller. */
const USED_PORTS = 31;
/** Ports a controller must be made with: port 0 is the console's. Source: QEMU hw/char/virtio-serial-bus.c, max_ports. */
export const PORTS_PER_CONTROLLER = USED_PORTS + 1;

/** Returns where the channels go: vCPU n is `<dir>/<vm>.<n>` and port n % 31 + 1 of its controller. Errors: a sentence about what can't be. */
export function layoutChannels(wanted: ChannelsWanted): Result<ChannelLayout, string> {
  const { vm, vcpus, dir, firstController = 0 } = wanted;
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MAX_VCPUS) {
    return err(`A VM has 1 to ${MAX_VCPUS} vCPUs with channels, not ${vcpus}.`);
  }
  if (!Number.isInteger(firstController) || firstController < 0 || firstController > MAX_FIRST_CONTROLLER) {
    return err(`The first controller is 0 to ${MAX_FIRST_CONTROLLER}, not ${firstController}.`);
  }
  if (!isPrintable(vm) || vm.includes("/")) {
    return err(
      `${JSON.stringify(vm)} can't name sockets; a VM's name has no slash and no control characters.`,
    );
  }
  if (!dir.startsWith("/") || !isPrintable(dir)) {
    return err(`${JSON.stringify(dir)} is no whole path; name a folder such as "/run/powermon/channels".`);
  }
  const folder = dir.replace(/\/+$/, "");
  const last = `${vm}.${vcpus - 1}`;
  const bytes = byteLength(`${folder}/${last}`);
  if (byteLength(last) > MAX_NAME || bytes > MAX_SOCKET_PATH) {
    return err(
      `${folder}/${last} has ${bytes} bytes, and a socket's path ends at ${MAX_SOCKET_PATH}; take a shorter folder or name.`,
    );
  }
  const channels: Channel[] = [];
  for (let n = 0; n < vcpus; n++) {
    channels.push({
      path: `${folder}/${vm}.${n}`,
      name: `virtio.serial.port.poweragent.${n}`,
      controller: firstController + Math.floor(n / USED_PORTS),
      port: (n % USED_PORTS) + 1,
    });
  }
  return ok({ controllers: [...new Set(channels.map(({ controller }) => controller))], channels });
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Returns whether `text` can stand in XML and on a command line: something, and no character that XML 1.0 lacks or a terminal obeys. */
function isPrintable(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text !== "" && !/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(text) && text.isWellFormed();
}
