// Ports opened by their names, devices and sockets alike: who asks through one need not know which it is.

import { ok, type Result } from "../values/result.ts";
import { openDevice } from "./device-port.ts";
import { type GuestFailure, UNIX } from "./failure.ts";
import { FollowedPort } from "./followed-port.ts";
import type { Port } from "./port.ts";
import type { Pulse } from "./pulse.ts";

/**
 * Opens a port as openPort() does, to be kept for long: its waits cost nothing.
 * @param pulse looks for a host while none is there
 */
export async function openFollowed(name: string, pulse: Pulse): Promise<Result<Port, GuestFailure>> {
  if (name.startsWith(UNIX)) return await openPort(name);
  const device = openDevice(name);
  return device.ok ? ok(new FollowedPort(device.value, pulse)) : device;
}

/**
 * Opens a port: the path of a virtio-serial device, or unix:PATH of a listening socket.
 * Errors: no-port, not-a-port, busy, open-failed; absent-host for a socket nobody listens on.
 */
export async function openPort(name: string): Promise<Result<Port, GuestFailure>> {
  if (!name.startsWith(UNIX)) return openDevice(name);
  const { openSocket } = await import("./socket-port.ts");
  return await openSocket(name, name.slice(UNIX.length));
}
