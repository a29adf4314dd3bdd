// One guest channel: whose socket it is, what is counted of it, and that it is connected again when its VM comes back.

import { peerCredentials } from "../os/libc.ts";
import type { Notice } from "../values/extension.ts";
import { type Framing, newCounts } from "./channel-counts.ts";
import { Connection } from "./connection.ts";
import type { ChannelHost, Line } from "./line.ts";
import type { Vm } from "./vm.ts";

/** First and longest wait before a lost channel is tried again, ms. */
const BACKOFF_MS = { first: 100, most: 5000 };

export type ChannelState = "connecting" | "connected" | "waiting" | "closed";

export class Channel implements Line {
  readonly path: string;
  readonly vm: Vm;
  /** The channel's number: the guest's lcore. */
  readonly index: number;
  readonly name: string;
  readonly counts = newCounts();
  state: ChannelState = "connecting";
  enabled = true;
  readonly #host: ChannelHost;
  #connection: Connection;
  /** The connection that stands or stood last: its generation is told until the next one stands. */
  #last: Connection;
  /** What the connections before that one have counted. */
  readonly #healed = { dropped: 0, resyncs: 0, discardedBytes: 0 };
  #backoffMs = BACKOFF_MS.first;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, vm: Vm, index: number, host: ChannelHost) {
    this.path = path;
    this.vm = vm;
    this.index = index;
    this.name = `${vm.vm}.${index}`;
    this.#host = host;
    this.#connection = this.#last = new Connection(this, host);
  }

  get framing(): Framing {
    return {
      dropped: this.#healed.dropped + this.#last.dropped,
      resyncs: this.#healed.resyncs + this.#last.resyncs,
      discardedBytes: this.#healed.discardedBytes + this.#last.discardedBytes,
    };
  }

  /** The guest's DPDK generation, once it has told. */
  get generation(): string | undefined {
    return this.#last.generation;
  }

  /** The connection that stands. */
  get connection(): Connection | undefined {
    return this.state === "connected" ? this.#connection : undefined;
  }

  /** Connects now and again whenever the connection is lost, until close(). */
  open(): void {
    this.state = "connecting";
    this.#connection.open();
  }

  /** Ends the connection, withdraws its claims and stays closed. */
  close(): void {
    this.state = "closed";
    clearTimeout(this.#retry);
    this.#connection.end();
  }

  opened(): void {
    this.state = "connected";
    this.counts.connects++;
    if (this.#last !== this.#connection) {
      this.#healed.dropped += this.#last.dropped;
      this.#healed.resyncs += this.#last.resyncs;
      this.#healed.discardedBytes += this.#last.discardedBytes;
      this.#last = this.#connection;
    }
    const { fd } = this.#connection;
    const peer = fd === undefined ? undefined : peerCredentials(fd);
    const pid = peer?.ok ? peer.value.pid : undefined;
    this.#host.log.info("Channel connected", { channel: this.name, peer: pid });
    this.#host.events.emit("channel-connected", { channel: this.name });
  }

  lost(): void {
    this.#host.log.info("Channel lost", { channel: this.name });
    this.#host.events.emit("channel-lost", { channel: this.name });
    this.#connection.end();
    if (this.#connection.heard) this.#backoffMs = BACKOFF_MS.first;
    this.#again();
  }

  failed(error: Error): void {
    const code = (error as { code?: string }).code ?? error.message;
    const message = `Cannot connect to "${this.path}": ${code}`;
    this.#host.log.warnFolded(`${this.name} connect`, message, { channel: this.name });
    this.#again();
  }

  /** Tries again at once: the socket file is new. */
  poke(): void {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retry);
    this.#backoffMs = BACKOFF_MS.first;
    this.#reopen();
  }

  /** Says `notice` to a guest that asked for notices. */
  notice(notice: Notice): void {
    this.connection?.notice(notice);
  }

  #again(): void {
    this.state = "waiting";
    this.#retry = setTimeout(() => this.#reopen(), this.#backoffMs);
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.most);
  }

  #reopen(): void {
    this.#connection = new Connection(this, this.#host);
    this.open();
  }
}
