// What systemd is told of us: when we serve, that we live, and that we stop.

import { DONE, err, type Result } from "../values/result.ts";
import { libcProblem, monotonicUsec, sendDatagram } from "../os/libc.ts";
import { runCommand } from "../os/spawn.ts";

/** Longest that the systemd-notify program may take, in ms. */
const PROGRAM_MS = 2000;
/** A longer delay becomes one of 1 ms. Source: WHATWG HTML, timers; 32 bits with a sign. */
const LONGEST_MS = 2 ** 31 - 1;
/** Longest status line, in characters. */
const MAX_STATUS = 400;

/** What systemd gives a service. Source: sd_notify(3), sd_watchdog_enabled(3). */
export type NotifyEnv = Readonly<
  Partial<Record<"NOTIFY_SOCKET" | "WATCHDOG_USEC" | "WATCHDOG_PID" | "PATH", string | undefined>>
>;

/**
 * Tells systemd about the service; without NOTIFY_SOCKET every call does nothing and succeeds. A failure is one sentence, and
 * never a reason to stop. Source: sd_notify(3).
 */
export class Notifier {
  /** How often watchdog() is due, in ms: half of what the unit allows; undefined when nobody watches. */
  readonly watchdogMs: number | undefined;
  readonly #env: NotifyEnv;
  readonly #useLibc: boolean;
  #said = "";

  /** @param useLibc false to go by the systemd-notify program, as is done where bun:ffi fails */
  constructor(env: NotifyEnv, useLibc = libcProblem() === undefined) {
    this.#env = env;
    this.#useLibc = useLibc;
    const usec = Number(env.WATCHDOG_USEC);
    const ours = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
    this.watchdogMs =
      ours && Number.isSafeInteger(usec) && usec > 0
        ? Math.min(LONGEST_MS, Math.max(1, Math.floor(usec / 2000)))
        : undefined;
  }

  /** The service does its work; also ends a reload. */
  ready(status: string): Promise<Result<void, string>> {
    return this.#tell("READY=1", this.#note(status));
  }

  /** One line for `systemctl status`; nothing is sent while it stays as it was told last, so it may be told often. */
  async status(status: string): Promise<Result<void, string>> {
    const before = this.#said;
    const line = this.#note(status);
    if (line === before) return DONE;
    const told = await this.#tell(line);
    // What did not arrive is told again.
    if (!told.ok && this.#said === line) this.#said = "";
    return told;
  }

  /** A reload starts; ready() ends it. */
  reloading(): Promise<Result<void, string>> {
    const time = this.#useLibc ? [`MONOTONIC_USEC=${monotonicUsec()}`] : [];
    return this.#tell("RELOADING=1", ...time);
  }

  /** The service is on its way out. */
  stopping(status: string): Promise<Result<void, string>> {
    return this.#tell("STOPPING=1", this.#note(status));
  }

  /** The event loop turns; due every `watchdogMs`. */
  watchdog(): Promise<Result<void, string>> {
    return this.#tell("WATCHDOG=1");
  }

  #note(status: string): string {
    return (this.#said = statusLine(status));
  }

  /** Whether somebody is told. */
  get listens(): boolean {
    return (this.#env.NOTIFY_SOCKET ?? "") !== "";
  }

  async #tell(...lines: readonly string[]): Promise<Result<void, string>> {
    const address = this.#env.NOTIFY_SOCKET ?? "";
    if (address === "") return DONE;
    if (!/^[/@]./.test(address))
      return err(`NOTIFY_SOCKET is ${JSON.stringify(address)}, neither a path nor @NAME`);
    if (this.#useLibc) return sendDatagram(address, lines.join("\n"));
    return runSystemdNotify(address, this.#env.PATH, lines);
  }
}

/** Source: systemd-notify(1); --no-block because the manager's answer is of no use here. */
async function runSystemdNotify(
  address: string,
  path: string | undefined,
  lines: readonly string[],
): Promise<Result<void, string>> {
  const env = { NOTIFY_SOCKET: address, ...(path !== undefined && { PATH: path }) };
  const ended = await runCommand(["systemd-notify", "--no-block", ...lines], { limitMs: PROGRAM_MS, env });
  if (!ended.ok) return err(`Cannot run systemd-notify: ${ended.error.code}`);
  return ended.value.status === 0 ? DONE : err(`systemd-notify ended with status ${ended.value.status}`);
}

/** A line feed would start another assignment. */
function statusLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return `STATUS=${text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").slice(0, MAX_STATUS)}`;
}
