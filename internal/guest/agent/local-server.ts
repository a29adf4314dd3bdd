// The agent's socket, with bounds, so that no careless program takes the agent from all others.

import { rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { Socket, UnixSocketListener } from "bun";
import { codeOf } from "../../os/error-code.ts";
import { clearStale, shareSocket } from "../../os/unix-socket.ts";
import { err, ok, type Result } from "../../values/result.ts";
import { Bell } from "../bell.ts";

/** Bytes of one line, connections at once, unanswered lines of one connection, and bytes that may wait to be read when a line is sent to one. */
const MAX = { lineBytes: 4096, clients: 128, pending: 32, unread: 1 << 16 };

/** What a connection is to the agent. */
export interface Client {
  /** Returns the answer to one line, an object that becomes one line. */
  answer(line: string): Promise<object>;
  /** The connection ended, and all its lines were answered. */
  left(): void;
}

interface Connection {
  readonly client: Client;
  text: string;
  pending: number;
  last: Promise<void>;
  unread: Buffer;
  /** Rings once all was read, and at the end. */
  readonly room: Bell;
  ended: boolean;
  readonly decoder: TextDecoder;
}

/** Makes a client of a connection, to which `send` sends a line that answers nothing. */
export type Accept = (send: (line: object) => void) => Client;

/**
 * Listens at `path` with mode 0660 and the group `group` where that exists; `accept` makes a client of each connection. A socket that
 * nobody listens on any more is replaced. Errors: the sentence that says why not.
 */
export async function serveLocal(
  path: string,
  group: string,
  accept: Accept,
): Promise<Result<LocalServer, string>> {
  const failed = (why: string) => err(`Cannot listen at ${JSON.stringify(path)}: ${why}`);
  try {
    const free = await clearStale(path, "another agent");
    if (!free.ok) return failed(free.error);
    const server = listen(path, accept);
    // A socket that has no such group, or whose maker may not give it away, is its maker's alone.
    shareSocket(path, process.getuid?.() === 0 ? group : "");
    return ok(server);
  } catch (error) {
    return failed(`${codeOf(error)}.`);
  }
}

/** Nobody else may connect before the socket has its mode and group. */
function listen(path: string, accept: Accept): LocalServer {
  const umask = process.umask(0o177);
  try {
    return new LocalServer(path, accept);
  } finally {
    process.umask(umask);
  }
}

export class LocalServer {
  readonly path: string;
  readonly #accept: Accept;
  readonly #listener: UnixSocketListener<Connection | undefined>;
  #clients = 0;

  constructor(path: string, accept: Accept) {
    this.path = path;
    this.#accept = accept;
    this.#listener = Bun.listen<Connection | undefined>({
      unix: path,
      socket: {
        open: (socket) => this.#open(socket),
        data: (socket, bytes) => this.#data(socket, bytes),
        drain: (socket) => flush(socket),
        close: (socket) => this.#close(socket),
        error: (socket) => void socket.end(),
      },
    });
  }

  /** Connections now. */
  get clients(): number {
    return this.#clients;
  }

  /** Ends every connection and removes the socket. */
  stop(): void {
    this.#listener.stop(true);
    rmSync(this.path, { force: true });
  }

  #open(socket: Socket<Connection | undefined>): void {
    if (this.#clients >= MAX.clients) {
      socket.data = undefined;
      socket.write(`${JSON.stringify(refusal(`${MAX.clients} programs are connected; no more fit.`))}\n`);
      socket.end();
      return;
    }
    this.#clients++;
    socket.data = {
      client: this.#accept((line) => send(socket, line)),
      text: "",
      pending: 0,
      last: Promise.resolve(),
      unread: Buffer.alloc(0),
      room: new Bell(),
      ended: false,
      decoder: new TextDecoder(),
    };
  }

  #data(socket: Socket<Connection | undefined>, bytes: Uint8Array): void {
    const { data } = socket;
    if (data === undefined || data.ended) return;
    data.text += data.decoder.decode(bytes, { stream: true });
    for (;;) {
      const end = data.text.indexOf("\n");
      if (end < 0) break;
      const line = data.text.slice(0, end);
      data.text = data.text.slice(end + 1);
      if (line.length > MAX.lineBytes) return hangUp(socket, `A line has at most ${MAX.lineBytes} bytes.`);
      if (++data.pending > MAX.pending)
        return hangUp(socket, `Wait for answers: at most ${MAX.pending} lines at once.`);
      // In the order of the lines, each after the answer before it: one in each turn of the loop, so that other programs have theirs.
      const isFirst = data.pending === 1;
      data.last = data.last.then(async () => {
        if (!isFirst) await setImmediate();
        if (data.unread.length > 0 && !data.ended) await data.room.wait(Infinity);
        if (data.ended) return;
        const answer = await data.client.answer(line);
        data.pending--;
        send(socket, answer);
      });
    }
    if (data.text.length > MAX.lineBytes) hangUp(socket, `A line has at most ${MAX.lineBytes} bytes.`);
  }

  #close(socket: Socket<Connection | undefined>): void {
    const { data } = socket;
    if (data === undefined) return;
    data.ended = true;
    data.room.ring();
    this.#clients--;
    void data.last.then(() => data.client.left());
  }
}

/** Returns the answer to a line that can't be served. */
export function refusal(message: string): object {
  return { ok: false, outcome: "bad-request", message };
}

function hangUp(socket: Socket<Connection | undefined>, why: string): void {
  send(socket, refusal(why));
  if (socket.data !== undefined) socket.data.ended = true;
  socket.data?.room.ring();
  socket.end();
}

function send(socket: Socket<Connection | undefined>, answer: object): void {
  const { data } = socket;
  if (data === undefined || data.ended) return;
  if (data.unread.length > MAX.unread) return void socket.terminate();
  data.unread = Buffer.concat([data.unread, Buffer.from(`${JSON.stringify(answer)}\n`)]);
  flush(socket);
}

function flush(socket: Socket<Connection | undefined>): void {
  const { data } = socket;
  if (data === undefined || data.unread.length === 0) return;
  const written = socket.write(data.unread);
  if (written > 0) data.unread = data.unread.subarray(written);
  if (data.unread.length === 0) data.room.ring();
}
