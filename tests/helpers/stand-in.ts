// A stand-in for QEMU's virtio-serial port: joins the socket that powermon connects to with one that a guest connects to.

import type { Socket } from "bun";

/** A running stand-in. */
export interface StandIn {
  /** Resolves once powermon has connected. */
  readonly hosted: Promise<void>;
  close(): void;
}

/**
 * Listens at both paths, as QEMU does at the host's, and copies bytes both ways.
 * @param hostPath where powermon finds it: DIR/VM.N
 * @param guestPath what vmpower-guest is given: --port unix:PATH
 */
export function standIn(hostPath: string, guestPath: string): StandIn {
  const hosted = Promise.withResolvers<void>();
  const ends: { host?: Socket; guest?: Socket } = {};
  const toHost: Uint8Array[] = [];

  const listen = (unix: string, me: "host" | "guest", other: "host" | "guest") =>
    Bun.listen({
      unix,
      socket: {
        open(socket) {
          ends[me] = socket;
          if (me === "host") {
            for (const bytes of toHost.splice(0)) socket.write(bytes);
            hosted.resolve();
          }
        },
        data(_socket, bytes) {
          const peer = ends[other];
          if (peer !== undefined) peer.write(bytes);
          // A virtio port keeps what the guest wrote before the host came.
          else if (me === "guest") toHost.push(new Uint8Array(bytes));
        },
        close(socket) {
          if (ends[me] === socket) delete ends[me];
        },
      },
    });

  const listeners = [listen(hostPath, "host", "guest"), listen(guestPath, "guest", "host")];
  return {
    hosted: hosted.promise,
    close() {
      for (const listener of listeners) listener.stop(true);
    },
  };
}
