// Events for whoever listens: each listener is told as fast as it reads, and what it missed, so that it can neither eat the memory
// nor hold up the host.

import type { ServerResponse } from "node:http";
import type { EventFields, HappenedEvent } from "../api/event.ts";
import type { SpareTime } from "../os/spare-time.ts";
import { err, ok, type Result } from "../values/result.ts";

/** Bytes that may wait for one listener beside what the kernel holds; what is more waits among the events that are kept. */
const MAX_WAITING = 64 * 1024;
/** Events that one listener is told at once. */
const MAX_TOLD = 64;
/** Listeners at a time. */
export const MAX_STREAMS = 32;
/** A comment is sent this often, in ms, so that both ends notice a dead connection. */
export const HEARTBEAT_MS = 15_000;
/** Heartbeats that a listener may let pass without reading. */
const MAX_SILENT = 2;

/** What happens, counted from 1 and kept for a while. */
export interface Happenings {
  /** Tells this run of powermon from others: 8 hexadecimal digits. */
  readonly boot: string;
  /** The numbers of the oldest event that is kept, and of the last. */
  readonly first: number;
  readonly last: number;
  at(n: number): HappenedEvent | undefined;
  /** Calls `listener` after each event until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

interface Stream {
  readonly response: ServerResponse;
  /** The number of the last event that it was told, or told to have missed. */
  told: number;
  /** Heartbeats since it last had room for more. */
  silent: number;
}

/** All open event streams. The events are subscribed to only while there is one. */
export class EventStreams {
  readonly #events: Happenings;
  readonly #spare: SpareTime;
  readonly #dropped: () => void;
  readonly #heartbeatMs: number;
  readonly #streams = new Set<Stream>();
  #unsubscribe: (() => void) | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #planned = false;

  /**
   * @param spare the time that telling may take
   * @param dropped a listener did not read and has been cut off
   */
  constructor(events: Happenings, spare: SpareTime, dropped: () => void, heartbeatMs = HEARTBEAT_MS) {
    this.#events = events;
    this.#spare = spare;
    this.#dropped = dropped;
    this.#heartbeatMs = heartbeatMs;
  }

  /** Returns false when there are as many listeners as may be. */
  get hasRoom(): boolean {
    return this.#streams.size < MAX_STREAMS;
  }

  /**
   * Sends events as server-sent events until the listener goes: those after `lastId`, or those from now on. Errors: a sentence when
   * `lastId` is none of ours. Source: WHATWG HTML, Server-sent events.
   * @param lastId what the listener says in Last-Event-ID
   */
  open(response: ServerResponse, lastId: string | undefined): Result<void, string> {
    const { boot, last } = this.#events;
    const after = lastId === undefined ? { boot, n: last } : parseId(lastId);
    if (after === undefined)
      return err(
        `Last-Event-ID is the id of an event, such as ${boot}-${last}, not ${JSON.stringify(lastId)}.`,
      );
    const isOurs = after.boot === boot;
    if (isOurs && after.n > last)
      return err(`Last-Event-ID is ${after.boot}-${after.n}, and the last event was ${boot}-${last}.`);
    // Nothing is asked after a stream: the connection ends with it.
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      connection: "close",
    });
    const stream = { response, told: isOurs ? after.n : 0, silent: 0 };
    // An id without data is kept by the listener: it can come back also before anything has happened.
    response.write(`: listening\nid: ${boot}-${stream.told}\n\n`);
    if (!isOurs) {
      const message = "powermon was started again since; what happened before that and was not read is lost";
      response.write(this.#overrun(0, { message }));
    }
    this.#streams.add(stream);
    response.once("close", () => this.#gone(stream));
    response.on("drain", () => this.#plan());
    this.#unsubscribe ??= this.#events.subscribe(() => this.#plan());
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#heartbeatMs);
    this.#plan();
    return ok(undefined);
  }

  /** Ends all streams, with what had not been told yet. */
  close(): void {
    for (const stream of this.#streams) {
      this.#tell(stream);
      stream.response.end();
    }
    this.#streams.clear();
    this.#rest();
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    this.#spare.give(() => {
      this.#planned = false;
      let more = false;
      for (const stream of this.#streams) if (this.#tell(stream)) more = true;
      if (more) this.#plan();
    });
  }

  /** Tells a listener what happened meanwhile, a piece of it. Returns whether there is more that it could take at once. */
  #tell(stream: Stream): boolean {
    const { first, last } = this.#events;
    if (stream.told >= last || stream.response.writableLength > MAX_WAITING) return false;
    let text = "";
    if (stream.told < first - 1) {
      const lost = first - 1 - stream.told;
      const message = `${lost} events were not told: this listener was too slow or away for too long, and they are no longer kept`;
      text += this.#overrun(first - 1, { lost, message });
      stream.told = first - 1;
    }
    const until = Math.min(last, stream.told + MAX_TOLD);
    while (stream.told < until) {
      const event = this.#events.at(++stream.told);
      if (event !== undefined) text += block(event);
    }
    stream.silent = 0;
    stream.response.write(text);
    return stream.told < last;
  }

  #beat(): void {
    for (const stream of this.#streams) {
      const { response, told } = stream;
      if (response.writableLength <= MAX_WAITING) {
        stream.silent = 0;
        response.write(": alive\n\n");
      } else if (++stream.silent > MAX_SILENT) this.#cut(stream, this.#events.last - told);
    }
  }

  /** Ends the stream of a listener that does not read; what it is told last is why, should it read on. */
  #cut(stream: Stream, lost: number): void {
    const seconds = Math.round((MAX_SILENT * this.#heartbeatMs) / 1000);
    const message = `this listener did not read for ${seconds} s and is cut off; it may come back with Last-Event-ID`;
    stream.response.end(this.#overrun(stream.told, { lost, message }));
    setTimeout(() => stream.response.destroy(), this.#heartbeatMs).unref();
    this.#gone(stream);
    this.#dropped();
  }

  /** @param n the number after which the listener is told again */
  #overrun(n: number, fields: EventFields["overrun"]): string {
    const at = new Date().toISOString();
    return block({ ...fields, at, event: "overrun", boot: this.#events.boot, n });
  }

  #gone(stream: Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }
}

/** Returns the run and the number that an event's id names. */
function parseId(id: string): { readonly boot: string; readonly n: number } | undefined {
  const [, boot, n] = /^([0-9a-f]{8})-(0|[1-9]\d{0,14})$/.exec(id) ?? [];
  return boot === undefined ? undefined : { boot, n: Number(n) };
}

const block = (event: HappenedEvent): string =>
  `id: ${event.boot}-${event.n}\nevent: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`;
