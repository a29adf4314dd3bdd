// One server and one client on a fresh set of channels: every figure of the bench comes from such a session.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCores, readUsage, type Usage } from "./usage.ts";

/** What the client prints after each command; latencies in microseconds. */
export interface Answers {
  readonly sent: number;
  readonly acked: number;
  readonly wrong: number;
  readonly missing: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Makes the command line that serves the channels in `dir`. */
export type Server = (dir: string, vms: number, channelsPerVm: number) => string[];

/** A client's command, carried out, with what the server paid for it. */
export interface Drive {
  readonly answers: Answers;
  /** The server's CPU time in microseconds per answer. */
  readonly cpuUs: number;
}

/** No session takes longer; what hangs is killed. */
const SESSION_LIMIT_MS = 120_000;

/** A running session. */
export interface Session {
  /** Sends the client one command (see client.c) and waits until it is done. */
  drive(command: string): Promise<Drive>;
  /** Returns the server's usage so far. */
  usage(): Usage;
}

/** A wrong or missing reply, or a side that left: the one thing that fails a bench. */
export class BadReplies extends Error {}

/**
 * Starts client and server on vms x channelsPerVm channels under `scratch`, each on its own core where there are two,
 * runs `body`, and ends both. Throws BadReplies when a reply was wrong or missing, or when a side left.
 */
export async function session(
  scratch: string,
  client: string,
  server: Server,
  vms: number,
  channelsPerVm: number,
  body: (session: Session) => Promise<void>,
): Promise<void> {
  const dir = join(scratch, "channels");
  const log = join(scratch, "stderr.log");
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  writeFileSync(log, "");
  const left = (who: string) => {
    throw new BadReplies(`The ${who} left: ${readFileSync(log, "utf8").trim().slice(0, 2000)}`);
  };
  const bounded = { stderr: Bun.file(log), timeout: SESSION_LIMIT_MS, killSignal: "SIGKILL" } as const;
  const cores = readCores();
  const guest = Bun.spawn(onCore(cores.first, [client, dir, String(vms), String(channelsPerVm)]), {
    ...bounded,
    stdin: "pipe",
    stdout: "pipe",
  });
  const said = lines(guest.stdout);
  const next = async (): Promise<string> => (await said.next()).value ?? left("client");
  await next(); // "listening"
  const host = Bun.spawn(onCore(cores.last, server(dir, vms, channelsPerVm)), {
    ...bounded,
    stdin: "ignore",
    stdout: "ignore",
  });
  const gone = host.exited.then(() => left("server"));
  gone.catch(() => {}); // when the session is over it goes in good order
  try {
    await Promise.race([next(), gone]); // "ready"
    const usage = (): Usage => readUsage(host.pid);
    const drive = async (command: string): Promise<Drive> => {
      const before = usage();
      guest.stdin.write(`${command}\n`);
      guest.stdin.flush();
      const answers = JSON.parse(await Promise.race([next(), gone])) as Answers;
      if (answers.wrong > 0 || answers.missing > 0)
        throw new BadReplies(
          `"${command}": ${answers.wrong} replies wrong, ${answers.missing} of ${answers.sent} missing`,
        );
      return { answers, cpuUs: (usage().cpuNs - before.cpuNs) / 1000 / answers.acked };
    };
    await body({ drive, usage });
  } finally {
    guest.stdin.end();
    host.kill("SIGTERM");
    await Promise.all([guest.exited, host.exited]);
  }
}

/** Returns `argv` bound to `core`, or as it is without taskset or a second core. */
export function onCore(core: string, argv: string[]): string[] {
  const { first, last } = readCores();
  return first !== last && Bun.which("taskset") !== null ? ["taskset", "-c", core, ...argv] : argv;
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const chunk of stream) {
    const parts = (held + decoder.decode(chunk, { stream: true })).split("\n");
    held = parts.pop() ?? "";
    yield* parts;
  }
  return undefined;
}
