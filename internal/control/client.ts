// Asking a running powermon: every command goes through here, so that all of them fail in the same words.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { formatCpuList } from "../values/cpulist.ts";
import { parseJson } from "../values/json.ts";
import { err, ok, type Result } from "../values/result.ts";
import { event, type HappenedEvent } from "../api/event.ts";
import { problemReport } from "../api/problem.ts";
import type { Row } from "../api/row.ts";
import { type DryRunReport, dryRunReport } from "../api/dry-run.ts";
import { API, type Ask, type Name, type Rehearsed, type Report } from "../api/table.ts";
import { type Code, CODES, type Problem } from "../values/answer.ts";
import { readEvents } from "./event-reader.ts";
import { wrongSocketPath } from "../os/unix-socket.ts";
import { watchSocketOf } from "./watch-socket.ts";

/** Why something asked for was not done: powermon's own reason, or that there is none to ask. */
export interface ControlError {
  readonly code: Code | "no-answer" | "forbidden";
  readonly message: string;
  readonly details?: Problem["details"];
}

/** What is said beside a row's name; it may be nothing where the row needs nothing. */
export type Given<K extends Name> = object extends Ask<K> ? [ask?: Ask<K>] : [ask: Ask<K>];

/** How long an answer may take, in ms; pinning through a slow libvirt takes longest. */
const ANSWER_MS = 30_000;
const NO_LIMIT = Infinity;

/** A powermon that can be asked. Nothing is connected before the first question. */
export class ControlClient {
  readonly #socket: string;
  readonly #timeoutMs: number;

  /**
   * @param socket the control socket's whole path
   * @param timeoutMs how long an answer may take
   */
  constructor(socket: string, timeoutMs = ANSWER_MS) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
  }

  /** Asks what the row `name` says. Errors: powermon's own reason, or that none answers. */
  async ask<K extends Name>(name: K, ...[given]: Given<K>): Promise<Result<Report<K>, ControlError>> {
    const row: Row = API[name];
    const text = await this.#askRow(row, given ?? {});
    return text.ok ? this.#parse<Report<K>>(row.answer, text.value) : text;
  }

  /** Asks what would happen if the row `name` was asked. Errors: as that would end, or that none answers. */
  async rehearse<K extends Rehearsed>(
    name: K,
    ...[given]: Given<K>
  ): Promise<Result<DryRunReport, ControlError>> {
    const text = await this.#askRow(API[name], { ...given, dryRun: true });
    return text.ok ? this.#parse<DryRunReport>(dryRunReport, text.value) : text;
  }

  #askRow(row: Row, said: Readonly<Record<string, unknown>>): Promise<Result<string, ControlError>> {
    const path = row.path.replaceAll(/\{(\w+)\}/g, (_, place: string) =>
      encodeURIComponent(wordOf(said[place])),
    );
    const rest = Object.entries(said).filter(([key, value]) => value !== undefined && !(key in row.places));
    // An older powermon takes no empty body where it takes none at all.
    const body = rest.length === 0 ? undefined : Object.fromEntries(rest);
    return this.#askText(row.method, `/v1/${path}`, body, row.isEndless && NO_LIMIT);
  }

  /** Returns all metrics in Prometheus' text format. */
  metrics(): Promise<Result<string, ControlError>> {
    return this.#askText("GET", "/metrics", undefined);
  }

  /**
   * Yields what happens from now on; ends with the error that ended it, which is `no-answer` when powermon stops.
   * @param after the id of an event, after which to begin instead
   */
  async *events(after?: string): AsyncGenerator<HappenedEvent, ControlError> {
    const headers = after === undefined ? {} : { "last-event-id": after };
    const opened = await this.#send("GET", "/v1/events", undefined, undefined, headers);
    if (!opened.ok) return opened.error;
    const { body, status } = opened.value;
    if (status !== 200 || body === null) return errorOf(status, await opened.value.text());
    try {
      for await (const data of readEvents(body)) {
        const happened = this.#parse<HappenedEvent>(event, data);
        if (!happened.ok) return happened.error;
        yield happened.value;
      }
    } catch {
      // The connection broke: told as any other end.
    }
    return { code: "no-answer", message: `powermon on ${this.#socket} ended the stream of events.` };
  }

  async #askText(
    method: string,
    path: string,
    body: object | undefined,
    timeoutMs = this.#timeoutMs,
  ): Promise<Result<string, ControlError>> {
    // A host that sleeps may do so for days.
    const signal = timeoutMs === NO_LIMIT ? undefined : AbortSignal.timeout(timeoutMs);
    const response = await this.#send(method, path, body, signal);
    if (!response.ok) return response;
    let text: string;
    try {
      text = await response.value.text();
    } catch (cause) {
      return err(this.#unanswered(cause));
    }
    return response.value.ok ? ok(text) : err(errorOf(response.value.status, text));
  }

  async #send(
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Result<Response, ControlError>> {
    const wrong = wrongSocketPath(this.#socket);
    if (wrong !== undefined) return err({ code: "invalid", message: `${wrong}; name powermon's socket.` });
    const sent = await this.#sendTo(this.#socket, method, path, body, signal, headers);
    const watch = watchSocketOf(this.#socket);
    if (sent.ok || sent.error.code !== "forbidden" || !existsSync(watch)) return sent;
    // Who may not change anything may still look.
    const looked = await this.#sendTo(watch, method, path, body, signal, headers);
    return looked.ok ? looked : sent;
  }

  async #sendTo(
    socket: string,
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<Result<Response, ControlError>> {
    try {
      return ok(
        await fetch(`http://powermon${path}`, {
          method,
          unix: socket,
          // Each command asks once.
          keepalive: false,
          redirect: "manual",
          headers,
          ...(body !== undefined && {
            body: JSON.stringify(body),
            headers: { ...headers, "content-type": "application/json" },
          }),
          ...(signal !== undefined && { signal }),
        }),
      );
    } catch (cause) {
      return err(this.#unanswered(cause));
    }
  }

  #unanswered(cause: unknown): ControlError {
    const code: unknown = cause instanceof Error ? (Reflect.get(cause, "code") ?? cause.name) : cause;
    if (code === "EACCES" || code === "EPERM") {
      return {
        code: "forbidden",
        message: `You may not use ${this.#socket}: run this as root, or have root add you to the group powermon (\`usermod -aG powermon NAME\`), or to powermon-watch to look only, and log in anew.`,
      };
    }
    if (cause instanceof Error && cause.name === "TimeoutError") {
      return {
        code: "no-answer",
        message: `powermon on ${this.#socket} did not answer within ${this.#timeoutMs} ms; its log may say why.`,
      };
    }
    return {
      code: "no-answer",
      message: `powermon does not answer on ${this.#socket} (${String(code)}); is it running?`,
    };
  }

  #parse<T>(schema: v.GenericSchema, text: string): Result<T, ControlError> {
    const body = parseJson(text);
    const parsed = v.safeParse(schema, body);
    // What was sent is handed on, not the schema's copy: keys of a newer powermon stay.
    if (parsed.success) return ok(body as T);
    const path = v.getDotPath(parsed.issues[0]);
    return err({
      code: "failed",
      message: `powermon on ${this.#socket} answered something unexpected${path === null ? "" : ` (${path})`}; is it of another version?`,
    });
  }
}

/** Returns a value of a path as it is written there. */
function wordOf(value: unknown): string {
  return Array.isArray(value) ? formatCpuList(value as readonly number[]) : String(value);
}

function errorOf(status: number, text: string): ControlError {
  const parsed = v.safeParse(problemReport, parseJson(text));
  if (!parsed.success) return { code: "failed", message: `powermon answered with HTTP status ${status}.` };
  const { code, message, details } = parsed.output.error;
  return { code: CODES.find((known) => known === code) ?? "failed", message, ...(details && { details }) };
}
