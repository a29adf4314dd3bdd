// The one logger: levels, fields, formats, and how floods of the same line are folded.

import { writeSync } from "node:fs";
import { isJournal, openStandardError } from "./os/standard-error.ts";
import { type ConsolaInstance, createConsola } from "consola/core";
import { printable, printableLine } from "./values/printable.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What belongs to one event beside its sentence. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;

/** syslog priorities that the journal reads from a `<N>` prefix. Source: sd-daemon(3). */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };
const CONSOLA_LEVEL: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 3, debug: 4 };
/** A repeated warning is told at most once in this time, in ms, with the count of those swallowed. */
const FOLD_MS = 60_000;
/** Keys remembered for folding; past it the oldest is forgotten, so that a guest can't grow the memory. */
const FOLD_KEYS = 1024;

/** A warning that was told, and how often it was not told since. */
interface Fold {
  readonly message: string;
  readonly fields: Fields;
  since: number;
  swallowed: number;
}

export class Log {
  /** True when debug lines are written: guard costly ones with it. */
  readonly debugs: boolean;
  readonly #consola: ConsolaInstance;
  readonly #folds = new Map<string, Fold>();
  #swallows = false;

  /**
   * @param level least important level that is written
   * @param format `text` lines, or one JSON object a line
   * @param journal true to prefix syslog priorities (text only)
   * @param write where a line goes; standard error unless a test says otherwise
   */
  constructor(
    level: LogLevel = "info",
    format: LogFormat = "text",
    journal = isJournal(process.env["JOURNAL_STREAM"]),
    write: (line: string) => void = toStandardError(),
  ) {
    this.debugs = level === "debug";
    this.#consola = createConsola({
      level: CONSOLA_LEVEL[level],
      throttle: 0,
      reporters: [
        {
          log({ type, args, date }) {
            const [message, fields] = args as [string, Fields | undefined];
            try {
              write(
                format === "json"
                  ? jsonLine(type, message, fields, date)
                  : textLine(type, message, fields, journal),
              );
            } catch {
              // A closed or full standard error must not stop the service.
            }
          },
        },
      ],
    });
  }

  error(message: string, fields?: Fields): void {
    this.#consola.error(message, fields);
  }
  warn(message: string, fields?: Fields): void {
    this.#consola.warn(message, fields);
  }
  info(message: string, fields?: Fields): void {
    this.#consola.info(message, fields);
  }
  debug(message: string, fields?: Fields): void {
    this.#consola.debug(message, fields);
  }

  /**
   * Warns once for `key`, then at most once a minute with the number of repeats in between.
   * @param nowMs monotonic time in ms
   */
  warnFolded(key: string, message: string, fields: Fields = {}, nowMs = performance.now()): void {
    const fold = this.#folds.get(key);
    if (fold !== undefined && nowMs - fold.since < FOLD_MS) {
      fold.swallowed++;
      this.#swallows = true;
      return;
    }
    if (fold === undefined && this.#folds.size >= FOLD_KEYS) {
      for (const oldest of this.#folds.keys()) {
        this.#folds.delete(oldest);
        break;
      }
    }
    this.#folds.set(key, { message, fields, since: nowMs, swallowed: 0 });
    this.warn(message, fold?.swallowed ? { ...fields, repeated: fold.swallowed } : fields);
  }

  /**
   * Tells how often warnings were repeated whose minute is over: those that stopped would keep their count for ever.
   * @param nowMs monotonic time in ms; Infinity to tell all
   */
  unfold(nowMs = performance.now()): void {
    if (!this.#swallows) return;
    this.#swallows = false;
    for (const fold of this.#folds.values()) {
      if (fold.swallowed === 0) continue;
      if (nowMs - fold.since < FOLD_MS) {
        this.#swallows = true;
        continue;
      }
      this.warn(fold.message, { ...fold.fields, repeated: fold.swallowed });
      fold.since = nowMs;
      fold.swallowed = 0;
    }
  }
}

function toStandardError(): (line: string) => void {
  let fd: number | undefined;
  return (line) => void writeSync((fd ??= openStandardError()), line);
}

function textLine(type: string, message: string, fields: Fields | undefined, journal: boolean): string {
  const priority = journal ? `<${PRIORITY[type as LogLevel] ?? PRIORITY.info}>` : `${type}: `;
  let line = priority + printableLine(message);
  for (const [key, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue;
    const text = String(value);
    line += ` ${key}=${/^[\w./:,+-]+$/.test(text) ? text : printable(JSON.stringify(text))}`;
  }
  return `${line}\n`;
}

function jsonLine(type: string, message: string, fields: Fields | undefined, date: Date): string {
  return `${printable(JSON.stringify({ time: date.toISOString(), level: type, message, ...fields }))}\n`;
}
