// The listener for browsers and scrapers: it tells and never does, and only to those who ask for this host.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpFront } from "../control/http-front.ts";
import { METRICS_TYPE } from "../control/server.ts";
import { HTTP_STATUS } from "../api/problem.ts";
import { codeOf } from "../os/error-code.ts";
import { SpareTime } from "../os/spare-time.ts";
import type { ExplainReport } from "../api/freq.ts";
import type { LiveReport } from "../api/live.ts";
import type { VmReport } from "../api/vms.ts";
import type { Asked } from "../api/table.ts";
import type { Answer } from "../values/answer.ts";
import type { ListenAddress } from "../values/listen.ts";
import type { Log } from "../log.ts";
import { err, ok, type Result } from "../values/result.ts";
import { isVmName } from "../values/vm-name.ts";
import { Feed, type Told } from "./feed.ts";
import { isRange, type Range, RANGES } from "./history.ts";
import { isOurHost } from "./host-check.ts";
import { PAGE, PAGE_POLICY } from "./page.ts";

export interface HttpOptions {
  readonly listen: ListenAddress;
  /** Names beside localhost and IP addresses that requests may be for. */
  readonly names: readonly string[];
  /** The part of the API that a page reads. */
  readonly asks: {
    live(): Promise<{ readonly value: LiveReport }>;
    explain(asked: Asked<"explain">): Answer<ExplainReport>;
    vm(asked: Asked<"vm">): Answer<VmReport>;
  };
  /** Returns what all clocks were told, from memory. */
  readonly clocks: () => readonly Told[];
  /** Resolves to all metrics in Prometheus' text format. */
  readonly metrics: () => string | Promise<string>;
  readonly log: Log;
  /** What answering may take beside the guests; by default a budget of its own. */
  readonly spare?: SpareTime;
  /** Time between two looks that pages are told of, in ms. */
  readonly feedMs?: number;
}

/** A running listener. */
export interface HttpListener {
  /** Such as http://127.0.0.1:9560/. */
  readonly url: string;
  stop(): void;
}

/** Pages that watch at a time. */
const MAX_WATCHERS = 16;
/** Bytes that may wait for one page; past it the page is cut off, and comes again by itself. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Said of every answer. Source: Fetch standard (CORP, nosniff), Referrer Policy. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "; another program listens there, give http.listen another port and start powermon anew",
  EADDRNOTAVAIL: "; this machine has no such address",
  EACCES: "; a port below 1024 needs CAP_NET_BIND_SERVICE",
};

/** Listens for browsers and scrapers. Errors: a sentence when the address can't be had. */
export async function startHttp(options: HttpOptions): Promise<Result<HttpListener, string>> {
  const { createServer } = await import("node:net");
  const { listen, asks } = options;
  const feed = new Feed(async () => (await asks.live()).value, options.clocks, options.feedMs);
  const front = new HttpFront(async (request, response) => {
    try {
      await answer(options, feed, request, response);
    } catch (cause) {
      options.log.error(`HTTP request failed by a bug: ${String(cause)}`, { path: request.url });
      response.destroy();
    }
  }, options.spare ?? new SpareTime());
  const server = createServer((socket) => front.take(socket));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(listen.port, listen.host, resolve);
    });
  } catch (cause) {
    const code = codeOf(cause);
    const todo = WHY[code] ?? "";
    return err(`No page and no metrics by HTTP: cannot listen on ${urlOf(listen)}: ${code}${todo}.`);
  }
  feed.start();
  const { port } = server.address() as AddressInfo;
  return ok({
    url: urlOf({ ...listen, port }),
    stop() {
      feed.stop();
      server.close();
      front.close();
    },
  });
}

function urlOf({ host, port }: ListenAddress): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

async function answer(
  options: HttpOptions,
  feed: Feed,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url = "", headers } = request;
  if (!isOurHost(headers.host, options.names)) {
    const right = "ask for localhost or an address, or add the name to http.names in powermon.toml.";
    return text(response, 421, `This is not ${JSON.stringify(headers.host ?? "")}; ${right}\n`);
  }
  if (method !== "GET") {
    response.setHeader("allow", "GET");
    return text(response, 405, "Everything here is to be read: only GET is taken.\n");
  }
  const cpu = /^\/explain\/(0|[1-9]\d{0,3})$/.exec(url)?.[1];
  const vm = vmIn(/^\/vm\/([^/?]+)$/.exec(url)?.[1]);
  const live = /^\/live(?:\?range=(.*))?$/.exec(url);
  if (url === "/") {
    send(response, 200, PAGE, "text/html; charset=utf-8", { "content-security-policy": PAGE_POLICY });
  } else if (url === "/metrics") send(response, 200, await options.metrics(), METRICS_TYPE);
  else if (live !== null) {
    const range = live[1] ?? "10m";
    if (isRange(range)) await watch(feed, response, options.log, range);
    else text(response, 400, `A range is one of ${Object.keys(RANGES).join(", ")}, as in /live?range=1h.\n`);
  } else if (cpu !== undefined) document(response, options.asks.explain({ cpu: Number(cpu) }));
  else if (vm !== undefined) document(response, options.asks.vm({ vm }));
  else text(response, 404, "There is /, /metrics, /live, /explain/CPU and /vm/NAME.\n");
}

/** Returns the VM's name that a part of a path stands for; undefined for what can be none. */
function vmIn(part: string | undefined): string | undefined {
  try {
    const name = decodeURIComponent(part ?? "");
    return isVmName(name) ? name : undefined;
  } catch {
    // Not every % begins a character.
    return undefined;
  }
}

/** Sends an answer of the API. */
function document(response: ServerResponse, answered: Answer<object>): void {
  const body = answered.ok ? answered.value : { error: answered.error };
  const status = answered.ok ? 200 : HTTP_STATUS[answered.error.code];
  send(response, status, `${JSON.stringify(body)}\n`, "application/json");
}

/** Sends the feed until the page goes, or does not read. */
async function watch(feed: Feed, response: ServerResponse, log: Log, range: Range): Promise<void> {
  if (feed.watchers >= MAX_WATCHERS) {
    response.setHeader("retry-after", "10");
    return text(response, 503, `There are ${MAX_WATCHERS} pages already; try again.\n`);
  }
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
  const end = await feed.watch((event) => {
    if (response.writableLength <= MAX_WAITING) return void response.write(event);
    log.warn("A page was too slow and has been cut off");
    response.destroy();
  }, range);
  if (response.destroyed) end();
  else response.once("close", end);
}

function text(response: ServerResponse, status: number, sentence: string): void {
  send(response, status, sentence, "text/plain; charset=utf-8");
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...HEADERS, ...more, "content-type": type });
  response.end(body);
}
