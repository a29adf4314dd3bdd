// A listening unix socket as a port, for tests, the demo and bridged VMs.

import { accessSync, constants, statSync } from "node:fs";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { Bell } from "./bell.ts";
import { errorCode } from "../os/error-code.ts";
import { fileKind, type GuestFailure } from "./failure.ts";
import type { Port } from "./port.ts";

/**
 * Connects to the listening socket `path`, called `name` in sentences. Errors: no-port; absent-host when nobody listens;
 * not-a-port; open-failed. A listener that never accepts looks connected and silent.
 */
export async function openSocket(name: string, path: string): Promise<Result<Port, GuestFailure>> {
  const port = new SocketPort(name);
  try {
    await port.connect(path);
    return ok(port);
  } catch (error) {
    return err(connectFailure(name, path, errorCode(error)));
  }
}

/** Bun reports whatever can't be connected to as ECONNREFUSED: the file itself tells the rest. */
function connectFailure(name: string, path: string, code: string): GuestFailure {
  if (code !== "ENOENT" && code !== "ECONNREFUSED") return { kind: "open-failed", port: name, code };
  try {
    const stats = statSync(path);
    if (!stats.isSocket()) return { kind: "not-a-port", port: name, what: fileKind(stats) };
    accessSync(path, constants.W_OK);
    return { kind: "absent-host", port: name };
  } catch (error) {
    const why = errorCode(error);
    if (why === "ENOENT" || why === "ENOTDIR") return { kind: "no-port", port: name };
    return { kind: "open-failed", port: name, code: why };
  }
}

class SocketPort implements Port {
  readonly name: string;
  #socket: Bun.Socket | undefined;
  #chunks: Uint8Array[] = [];
  #closed = false;
  readonly heals = false;
  readonly #bell = new Bell();

  constructor(name: string) {
    this.name = name;
  }

  async connect(unix: string): Promise<void> {
    this.#socket = await Bun.connect({
      unix,
      socket: {
        data: (_socket, chunk) => {
          this.#chunks.push(chunk);
          this.#bell.ring();
        },
        close: () => {
          this.#closed = true;
          this.#bell.ring();
        },
      },
    });
  }

  write(frame: Uint8Array): Result<void, GuestFailure> {
    const written = this.#socket?.write(frame) ?? -1;
    if (written === frame.length) return DONE;
    if (written < 0) {
      // The socket takes nothing any more, and that it closed is told only once the loop looks at it.
      this.#closed = true;
      return err({ kind: "absent-host", port: this.name });
    }
    const code = written === 0 ? "EAGAIN" : "short write";
    return err({ kind: "write-failed", port: this.name, code, written });
  }

  read(): Result<Uint8Array, GuestFailure> {
    if (this.#chunks.length === 0 && this.#closed) return err({ kind: "absent-host", port: this.name });
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return ok(bytes);
  }

  async wait(ms: number): Promise<void> {
    if (this.#chunks.length === 0 && !this.#closed) await this.#bell.wait(ms);
  }

  interrupt(): void {
    this.#bell.ring();
  }

  close(): void {
    this.#socket?.end();
  }
}
