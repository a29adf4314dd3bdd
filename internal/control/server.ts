// The control server: a unix socket that takes a request, finds its row of the API, and calls the handler of that name.

import { rmSync } from "node:fs";
import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import type { Log } from "../log.ts";
import { err, ok, type Result } from "../values/result.ts";
import { EventStreams, type Subscribe } from "./event-streams.ts";
import { findRoute } from "./find-route.ts";
import { HTTP_STATUS } from "../api/problem.ts";
import { API, type Handlers, type Name } from "../api/table.ts";
import { type Answer, type Code, no } from "../values/answer.ts";
import { readAsk } from "./read-ask.ts";
import { type BodyError, MAX_BODY, readBody } from "./read-body.ts";
import { isPastRoom } from "../os/descriptors.ts";
import { codeOf } from "../os/error-code.ts";
import { clearStale, shareSocket, wrongSocketPath } from "../os/unix-socket.ts";

/** Who is at the other end of a connection. */
interface Peer {
  readonly pid: number;
  readonly uid: number;
}

export interface ControlOptions {
  /** A whole path; its folder exists. */
  readonly socket: string;
  /** The group that may use it beside the owner; empty for nobody else. */
  readonly group: string;
  readonly handlers: Handlers;
  readonly subscribe: Subscribe;
  /** Returns all metrics in Prometheus' text format. */
  readonly metrics: () => string;
  readonly log: Log;
  /** Returns who is connected to the file descriptor `fd`, for the log of changes. */
  readonly peerOf?: (fd: number) => Peer | undefined;
  /** How often event streams get a comment, in ms. */
  readonly heartbeatMs?: number;
}

export interface ControlServer {
  /** Ends all connections and removes the socket. */
  stop(): void;
}

/** Connections at a time; more are answered with 503. */
const MAX_CONNECTIONS = 64;
/** A connection without a request is closed after this time, in ms. */
const IDLE_MS = 10_000;
/** The content type of metrics. Source: Prometheus, exposition formats, text format 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** How long clients may take to read what they asked for once the server stops, in ms. */
const LAST_MS = 500;
/** Most bytes of a body that are written to the log of changes. */
const MAX_LOGGED = 200;

/**
 * Serves HTTP on the unix socket `socket`, mode 0660. A stale socket is replaced. Errors: a sentence when another powermon answers
 * there, or the socket can't be made.
 *
 * The connections are taken by node:net and handed to node:http, since Bun.serve() tells nobody's file descriptor and so no peer.
 */
export async function startControl(options: ControlOptions): Promise<Result<ControlServer, string>> {
  const { socket: path, group, log } = options;
  const wrong = wrongSocketPath(path);
  if (wrong !== undefined) return err(`Cannot listen: ${wrong}.`);
  const { createServer } = await import("node:net");
  const control = new Control(options);
  let http: Promise<HttpServer> | undefined;
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (isPastRoom(fdOf(socket), "operator")) {
      const busy = raw(503, "busy", "There are too many open files; guests go first. Try again.");
      socket.end(busy, () => socket.destroy());
      return;
    }
    if (connections.size >= MAX_CONNECTIONS) {
      socket.end(raw(503, "busy", `There are ${MAX_CONNECTIONS} connections already; try again.`));
      return;
    }
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    http ??= openHttp(control);
    void http.then((server) => {
      if (!socket.destroyed) server.emit("connection", socket);
    });
  });
  try {
    const cleared = await clearStale(path, "another powermon");
    if (!cleared.ok) return err(`Cannot listen: ${cleared.error}`);
    await listen(server, path);
    const alone = shareSocket(path, group);
    if (alone !== undefined) log.warn(alone);
  } catch (cause) {
    server.close();
    return err(`Cannot listen on ${path}: ${codeOf(cause)}.`);
  }
  return ok({
    stop() {
      control.close();
      server.close();
      for (const socket of connections) socket.destroySoon();
      setTimeout(() => connections.forEach((socket) => socket.destroy()), LAST_MS).unref();
      rmSync(path, { force: true });
    },
  });
}

/** Makes the server that speaks HTTP on connections, with the first of them: a host without clients needs none. */
async function openHttp(control: Control): Promise<HttpServer> {
  const { createServer } = await import("node:http");
  const http = createServer({ maxHeaderSize: 8192 }, (request, response) => control.serve(request, response));
  http.on("clientError", (_cause, socket) => {
    if (socket.writable) socket.end(raw(400, "invalid", "That is not HTTP as this server speaks it."));
    else socket.destroy();
  });
  return http;
}

class Control {
  readonly #options: ControlOptions;
  readonly #streams: EventStreams;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    const { subscribe, log, heartbeatMs } = options;
    this.#streams = new EventStreams(
      subscribe,
      () => log.warn("An event listener was too slow and has been cut off"),
      heartbeatMs,
    );
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (this.#closed) return void socket.destroy();
    // The answer may take longer than an idle connection may rest.
    socket.setTimeout(0);
    response.once("finish", () => socket.setTimeout(IDLE_MS));
    response.on("error", () => response.destroy());
    this.#answer(request, response).catch((cause: unknown) => {
      const bug = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      this.#options.log.error(`Control request failed by a bug: ${bug}`, { path: request.url });
      if (!response.headersSent)
        write(response, 500, no("failed", "powermon failed by a bug; its log says where."));
      else response.destroy();
    });
  }

  /** Ends the streams and serves no more requests, those that are being read included. */
  close(): void {
    this.#closed = true;
    this.#streams.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    const found = findRoute(method, url);
    if (found.kind === "nowhere") {
      write(response, 404, no("not-found", `There is nothing at ${JSON.stringify(url)}.`));
    } else if (found.kind === "wrong-method") {
      response.setHeader("allow", found.allowed.join(", "));
      write(
        response,
        405,
        no("invalid", `${method} is not taken here; ${found.allowed.join(", ")} would be.`),
      );
    } else if (found.kind === "metrics") {
      response.writeHead(200, { "content-type": METRICS_TYPE, "cache-control": "no-store" });
      response.end(this.#options.metrics());
    } else if (found.kind === "events") {
      if (this.#streams.hasRoom) this.#streams.open(response);
      else write(response, 503, no("busy", "There are too many event listeners already; try again."));
    } else {
      const body = await readBody(request);
      if (!body.ok) {
        refuseBody(response, body.error);
        return;
      }
      if (this.#closed) return void response.destroy();
      const asked = readAsk(API[found.name], found.parts, body.value);
      const done = asked.ok ? await this.#handle(found.name, asked.value) : asked;
      if (method !== "GET") this.#note(request, body.value, done);
      write(response, done.ok ? 200 : HTTP_STATUS[done.error.code], done);
    }
  }

  /** `asked` has been read by the row of that name. */
  #handle(name: Name, asked: object): Answer<unknown> | Promise<Answer<unknown>> {
    const handler = this.#options.handlers[name] as (asked: object) => ReturnType<Handlers[Name]>;
    return handler(asked);
  }

  /** Logs a change and who asked for it. */
  #note({ method, url, socket }: IncomingMessage, body: unknown, answer: Answer<unknown>): void {
    const { log, peerOf } = this.#options;
    const fd = fdOf(socket);
    const peer = fd === undefined ? undefined : peerOf?.(fd);
    log.info(answer.ok ? "Control request done" : "Control request not done", {
      request: `${method} ${url}`,
      body: body === undefined ? undefined : JSON.stringify(body).slice(0, MAX_LOGGED),
      uid: peer?.uid,
      pid: peer?.pid,
      code: answer.ok ? undefined : answer.error.code,
    });
  }
}

/** Returns the socket's file descriptor, which node:net's API does not name; undefined where the runtime keeps it elsewhere. */
function fdOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

const BODY_ANSWERS: Readonly<Record<Exclude<BodyError, "gone">, readonly [number, string]>> = {
  "too-large": [413, `The body has more than ${MAX_BODY} bytes.`],
  "too-slow": [408, "The body did not come in time."],
  "no-json": [400, 'The body is no JSON; write one object, such as {"queries": true}.'],
};

function refuseBody(response: ServerResponse, error: BodyError): void {
  if (error === "gone") {
    response.destroy();
    return;
  }
  const [status, message] = BODY_ANSWERS[error];
  // What is still coming of the body is not waited for.
  if (status !== 400) response.setHeader("connection", "close");
  write(response, status, no("invalid", message));
}

function write(response: ServerResponse, status: number, answer: Answer<unknown>): void {
  const document = answer.ok ? (answer.value ?? { done: true }) : { error: answer.error };
  const text = `${JSON.stringify(document)}\n`;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}

/** Returns a whole answer for a connection that has no request. */
function raw(status: number, code: Code, message: string): string {
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  const reason = status === 400 ? "Bad Request" : "Service Unavailable";
  return `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
