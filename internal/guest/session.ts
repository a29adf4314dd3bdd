// One request, one reply, one deadline: without it an answer that came late would be taken for the next request's.

import { type AnswerOf, type AskOf, EXTENSION_VERSION, type No, type Notice } from "../values/extension.ts";
import { formatCpuList } from "../values/cpulist.ts";
import { decodeReply } from "../packet/reply.ts";
import { isNotice } from "../packet/notice.ts";
import { ReplyCutter } from "../packet/reply-frame.ts";
import { encodeRequest } from "../packet/request.ts";
import type { Reply, Request } from "../values/request.ts";
import { DONE, err, ok, type Result } from "../values/result.ts";
import type { GuestFailure } from "./failure.ts";
import { openPort } from "./open-port.ts";
import type { Port } from "./port.ts";

/** What a guest can ask and be answered. */
export type Question = Extract<
  Request,
  { kind: "scale" | "query-freq" | "query-caps" | "policy" | "extension" }
>;

const GENERATION = "18.11";

/**
 * Where a request carries its stamp: vfid[0], which nobody reads in a CPU_POWER request, or in a policy the padding at the end. An
 * ACK or NACK is the request's own bytes with `command` replaced, so the stamp comes back and tells this answer from an older one's.
 * Source: DPDK rte_power_guest_channel.h, struct rte_power_channel_packet.
 */
const STAMP = { at: 48, bytes: 8 } as const;
const POLICY_STAMP = { at: 457, bytes: 7 } as const;
/** A host writes each reply in one write, so what follows so long a silence, in ms, is the start of a reply. */
const SILENCE_MS = 100;
/** More than a channel can hold (about 700 KB in QEMU): a host that never stops sending must not keep a request from being sent. */
const DRAIN_BYTES = 1 << 20;

/** As whom a program speaks. */
export interface Speaker {
  /** This VM as the host knows it; empty for none. */
  readonly vmName: string;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

/**
 * Opens a port and says CONNECT, the first thing a v1 host wants to hear and never answers.
 * Errors: those of openPort(); absent-host; write-failed.
 */
export async function openSession(
  portName: string,
  speaker: Speaker,
): Promise<Result<Session, GuestFailure>> {
  const port = await openPort(portName);
  if (!port.ok) return port;
  const session = new Session(port.value, speaker);
  const greeted = session.greet();
  if (greeted.ok) return ok(session);
  session.close();
  return greeted;
}

/** A channel in use by one program, which asks one thing at a time. */
export class Session {
  /** Takes what the host says unasked; until it is set, that is dropped. */
  onNotice: ((notice: Notice) => void) | undefined;
  /** How long an answer may take, in ms, where nothing else is said with the question. */
  patienceMs: number;
  readonly #port: Port;
  readonly #speaker: Speaker;
  readonly #cutter = new ReplyCutter();
  #receivedAt = 0;
  #asking = false;
  /** Number of the last HELLO, while its answer is owed. */
  #greeting: number | undefined;
  #late: AnswerOf<"hello"> | undefined;
  #sequence = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

  constructor(port: Port, speaker: Speaker) {
    this.#port = port;
    this.#speaker = speaker;
    this.patienceMs = speaker.timeoutMs;
  }

  /** What the last HELLO was answered after its deadline; undefined while it was not. */
  get late(): AnswerOf<"hello"> | undefined {
    return this.#late;
  }

  /** Drops what an earlier program left unread, and says CONNECT. Errors: absent-host, read-failed, write-failed. */
  greet(): Result<void, GuestFailure> {
    const drained = this.drain();
    if (!drained.ok) return drained;
    this.#cutter.reset();
    return this.#port.write(encodeRequest({ kind: "connect" }, GENERATION));
  }

  /**
   * Sends `question` and returns the host's answer to it; a NACK is the failure `refused`. Answers to anything older are dropped.
   * A list answers any query of its kind: DPDK's host leaves the other fields of its head unset.
   * Errors: absent-host, no-answer after `timeoutMs`, refused, read-failed, write-failed.
   */
  async ask(question: Question, timeoutMs = this.patienceMs): Promise<Result<Reply, GuestFailure>> {
    if (this.#asking) throw new Error("a session asks one thing at a time");
    this.#asking = true;
    try {
      return await this.#exchange(question, timeoutMs);
    } finally {
      this.#asking = false;
    }
  }

  /**
   * Says HELLO. An answer that comes after the deadline is in `late`. Errors: those of say().
   * @param more what is wanted beside claims without an end: a lease in seconds, notices
   */
  async hello(vcpu: number, more: Partial<AskOf<"hello">> = {}, timeoutMs?: number) {
    this.#late = undefined;
    const asking = this.say({ do: "hello", version: EXTENSION_VERSION, leaseS: 0, ...more }, vcpu, timeoutMs);
    const sequence = this.#sequence;
    const said = await asking;
    this.#greeting = !said.ok && said.error.kind === "no-answer" ? sequence : undefined;
    return said;
  }

  /**
   * Says anything of the extension and returns the answer. A DPDK host ignores it; so far does one that is late.
   * Errors: those of ask(); a no with its sentence is refused, host-failed, host-too-old, no-meter or not-understood.
   */
  async say<A extends AskOf>(
    what: A,
    vcpu: number,
    timeoutMs?: number,
  ): Promise<Result<AnswerOf<A["do"]>, GuestFailure>> {
    this.#sequence = (this.#sequence + 1) >>> 0;
    const { vmName } = this.#speaker;
    const reply = await this.ask(
      { kind: "extension", vcpu, vmName, physical: false, sequence: this.#sequence, ask: what },
      timeoutMs,
    );
    if (!reply.ok) return reply;
    const answer = reply.value.kind === "extension" ? reply.value.answer : undefined;
    if (answer?.do === what.do) return ok(answer as AnswerOf<A["do"]>);
    const port = this.#port.name;
    if (answer?.do !== "no") {
      return err({ kind: "not-understood", port, text: "the answer is to something else" });
    }
    return err(noFailure(port, vcpu, answer));
  }

  /** Sends a request that v1 never answers. Errors: absent-host, read-failed, write-failed. */
  tell(request: Extract<Request, { kind: "policy-remove" }>): Result<void, GuestFailure> {
    const drained = this.drain();
    return drained.ok ? this.#port.write(encodeRequest(request, GENERATION)) : drained;
  }

  close(): void {
    this.#port.close();
  }

  async #exchange(question: Question, timeoutMs: number): Promise<Result<Reply, GuestFailure>> {
    const port = this.#port;
    const drained = this.drain();
    if (!drained.ok) return drained;
    const frame = encodeRequest(question, GENERATION);
    const stamp = question.kind === "scale" ? STAMP : question.kind === "policy" ? POLICY_STAMP : undefined;
    if (stamp !== undefined) crypto.getRandomValues(frame.subarray(stamp.at, stamp.at + stamp.bytes));
    const sent = port.write(frame);
    if (!sent.ok) return sent;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const bytes = port.read();
      if (!bytes.ok) return bytes;
      let answer: Reply | undefined;
      this.#cut(bytes.value, (reply) => {
        answer ??= answerTo(question, frame, reply);
      });
      if (answer?.kind === "nack") return err(refusalOf(port.name, question));
      if (answer !== undefined) return ok(answer);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const asked = question.kind.startsWith("query") ? "query" : "scale";
        return err({ kind: "no-answer", port: port.name, asked, timeoutMs });
      }
      await port.wait(leftMs);
    }
  }

  /** Reads what waits and drops it, frame by frame: half a frame stays, so that its rest is not taken for a new one. */
  drain(): Result<void, GuestFailure> {
    let drained = 0;
    while (drained < DRAIN_BYTES) {
      const bytes = this.#port.read();
      if (!bytes.ok) return bytes;
      if (bytes.value.length === 0) break;
      drained += bytes.value.length;
      this.#cut(bytes.value, () => {});
    }
    return DONE;
  }

  #cut(bytes: Uint8Array, sink: (reply: Uint8Array) => void): void {
    if (bytes.length === 0) return;
    const now = performance.now();
    if (now - this.#receivedAt > SILENCE_MS) this.#cutter.reset();
    this.#receivedAt = now;
    this.#cutter.push(bytes, (reply) => {
      const said = this.onNotice && isNotice(reply) ? decodeReply(reply) : undefined;
      if (said?.kind === "notice") this.onNotice?.(said.notice);
      else if (this.#greeting === undefined || !this.#isLate(reply)) sink(reply);
    });
  }

  /** Keeps `reply` when it is the owed answer to HELLO. */
  #isLate(reply: Uint8Array): boolean {
    const said = decodeReply(reply);
    if (said.kind !== "extension" || said.sequence !== this.#greeting || said.answer.do !== "hello")
      return false;
    this.#late = said.answer;
    this.#greeting = undefined;
    return true;
  }
}

/** Returns `reply` decoded when it answers `question`, sent as `frame`; undefined when it is somebody else's. */
function answerTo(question: Question, frame: Uint8Array, reply: Uint8Array): Reply | undefined {
  const decoded = decodeReply(reply);
  switch (decoded.kind) {
    case "malformed":
    case "notice":
      return undefined;
    case "ack":
    case "nack":
      // A query is answered by what was asked for, and an ACK has nothing of it.
      if (decoded.kind === "ack" && question.kind.startsWith("query")) return undefined;
      return sameStamp(question.kind === "policy" ? POLICY_STAMP : STAMP, frame, reply) ? decoded : undefined;
    case "extension":
      return question.kind === "extension" && decoded.sequence === question.sequence ? decoded : undefined;
    case "freq-list":
      return question.kind === "query-freq" ? decoded : undefined;
    case "caps-list":
      return question.kind === "query-caps" ? decoded : undefined;
  }
}

function sameStamp(
  { at, bytes }: { readonly at: number; readonly bytes: number },
  frame: Uint8Array,
  reply: Uint8Array,
): boolean {
  for (let i = at; i < at + bytes; i++) if (frame[i] !== reply[i]) return false;
  return true;
}

/** Returns the failure that a NACK is: it has no reason, and of a policy no vCPU either. */
function refusalOf(port: string, question: Question): GuestFailure {
  if (question.kind !== "policy") return { kind: "refused", port, vcpu: question.vcpu };
  const { vcpus } = question.policy;
  const about = `the policy for vCPU${vcpus.length === 1 ? "" : "s"} ${formatCpuList(vcpus)}`;
  return { kind: "refused", port, vcpu: vcpus[0] ?? question.vcpu, about };
}

/** Returns the failure that a host's no is. */
function noFailure(port: string, vcpu: number, { no, text }: No): GuestFailure {
  switch (no) {
    case "failed":
      return { kind: "host-failed", port, text };
    case "unknown-command":
      return { kind: "host-too-old", port };
    case "no-meter":
      return { kind: "no-meter", port, text };
    case "bad-value":
    case "no-hello":
      return { kind: "not-understood", port, text };
    default:
      return { kind: "refused", port, vcpu, text };
  }
}
