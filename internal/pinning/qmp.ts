// vCPU threads, and whether they stand still, as QEMU's own monitor tells them: for QEMUs that don't name their threads.

import * as v from "valibot";
import { codeOf } from "../os/error-code.ts";
import { parseJson } from "../values/json.ts";
import { err, ok, type Result } from "../values/result.ts";

/** A vCPU and the host thread that runs it. */
interface VcpuThread {
  readonly vcpu: number;
  readonly threadId: number;
}

/** A VM as its monitor sees it. */
export interface MonitoredVm {
  /** By vCPU. */
  readonly threads: readonly VcpuThread[];
  /** Whether its vCPUs stand still. */
  readonly paused: boolean;
}

/** How long and how much a monitor may talk. */
export interface QmpBounds {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const BOUNDS: QmpBounds = { timeoutMs: 1000, maxBytes: 1 << 20 };
/** Our questions' ids: answers to others' questions and events are passed over. */
const ID = "powermon";
const STATUS_ID = "powermon-status";
/** Answers come in the order of the questions. */
const ASK = [
  { execute: "qmp_capabilities" },
  { execute: "query-status", id: STATUS_ID },
  { execute: "query-cpus-fast", id: ID },
]
  .map((question) => `${JSON.stringify(question)}\r\n`)
  .join("");

/** Most vCPUs that are believed. Source: QEMU hw/i386/pc_q35.c, max_cpus of the newest machines. */
const MAX_VCPUS = 4096;

// Source: QEMU qapi/machine.json, CpuInfoFast, and docs/interop/qmp-spec.
const index = v.pipe(v.number(), v.integer(), v.minValue(0));
const cpu = v.object({ "cpu-index": index, "thread-id": v.pipe(index, v.minValue(1)) });
const answerSchema = v.object({ id: v.literal(ID), return: v.pipe(v.array(cpu), v.maxLength(MAX_VCPUS)) });
// Source: QEMU qapi/run-state.json, StatusInfo.
const statusSchema = v.object({ id: v.literal(STATUS_ID), return: v.object({ running: v.boolean() }) });
const ourSchema = v.object({ id: v.literal(ID) });
const errorSchema = v.object({ error: v.object({ desc: v.string() }) });
const greetingSchema = v.object({ QMP: v.object({}) });

/**
 * Asks QEMU's monitor at the unix socket `path` for its vCPU threads and whether they run; connects anew and closes.
 * Errors: one sentence. A monitor serves one client at a time, so one that libvirt holds stays silent until the time is up.
 * Source: QEMU qapi/machine.json, query-cpus-fast.
 */
export async function queryVm(
  path: string,
  bounds: QmpBounds = BOUNDS,
): Promise<Result<MonitoredVm, string>> {
  const failed = (why: string) => err(`Cannot ask QEMU's monitor ${JSON.stringify(path)}: ${why}`);
  const answer = Promise.withResolvers<Result<MonitoredVm, string>>();
  const talk = new Conversation();
  const timer = setTimeout(
    () => answer.resolve(failed(`${talk.lacking} within ${bounds.timeoutMs} ms`)),
    bounds.timeoutMs,
  );
  const decoder = new TextDecoder();
  let pending = "";
  let taken = 0;
  const connecting = Bun.connect({
    unix: path,
    socket: {
      data(socket, bytes) {
        taken += bytes.length;
        if (taken > bounds.maxBytes)
          return answer.resolve(failed(`it said more than ${bounds.maxBytes} bytes`));
        const lines = (pending + decoder.decode(bytes, { stream: true })).split("\n");
        pending = lines.pop() ?? "";
        for (const line of lines) {
          const next = talk.hear(line);
          if (!next.ok) answer.resolve(failed(next.error));
          else if (next.value === "ask") socket.write(ASK);
          else if (next.value !== "wait") answer.resolve(ok(next.value));
        }
      },
      close: () => answer.resolve(failed("it hung up")),
      error: (_, cause) => answer.resolve(failed(String(cause))),
    },
  });
  // Closed even when it opens after the time is up: an open connection would keep the monitor from everybody else.
  connecting.then(
    (socket) => answer.promise.then(() => socket.end()),
    (cause: unknown) => answer.resolve(failed(codeOf(cause))),
  );
  const result = await answer.promise;
  clearTimeout(timer);
  return result;
}

/** What is said line by line: a greeting, then answers and events in any order. Source: QEMU docs/interop/qmp-spec. */
class Conversation {
  #greeted = false;
  #paused = false;

  /** What is missing so far. */
  get lacking(): string {
    return this.#greeted
      ? "it did not answer"
      : "it serves one client at a time and may be held by another: it did not greet";
  }

  /** Returns what to do after `line`: ask, wait for more, or take the answer. */
  hear(line: string): Result<"ask" | "wait" | MonitoredVm, string> {
    const said = parseJson(line);
    if (!this.#greeted) {
      this.#greeted = v.is(greetingSchema, said);
      return this.#greeted ? ok("ask") : err("it is no QMP monitor");
    }
    if (v.is(errorSchema, said)) return err(said.error.desc);
    if (v.is(statusSchema, said)) this.#paused = !said.return.running;
    if (!v.is(ourSchema, said)) return ok("wait");
    const answer = v.safeParse(answerSchema, said);
    if (!answer.success) return err(`its answer is not query-cpus-fast's: ${v.summarize(answer.issues)}`);
    const threads = answer.output.return.map((one) => ({
      vcpu: one["cpu-index"],
      threadId: one["thread-id"],
    }));
    return ok({ threads: threads.sort((a, b) => a.vcpu - b.vcpu), paused: this.#paused });
  }
}
