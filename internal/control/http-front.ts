// The way in for whoever speaks HTTP: few at a time, each with one request, within a time, and out when it is over.

import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { isPastRoom } from "../os/descriptors.ts";
import type { SpareTime } from "../os/spare-time.ts";
import type { Code } from "../values/answer.ts";
import { Gate } from "./gate.ts";

/** Connections at a time; more are answered with 503. */
export const MAX_CONNECTIONS = 64;
/** How long a connection may take for a request's head, and to read what it asked for, in ms. */
export const PATIENCE_MS = 10_000;
/** Most bytes of a request's head. */
export const MAX_HEAD = 8192;
/** How long clients may take to read what they asked for once the server stops, in ms. */
const LAST_MS = 500;

/** How long one that is refused may take to read why, in ms. */
const REFUSED_MS = 100;

/**
 * Answers a request; streams may go on when it returns or resolves.
 * @param fd the connection's file descriptor; undefined where the runtime keeps it elsewhere
 */
export type Answerer = (
  request: IncomingMessage,
  response: ServerResponse,
  fd: number | undefined,
) => void | Promise<void>;

/**
 * All connections of a server. They are taken by node:net and handed to node:http through a gate: Bun's own way from a listener to
 * node:http tells no file descriptor, and neither way bounds what a client that never reads may ask for.
 */
export class HttpFront {
  readonly #answer: Answerer;
  readonly #spare: SpareTime;
  readonly #connections = new Set<Socket>();
  /** By the streams that node:http was given for sockets. */
  readonly #visits = new Map<unknown, Visit>();
  #open: Promise<(socket: Socket, deadline: Deadline) => void> | undefined;

  /** @param spare the time that answering may take */
  constructor(answer: Answerer, spare: SpareTime) {
    this.#answer = answer;
    this.#spare = spare;
  }

  /** Serves the connection, or tells it why not and closes it. */
  take(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    if (isPastRoom(fdOf(socket), "operator")) {
      const busy = raw(503, "busy", "There are too many open files; guests go first. Try again.");
      socket.end(busy, () => socket.destroy());
      return;
    }
    if (this.#connections.size >= MAX_CONNECTIONS) {
      socket.end(raw(503, "busy", `There are ${MAX_CONNECTIONS} connections already; try again.`));
      // Unread bytes would have the kernel throw the answer away.
      socket.resume();
      setTimeout(() => socket.destroy(), REFUSED_MS);
      return;
    }
    this.#connections.add(socket);
    const deadline = new Deadline(() => socket.destroy());
    socket.once("close", () => {
      deadline.clear();
      this.#connections.delete(socket);
    });
    // With the first of them: a host without clients needs no HTTP.
    this.#open ??= this.#openHttp();
    void this.#open.then((open) => {
      if (!socket.destroyed) open(socket, deadline);
    });
  }

  /** Ends all connections, those that don't read their last answer a moment later. */
  close(): void {
    for (const { gate } of this.#visits.values()) gate.stream.end();
    setTimeout(() => this.#connections.forEach((socket) => socket.destroy()), LAST_MS).unref();
  }

  async #openHttp(): Promise<(socket: Socket, deadline: Deadline) => void> {
    const { createServer } = await import("node:http");
    const { Duplex } = await import("node:stream");
    const http: HttpServer = createServer({ maxHeaderSize: MAX_HEAD }, (request, response) =>
      this.#serve(request, response),
    );
    http.on("clientError", (_cause, stream) => {
      if (stream.writable) stream.end(raw(400, "invalid", "That is not HTTP as this server speaks it."));
      else stream.destroy();
    });
    return (socket, deadline) => {
      const gate = new Gate(Duplex, socket, this.#spare);
      const { stream } = gate;
      this.#visits.set(stream, { gate, deadline, fd: fdOf(socket), busy: false, lost: false });
      socket.once("close", () => this.#visits.delete(stream));
      http.emit("connection", stream);
    };
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const visit = this.#visits.get(request.socket);
    if (visit === undefined) return void request.socket.destroy();
    const { gate, deadline } = visit;
    if (visit.busy) {
      // It came with the last bytes of a body: not to be had again, and so not to be forgotten either.
      visit.lost = true;
      return;
    }
    visit.busy = true;
    deadline.clear();
    const hold = () => gate.hold();
    if (hasBody(request)) request.once("end", hold);
    else hold();
    response.on("error", () => response.destroy());
    response.once("close", () => {
      // Of a body that nobody wanted the end may come after the answer.
      request.off("end", hold);
      visit.busy = false;
      deadline.set();
      if (visit.lost) gate.stream.end();
      else gate.let();
    });
    const wait = () => {
      if (response.writableEnded) deadline.set();
    };
    const answered = this.#answer(request, response, visit.fd);
    if (answered === undefined) wait();
    else void answered.then(wait);
  }
}

/** What is known of a connection. */
interface Visit {
  readonly gate: Gate;
  readonly deadline: Deadline;
  readonly fd: number | undefined;
  /** A request is being answered. */
  busy: boolean;
  /** Another came before the answer had left: the connection ends with that answer. */
  lost: boolean;
}

/** When a connection ends that neither asks nor reads. */
class Deadline {
  readonly #passed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(passed: () => void) {
    this.#passed = passed;
    this.set();
  }

  /** Begins anew. */
  set(): void {
    this.clear();
    this.#timer = setTimeout(this.#passed, PATIENCE_MS);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Returns the socket's file descriptor, which node:net's API does not name. */
function fdOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}

/** Returns a whole answer for a connection that has no request. */
function raw(status: number, code: Code, message: string): string {
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  const reason = status === 400 ? "Bad Request" : "Service Unavailable";
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
