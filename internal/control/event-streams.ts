// Events for whoever listens: a slow listener is dropped, so that it can neither eat the memory nor hold up the host.

import type { ServerResponse } from "node:http";
import type { HappenedEvent } from "../api/event.ts";

/** Bytes that may wait for one listener beside what the kernel holds; about a thousand events. */
const MAX_WAITING = 256 * 1024;
/** Listeners at a time. */
const MAX_STREAMS = 32;
/** A comment is sent this often, in ms, so that both ends notice a dead connection. */
const HEARTBEAT_MS = 15_000;

/** Calls `listener` for each event until the returned function is called. */
export type Subscribe = (listener: (event: HappenedEvent) => void) => () => void;

/** All open event streams. The host is subscribed to only while there is one. */
export class EventStreams {
  readonly #subscribe: Subscribe;
  readonly #dropped: () => void;
  readonly #heartbeatMs: number;
  readonly #streams = new Set<ServerResponse>();
  #unsubscribe: (() => void) | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #id = 0;

  /** @param dropped a listener was too slow and has been cut off */
  constructor(subscribe: Subscribe, dropped: () => void, heartbeatMs = HEARTBEAT_MS) {
    this.#subscribe = subscribe;
    this.#dropped = dropped;
    this.#heartbeatMs = heartbeatMs;
  }

  /** Returns false when there are as many listeners as may be. */
  get hasRoom(): boolean {
    return this.#streams.size < MAX_STREAMS;
  }

  /** Sends every event from now on as server-sent events until the listener goes. Source: WHATWG HTML, Server-sent events. */
  open(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": listening\n\n");
    this.#streams.add(response);
    response.once("close", () => this.#gone(response));
    this.#unsubscribe ??= this.#subscribe((event) => this.#tell(event));
    this.#heartbeat ??= setInterval(() => this.#send(": alive\n\n"), this.#heartbeatMs);
  }

  /** Ends all streams. */
  close(): void {
    for (const response of this.#streams) response.end();
    this.#streams.clear();
    this.#rest();
  }

  #tell(event: HappenedEvent): void {
    const kind = event.event.replace(/[\r\n]/g, " ");
    this.#send(`id: ${++this.#id}\nevent: ${kind}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  #send(text: string): void {
    for (const response of this.#streams) {
      if (response.writableLength <= MAX_WAITING) {
        response.write(text);
        continue;
      }
      response.destroy();
      this.#gone(response);
      this.#dropped();
    }
  }

  #gone(response: ServerResponse): void {
    this.#streams.delete(response);
    if (this.#streams.size === 0) this.#rest();
  }

  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }
}
