// QEMU's side of a channel: a listening socket that a test writes to and reads from as a guest would.

import type { Socket, UnixSocketListener } from "bun";
import { until } from "./until.ts";

export class QemuSocket {
  readonly path: string;
  /** Everything the host sent since the last take(). */
  received = new Uint8Array(0);
  connections = 0;
  #listener: UnixSocketListener<undefined>;
  #socket: Socket<undefined> | undefined;

  constructor(path: string) {
    this.path = path;
    this.#listener = this.#listen();
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  /** Resolves once powermon has connected. */
  hosted(): Promise<void> {
    return until("a host connects", () => this.connected);
  }

  send(bytes: Uint8Array): void {
    if (this.#socket?.write(bytes) !== bytes.length) throw new Error(`could not write ${bytes.length} bytes`);
  }

  /** Resolves to the next `size` bytes from the host. */
  async take(size: number): Promise<Uint8Array> {
    await until(`${size} bytes from the host`, () => this.received.length >= size);
    const bytes = this.received.slice(0, size);
    this.received = this.received.slice(size);
    return bytes;
  }

  /** Sends `bytes` and resolves to the `size` bytes that come back. */
  async ask(bytes: Uint8Array, size = 464): Promise<Uint8Array> {
    this.send(bytes);
    return await this.take(size);
  }

  /** Ends as QEMU does: the connection closes and the file is gone. */
  quit(): void {
    this.#socket = undefined;
    this.#listener.stop(true);
  }

  /** Starts again at the same path. */
  restart(): void {
    this.#listener = this.#listen();
  }

  #listen(): UnixSocketListener<undefined> {
    return Bun.listen({
      unix: this.path,
      socket: {
        open: (socket) => {
          this.#socket = socket;
          this.connections++;
        },
        data: (_socket, bytes) => {
          this.received = Uint8Array.from([...this.received, ...bytes]);
        },
        close: (socket) => {
          if (this.#socket === socket) this.#socket = undefined;
        },
      },
    });
  }
}
