// Where each vCPU's channel goes: one layout for libvirt's XML and QEMU's arguments, so that they can't differ.

import { MAX_SOCKET_PATH } from "../os/unix-socket.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { SerialController, SerialPlace } from "../values/virtio-serial.ts";

/** What channels are wanted. */
export interface ChannelsWanted {
  readonly vm: string;
  /** 1 to 512. */
  readonly vcpus: number;
  /** The folder that powermon watches, a whole path. */
  readonly dir: string;
  /** Index of the first virtio-serial controller, 0 unless the VM already has some; at most 255. */
  readonly firstController?: number;
  /** What the VM has already: its free ports are used first, and its channels are left as they are. */
  readonly there?: ChannelsThere;
}

/** What a VM has of virtio-serial. */
interface ChannelsThere {
  readonly controllers: readonly SerialController[];
  /** Ports that something has. */
  readonly taken: readonly SerialPlace[];
  /** The channels of ours. */
  readonly channels: readonly { readonly vcpu: number }[];
}

const NOTHING: ChannelsThere = { controllers: [], taken: [], channels: [] };

/** One channel: the socket that QEMU makes and the port that the guest sees. */
interface Channel {
  readonly path: string;
  readonly name: string;
  readonly controller: number;
  readonly port: number;
}

/** The channels that are missing, and the controllers that are missing for them. */
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

/**
 * Returns where the channels go: vCPU n is `<dir>/<vm>.<n>`, on the first free port of a controller that is there, or else of a new one
 * with 31. Errors: a sentence about what can't be.
 */
export function layoutChannels(wanted: ChannelsWanted): Result<ChannelLayout, string> {
  const { vm, vcpus, dir, firstController = 0, there = NOTHING } = wanted;
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
  const has = new Set(there.channels.map((channel) => channel.vcpu));
  const places = freePlaces(there, firstController);
  for (let n = 0; n < vcpus; n++) {
    if (has.has(n)) continue;
    const place = places.next().value;
    channels.push({ path: `${folder}/${vm}.${n}`, name: `virtio.serial.port.poweragent.${n}`, ...place });
  }
  const old = new Set(there.controllers.map(({ index }) => index));
  const used = new Set(channels.map(({ controller }) => controller));
  return ok({ controllers: [...used].filter((index) => !old.has(index)), channels });
}

/** Tells the free ports of the controllers that are there, then those of new ones, without end. */
function* freePlaces(there: ChannelsThere, firstController: number): Generator<SerialPlace, never> {
  const key = ({ controller, port }: SerialPlace) => `${controller}:${port}`;
  const taken = new Set(there.taken.map(key));
  for (const { index: controller, ports } of [...there.controllers].sort((a, b) => a.index - b.index)) {
    for (let port = 1; port < Math.min(ports, PORTS_PER_CONTROLLER); port++) {
      if (!taken.has(key({ controller, port }))) yield { controller, port };
    }
  }
  const after = Math.max(-1, ...there.controllers.map(({ index }) => index)) + 1;
  for (let controller = Math.max(firstController, after); ; controller++) {
    for (let port = 1; port <= USED_PORTS; port++) yield { controller, port };
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Returns whether `text` can stand in XML and on a command line: something, and no character that XML 1.0 lacks or a terminal obeys. */
function isPrintable(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text !== "" && !/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/.test(text) && text.isWellFormed();
}
