// A virtio-serial device that is kept for long: the kernel tells of bytes, so that nothing polls.

import { err, ok, type Result } from "../values/result.ts";
import { Bell } from "./bell.ts";
import type { DevicePort } from "./device-port.ts";
import { errorCode } from "../os/error-code.ts";
import type { GuestFailure } from "./failure.ts";
import type { Port } from "./port.ts";
import type { Pulse } from "./pulse.ts";

const NOTHING = new Uint8Array(0);

/** A device as a port whose waits cost nothing: the kernel tells of bytes, and while no host is there the pulse looks for one. */
export class FollowedPort implements Port {
  readonly name: string;
  readonly heals = true;
  readonly #device: DevicePort;
  readonly #pulse: Pulse;
  readonly #bell = new Bell();
  #chunks: Uint8Array[] = [];
  /** What read() says once the chunks are read; undefined while a host is there. */
  #failure: GuestFailure | undefined;
  #cancel: () => void = () => {};
  #unprobe: (() => void) | undefined;
  #closed = false;

  constructor(device: DevicePort, pulse: Pulse) {
    this.name = device.name;
    this.#device = device;
    this.#pulse = pulse;
    this.#probe();
  }

  write(frame: Uint8Array): Result<void, GuestFailure> {
    if (this.#failure !== undefined) return err(this.#failure);
    return this.#device.write(frame, () => this.#failure === undefined);
  }

  read(): Result<Uint8Array, GuestFailure> {
    const [first, ...more] = this.#chunks;
    if (first === undefined) return this.#failure === undefined ? ok(NOTHING) : err(this.#failure);
    this.#chunks = [];
    return ok(more.length === 0 ? first : Buffer.concat([first, ...more]));
  }

  async wait(ms: number): Promise<void> {
    if (this.#chunks.length === 0) await this.#bell.wait(ms);
  }

  interrupt(): void {
    this.#bell.ring();
  }

  close(): void {
    this.#closed = true;
    this.#unprobe?.();
    this.#cancel();
    this.#device.close();
  }

  /** Looks whether a host is there; nothing else reads meanwhile. */
  #probe(): void {
    const bytes = this.#device.read();
    this.#failure = bytes.ok ? undefined : bytes.error;
    if (bytes.ok) {
      if (bytes.value.length > 0) this.#chunks.push(bytes.value);
      this.#unprobe?.();
      this.#unprobe = undefined;
      void this.#pump();
    } else if (bytes.error.kind === "absent-host") {
      this.#unprobe ??= this.#pulse.on(() => this.#probe());
      return;
    }
    this.#bell.ring();
  }

  /** Reads until the host goes: the stream then ends, as read() gave 0. */
  async #pump(): Promise<void> {
    try {
      const reader = Bun.file(this.#device.fd).stream().getReader();
      this.#cancel = () => void reader.cancel().catch(() => {});
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#closed) return;
        if (done) break;
        this.#chunks.push(value);
        this.#bell.ring();
      }
    } catch (thrown) {
      if (this.#closed) return;
      this.#failure = { kind: "read-failed", port: this.name, code: errorCode(thrown) };
      this.#bell.ring();
      return;
    }
    // Not looked for at once: who waits is to see that the host went, even if another is there already.
    this.#failure = { kind: "absent-host", port: this.name };
    this.#unprobe = this.#pulse.on(() => this.#probe());
    this.#bell.ring();
  }
}
