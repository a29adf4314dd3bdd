// A control server in front of a host on a machine of files, with what it logged, what was asked to change and who listens.

import { connect } from "node:net";
import { API, type Handlers, type Name } from "../../internal/api/table.ts";
import type { Happenings } from "../../internal/control/event-streams.ts";
import { type ControlOptions, startControl } from "../../internal/control/server.ts";
import type { Asks } from "../../internal/daemon/asks/table.ts";
import { readMetrics } from "../../internal/daemon/asks/metrics.ts";
import { prometheus } from "../../internal/output/prometheus.ts";
import type { EventFeed } from "../../internal/events.ts";
import { Log } from "../../internal/log.ts";
import { Lab, STATIC } from "../helpers/lab.ts";
import { down } from "../power/sleep/down.ts";
import type { QemuSocket } from "../helpers/qemu.ts";

/** What the host is told and where it runs, and what the server is given in place of the real thing. */
interface Served extends Partial<ControlOptions> {
  readonly tree?: string;
  readonly says?: object;
  /** The sockets of guests that are connected, in this order. */
  readonly guests?: readonly string[];
  /** Rows that somebody else answers. */
  readonly rows?: (asks: Asks) => Partial<Handlers>;
}

/** vm1 on pCPUs 2 and 3; vm2 has no place. */
export const SAYS = { ...STATIC, vm: { vm1: { pins: { 0: 2, 1: 3 } } } };

/** Starts a server in front of a host; the kernel is never asked to sleep. */
export async function serve({ tree, says = SAYS, guests = [], rows, ...options }: Served = {}) {
  const lab = new Lab(tree);
  const asks = lab.asks(says, { enter: down() });
  const calls: (readonly [Name, object])[] = [];
  const handlers = Object.fromEntries(
    Object.entries({ ...asks, ...rows?.(asks) }).map(([name, handler]) => [
      name,
      (asked: object, ...more: readonly unknown[]) => {
        if (API[name as Name].method !== "GET") calls.push([name as Name, asked]);
        return (handler as (...given: readonly unknown[]) => unknown)(asked, ...more);
      },
    ]),
  ) as unknown as Handlers;
  const sockets: QemuSocket[] = [];
  for (const guest of guests) sockets.push(await lab.guest(guest));
  const socket = `${lab.tree.root}/control.sock`;
  const log: string[] = [];
  const listeners = new Set<object>();
  const started = await startControl({
    socket,
    group: "",
    handlers,
    rehearsals: lab.rehearsals,
    events: counted(lab.host.events, listeners),
    metrics: () => prometheus(readMetrics(lab.host, "1.2.3")),
    log: new Log("debug", "text", false, (line) => log.push(line)),
    ...options,
  });
  if (!started.ok) throw new Error(started.error);
  const { value: server } = started;
  return {
    dir: lab.tree.root,
    socket,
    log,
    lab,
    asks,
    /** Changes that the host was asked for, whatever came of them. */
    calls,
    listeners,
    guests: sockets,
    server,
    [Symbol.dispose]() {
      server.stop();
      lab.end();
    },
  };
}

/** Returns `feed`, with whoever listens to it in `listeners`. */
function counted(feed: EventFeed, listeners: Set<object>): Happenings {
  return {
    boot: feed.boot,
    get first() {
      return feed.first;
    },
    get last() {
      return feed.last;
    },
    at: (n) => feed.at(n),
    subscribe(listener) {
      const end = feed.subscribe(listener);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        end();
      };
    },
  };
}

/** Sends `text` as it is and resolves to everything that comes back until the server closes. */
export function raw(socket: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = "";
    const connection = connect(socket, () => connection.write(text));
    connection.on("data", (bytes) => (back += bytes.toString()));
    connection.on("close", () => resolve(back));
    connection.on("error", (error: NodeJS.ErrnoException) => error.code === "EPIPE" || reject(error));
  });
}
