// A host program at the other end of a channel, scripted by the test: real socket, real frames.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeAnswer } from "../../internal/packet/extension.ts";
import { acknowledge } from "../../internal/packet/reply.ts";
import { RequestDecoder } from "../../internal/packet/request.ts";
import type { ExtensionAnswer } from "../../internal/values/extension.ts";
import type { Request } from "../../internal/values/request.ts";

const FRAME_BYTES = 464;

export interface FakeHost extends Disposable {
  /** As --port takes it. */
  readonly port: string;
  /** The frames received by now. */
  readonly frames: readonly Uint8Array[];
  /** What they ask. */
  requests(): readonly (Request | { readonly kind: "malformed" })[];
}

/** What a host does with the `nth` request (from 0) after CONNECT. */
export type Script = (
  send: (bytes: Uint8Array) => void,
  frame: Uint8Array,
  nth: number,
  hangUp: () => void,
) => void;

/** Listens in a new folder as QEMU would; `script` runs for each request but CONNECT, `greeting` is sent to who connects. */
export function fakeHost(script: Script, greeting?: Uint8Array): FakeHost {
  const folder = mkdtempSync(join(tmpdir(), "fake-host-"));
  const path = join(folder, "vm1.0");
  const frames: Uint8Array[] = [];
  let held: Uint8Array = new Uint8Array(0);
  let asked = 0;
  const listener = Bun.listen({
    unix: path,
    socket: {
      open(socket) {
        if (greeting !== undefined) socket.write(greeting);
      },
      data(socket, chunk) {
        held = Buffer.concat([held, chunk]);
        while (held.length >= FRAME_BYTES) {
          const frame = Uint8Array.from(held.subarray(0, FRAME_BYTES));
          held = held.subarray(FRAME_BYTES);
          frames.push(frame);
          if (frame[12] === 2 && frame[14] === 0) continue;
          script(
            (bytes) => void socket.write(bytes),
            frame,
            asked++,
            () => socket.end(),
          );
        }
      },
    },
  });
  return {
    port: `unix:${path}`,
    frames,
    requests: () => frames.map((frame) => new RequestDecoder().decode(frame)),
    [Symbol.dispose]() {
      listener.stop(true);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Returns the ACK (or NACK) of `frame` in bytes of its own. */
export function answer(frame: Uint8Array, yes: boolean): Uint8Array {
  return acknowledge(frame.slice(), yes);
}

/** Returns what our host would answer to an extension request. */
export function extensionAnswer(frame: Uint8Array, said: ExtensionAnswer): Uint8Array {
  const request = new RequestDecoder().decode(frame);
  if (request.kind !== "extension") throw new Error(`not an extension request: ${request.kind}`);
  return encodeAnswer(request, said);
}
