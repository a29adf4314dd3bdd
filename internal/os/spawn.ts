// Other programs as children with limits: a stuck D-Bus or libvirtd must not hold powermon, and one that prints without end must not fill it.

import { basename } from "node:path";
import { err, ok, type Result } from "../values/result.ts";
import { codeOf } from "./error-code.ts";

/** What a program ended with. */
export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program may take. */
export interface RunLimits {
  readonly limitMs: number;
  /** Most bytes of each of its outputs, 1 MiB unless given. */
  readonly maxBytes?: number;
  /** Variables beside LC_ALL and PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it before its time: it is not wanted any more. */
  readonly signal?: AbortSignal | undefined;
  /** Told the number of the process. */
  started?(pid: number): void;
}

/** Why a program did not end by itself. */
interface NotEnded {
  /** ENOENT when there is no such program, ETIMEDOUT, ECANCELED, ENOBUFS when it printed too much, or what else starting it failed with. */
  readonly code: string;
  /** The same as a sentence's end. */
  readonly says: string;
}

/** Runs the program argv[0] of the PATH with the words that follow. */
export type Run = (argv: readonly string[], limits: RunLimits) => Promise<Result<Ended, NotEnded>>;

const MAX_BYTES = 1 << 20;
/** Of what a program complains, this much is told, in characters. */
const MAX_COMPLAINT = 300;

/** Returns the environment that other programs get: messages are the same everywhere, and nothing of ours is told. */
export const plainEnv = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  LC_ALL: "C",
  PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
  ...more,
});

/**
 * Runs a program with no terminal and no input. It has a session of its own: when it has ended, or is over a limit, whatever it
 * started is killed with it. Who has left that session is not waited for beyond the limit, though it may hold the outputs.
 */
export const runCommand: Run = async (argv, limits) => {
  const { limitMs, maxBytes = MAX_BYTES, env, signal } = limits;
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([...argv], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
      env: plainEnv(env),
    });
  } catch (cause) {
    return err(notStarted(argv, cause));
  }
  limits.started?.(child.pid);
  const over = Promise.withResolvers<"late" | "too much" | "not wanted">();
  const timer = setTimeout(() => over.resolve("late"), limitMs);
  const aborted = () => over.resolve("not wanted");
  signal?.addEventListener("abort", aborted);
  const outputs = [child.stdout, child.stderr].map((stream) =>
    readUpTo(stream, maxBytes, () => over.resolve("too much")),
  );
  void child.exited.then(() => killGroup(child.pid));
  const ending = Promise.all([child.exited, ...outputs.map(({ done }) => done)]);
  const why = await Promise.race([ending.then(() => undefined), over.promise]);
  clearTimeout(timer);
  signal?.removeEventListener("abort", aborted);
  const status = child.exitCode;
  if (why !== undefined) {
    killGroup(child.pid);
    // The kernel may not let it end.
    child.unref();
  }
  for (const { stop } of outputs) stop();
  if (why === "too much") return err(tooMuch(argv, maxBytes));
  if (why === "not wanted") return err({ code: "ECANCELED", says: "it is not wanted any more" });
  if (why === "late" && status === null) return err(late(argv, limitMs));
  const [stdout = "", stderr = ""] = outputs.map(({ text }) => text());
  return ok({ status: status ?? (await child.exited), stdout, stderr });
};

/** Returns what a program complained about, in one line, or the status that it ended with. */
export function complaint(program: string, { status, stderr }: Ended): string {
  const said = stderr
    .replaceAll(/^error:\s*/gm, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
  return said.slice(0, MAX_COMPLAINT) || `${basename(program)} ended with status ${status}`;
}

/** Reads a child's output; done resolves at its end, or with stop(), which closes it. */
function readUpTo(stream: ReadableStream<Uint8Array>, maxBytes: number, over: () => void) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let taken = 0;
  const read = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      taken += value.length;
      if (taken > maxBytes) return over();
      text += decoder.decode(value, { stream: true });
    }
  };
  return {
    done: read(),
    stop: () => void reader.cancel().catch(() => {}),
    text: () => text + decoder.decode(),
  };
}

function notStarted([program = ""]: readonly string[], cause: unknown): NotEnded {
  const code = codeOf(cause);
  return { code, says: code === "ENOENT" ? `there is no ${program}` : `${program} does not start: ${code}` };
}

const late = ([program = ""]: readonly string[], limitMs: number): NotEnded => ({
  code: "ETIMEDOUT",
  says: `${basename(program)} took longer than ${limitMs} ms`,
});

const tooMuch = ([program = ""]: readonly string[], maxBytes: number): NotEnded => ({
  code: "ENOBUFS",
  says: `${basename(program)} printed more than ${maxBytes} bytes`,
});

/** Ends every process of the group that `pid` leads. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of it is left.
  }
}
