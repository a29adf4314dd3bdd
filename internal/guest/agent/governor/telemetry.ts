// What DPDK programs tell of themselves: how busy each lcore was, which a polling core's load says nothing of.

import { readdirSync } from "node:fs";
import { SeqpacketSocket } from "../../../os/libc.ts";
import type { CpuTimes } from "./cpu-times.ts";
import { parseLcoreUsage, USAGE_COMMAND } from "./cycles.ts";

/** Longest answer. Source: DPDK lib/telemetry/telemetry.c, MAX_OUTPUT_LEN 16 KiB. */
const MAX_ANSWER = 1 << 15;
/** Name of the socket in a program's runtime folder. Source: DPDK lib/telemetry/telemetry.c. */
const SOCKET_NAME = "dpdk_telemetry.v2";

/** Asks all DPDK programs of this machine, without ever waiting: what is read answers the question before. */
export class Telemetry {
  readonly #dir: string;
  readonly #sockets = new Map<string, SeqpacketSocket>();
  readonly #last = new Map<string, ReadonlyMap<number, CpuTimes>>();
  readonly #buffer = new Uint8Array(MAX_ANSWER);
  readonly #command = Buffer.from(USAGE_COMMAND);

  /** @param dir the programs' runtime folders, such as /var/run/dpdk */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Returns the cycles by lcore that the programs told last, and asks again. Errors: throws where bun:ffi doesn't work. */
  read(): ReadonlyMap<number, CpuTimes> {
    const there = this.#programs();
    for (const path of [...this.#sockets.keys()]) if (!there.includes(path)) this.#close(path);
    const all = new Map<number, CpuTimes>();
    for (const path of there) {
      const socket = this.#sockets.get(path) ?? this.#connect(path);
      if (socket === undefined || !this.#receive(path, socket)) continue;
      socket.send(this.#command);
      for (const [lcore, times] of this.#last.get(path) ?? []) all.set(lcore, times);
    }
    return all;
  }

  close(): void {
    for (const path of [...this.#sockets.keys()]) this.#close(path);
  }

  #programs(): readonly string[] {
    try {
      return readdirSync(this.#dir).map((prefix) => `${this.#dir}/${prefix}/${SOCKET_NAME}`);
    } catch {
      return [];
    }
  }

  #connect(path: string): SeqpacketSocket | undefined {
    const socket = SeqpacketSocket.connect(path);
    if (socket !== undefined) this.#sockets.set(path, socket);
    return socket;
  }

  /** Reads what came; returns false when the program went. The first message is its greeting, which says nothing of cycles. */
  #receive(path: string, socket: SeqpacketSocket): boolean {
    for (;;) {
      const count = socket.receive(this.#buffer);
      if (count === "nothing") return true;
      if (count === "gone") {
        this.#close(path);
        return false;
      }
      const usage = parseLcoreUsage(
        Buffer.from(this.#buffer.buffer, 0, count).toString().replace(/\0+$/, ""),
      );
      if (usage !== undefined) this.#last.set(path, usage);
    }
  }

  #close(path: string): void {
    this.#sockets.get(path)?.close();
    this.#sockets.delete(path);
    this.#last.delete(path);
  }
}
