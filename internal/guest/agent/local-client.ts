// The agent's socket from a program's side.

import { parseJson } from "../../values/json.ts";
import { err, ok, type Result } from "../../values/result.ts";

/** Where the agent and those who ask it meet, when nobody says otherwise. */
export const DEFAULT_SOCKET = "/run/vmpower-guest.sock";

/** How long an agent may take by itself, in ms: its other programs have their turns. */
export const AGENT_MS = 5000;

/** A connection to a running agent. */
export interface AgentClient {
  /**
   * Sends one line and returns the object that answers it. Errors: a sentence, when the agent went or says no JSON.
   * @param deadlineMs how long the answer may take; 5 s where the agent needs nothing of the host for it
   */
  ask(line: object, deadlineMs?: number): Promise<Result<Readonly<Record<string, unknown>>, string>>;
  close(): void;
}

/** Connects to the agent that listens at `path`; undefined when none does, or when this user may not ask it. */
export async function connectAgent(path: string): Promise<AgentClient | undefined> {
  let text = "";
  let waiting: ((line: string | undefined) => void) | undefined;
  const decoder = new TextDecoder();
  const hear = (line: string | undefined): void => {
    const take = waiting;
    waiting = undefined;
    take?.(line);
  };
  let socket: Bun.Socket;
  try {
    socket = await Bun.connect({
      unix: path,
      socket: {
        data(_socket, bytes) {
          text += decoder.decode(bytes, { stream: true });
          const end = text.indexOf("\n");
          if (end < 0) return;
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          hear(line);
        },
        close: () => hear(undefined),
      },
    });
  } catch {
    return undefined;
  }
  return {
    async ask(line, deadlineMs = AGENT_MS) {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      waiting = resolve;
      socket.write(`${JSON.stringify(line)}\n`);
      const timer = setTimeout(() => hear(undefined), deadlineMs);
      const answer = await promise;
      clearTimeout(timer);
      const quoted = JSON.stringify(path);
      if (answer === undefined) return err(`The agent at ${quoted} did not answer within ${deadlineMs} ms.`);
      const said = parseJson(answer);
      if (typeof said === "object" && said !== null) return ok(said as Readonly<Record<string, unknown>>);
      return err(
        `What listens at ${quoted} is no agent: it answered ${JSON.stringify(answer.slice(0, 80))}.`,
      );
    },
    close: () => void socket.end(),
  };
}
