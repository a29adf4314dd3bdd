// The control server: a unix socket that takes a request, finds its row of the API, and calls the handler of that name.

import { rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:net";
import type { Log } from "../log.ts";
import { err, ok, type Result } from "../values/result.ts";
import { EventStreams, type Happenings } from "./event-streams.ts";
import { DOCUMENTS } from "./documents.ts";
import { findRoute } from "./find-route.ts";
import { HTTP_STATUS } from "../api/problem.ts";
import { API, type Handlers, isRehearsed, type Name, type Rehearsals } from "../api/table.ts";
import { type Answer, no } from "../values/answer.ts";
import { readAsk } from "./read-ask.ts";
import { HttpFront } from "./http-front.ts";
import type { Peer } from "./peer.ts";
import { type BodyError, MAX_BODY, MAX_DEPTH, readBody } from "./read-body.ts";
import { codeOf } from "../os/error-code.ts";
import { SpareTime } from "../os/spare-time.ts";
import { clearStale, shareSocket, wrongSocketPath } from "../os/unix-socket.ts";

export interface ControlOptions {
  /** A whole path; its folder exists. */
  readonly socket: string;
  /** The group that may use it beside the owner; empty for nobody else. */
  readonly group: string;
  /** It shows and changes nothing: GET alone is taken. */
  readonly readOnly?: boolean;
  readonly handlers: Handlers;
  /** What answers a dry run. */
  readonly rehearsals: Rehearsals;
  readonly events: Happenings;
  /** Resolves to all metrics in Prometheus' text format. */
  readonly metrics: () => string | Promise<string>;
  readonly log: Log;
  /** Returns who is connected to the file descriptor `fd`, for the log of changes and for who is told of them. */
  readonly peerOf?: (fd: number) => Peer | undefined;
  /** What answering may take beside the guests; by default a budget of its own. */
  readonly spare?: SpareTime;
  /** How often event streams get a comment, in ms. */
  readonly heartbeatMs?: number;
}

export interface ControlServer {
  /** Ends all connections and removes the socket. */
  stop(): void;
}

/** The content type of metrics. Source: Prometheus, exposition formats, text format 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** Said on the socket for those who may look. */
const ONLY_SHOWS =
  "This socket shows and changes nothing; what changes something goes through the control socket.";
/** Stands for the user's name where the kernel does not tell who is at the other end. */
const NOT_KNOWN = "an operator";
/** Most characters of a path and of a body that are written to the log of changes. */
const MAX_LOGGED = 200;

/**
 * Serves HTTP on the unix socket `socket`, mode 0660. A stale socket is replaced. Errors: a sentence when another powermon answers
 * there, or the socket can't be made.
 */
export async function startControl(options: ControlOptions): Promise<Result<ControlServer, string>> {
  const { socket: path, group, log } = options;
  const wrong = wrongSocketPath(path);
  if (wrong !== undefined) return err(`Cannot listen: ${wrong}.`);
  const { createServer } = await import("node:net");
  const control = new Control(options);
  const front = new HttpFront((...asked) => control.serve(...asked), control.spare);
  const server = createServer((socket) => front.take(socket));
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
      front.close();
      rmSync(path, { force: true });
    },
  });
}

class Control {
  readonly spare: SpareTime;
  readonly #options: ControlOptions;
  readonly #streams: EventStreams;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.spare = options.spare ?? new SpareTime();
    const { events, log, heartbeatMs } = options;
    this.#streams = new EventStreams(
      events,
      this.spare,
      () => log.warn("An event listener did not read and has been cut off"),
      heartbeatMs,
    );
  }

  serve(request: IncomingMessage, response: ServerResponse, fd: number | undefined): Promise<void> {
    return this.#answer(request, response, fd).catch((cause: unknown) => {
      const bug = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      this.#options.log.error(`Control request failed by a bug: ${bug}`, { path: shorten(request.url) });
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

  async #answer(request: IncomingMessage, response: ServerResponse, fd: number | undefined): Promise<void> {
    if (this.#closed) return void response.destroy();
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
      const text = await this.#options.metrics();
      response.writeHead(200, { "content-type": METRICS_TYPE, "cache-control": "no-store" });
      response.end(text);
    } else if (found.kind === "document") {
      send(response, 200, DOCUMENTS[found.path]?.() ?? "");
    } else if (found.kind === "events") {
      this.#listen(request, response);
    } else if (this.#options.readOnly === true && method !== "GET") {
      response.setHeader("connection", "close");
      write(response, HTTP_STATUS.refused, no("refused", ONLY_SHOWS));
    } else {
      const body = await readBody(request);
      if (!body.ok) {
        refuseBody(response, body.error);
        return;
      }
      await this.spare.run(() => {
        // Unless nobody waits for it any more.
        if (this.#closed || response.destroyed) return void response.destroy();
        const asked = readAsk(API[found.name], found.parts, body.value);
        const gone = new AbortController();
        response.once("close", () => {
          if (!response.writableFinished) gone.abort();
        });
        const peer = method === "GET" || fd === undefined ? undefined : this.#options.peerOf?.(fd);
        const done = asked.ok
          ? this.#handle(found.name, asked.value, gone.signal, peer?.user ?? NOT_KNOWN)
          : asked;
        const tell = (answer: Answer<unknown>) => {
          if (method !== "GET") this.#note(request, peer, body.value, answer);
          write(response, answer.ok ? 200 : HTTP_STATUS[answer.error.code], answer);
        };
        return done instanceof Promise ? done.then(tell) : tell(done);
      });
    }
  }

  #listen({ headers }: IncomingMessage, response: ServerResponse): void {
    if (!this.#streams.hasRoom)
      return write(response, 503, no("busy", "There are too many event listeners already; try again."));
    const id = headers["last-event-id"];
    const opened = this.#streams.open(response, typeof id === "string" && id !== "" ? id : undefined);
    if (!opened.ok) write(response, 400, no("invalid", opened.error));
  }

  /** `asked` has been read by the row of that name. */
  #handle(
    name: Name,
    asked: object,
    gone: AbortSignal,
    user: string,
  ): Answer<unknown> | Promise<Answer<unknown>> {
    const { handlers, rehearsals } = this.#options;
    const isDry = isRehearsed(name) && (asked as { readonly dryRun?: boolean }).dryRun === true;
    const handler = (isDry ? rehearsals[name] : handlers[name]) as (
      asked: object,
      gone: AbortSignal,
      user: string,
    ) => Answer<unknown> | Promise<Answer<unknown>>;
    return handler(asked, gone, user);
  }

  /** Logs a change and who asked for it. */
  #note(request: IncomingMessage, peer: Peer | undefined, body: unknown, answer: Answer<unknown>): void {
    const { log } = this.#options;
    const done = (body as { readonly dryRun?: unknown } | undefined)?.dryRun === true ? "tried" : "done";
    log.info(`Control request ${answer.ok ? "" : "not "}${done}`, {
      request: `${request.method} ${shorten(request.url)}`,
      body: body === undefined ? undefined : shorten(JSON.stringify(body)),
      user: peer?.user,
      uid: peer?.uid,
      pid: peer?.pid,
      code: answer.ok ? undefined : answer.error.code,
    });
  }
}

function shorten(text = ""): string {
  return text.length > MAX_LOGGED ? `${text.slice(0, MAX_LOGGED)}...` : text;
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
  "too-deep": [400, `The body nests more than ${MAX_DEPTH} deep.`],
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
  send(response, status, `${JSON.stringify(document)}\n`);
}

/** @param text JSON */
function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
