// Asking a running powermon: every command goes through here, so that all of them fail in the same words.

import * as v from "valibot";
import { formatCpuList } from "../values/cpulist.ts";
import { err, ok, type Result } from "../values/result.ts";
import * as answer from "../api/answer.ts";
import type { Answer } from "../api/answer.ts";
import { readEvents } from "./event-reader.ts";
import type { ChannelList, FreqTarget, HappenedEvent, Problem, VmChange } from "../api/operations.ts";
import * as powerAnswer from "../api/power-answer.ts";
import type { SuspendAsk } from "../api/power-operations.ts";
import { CODES } from "../api/problem.ts";
import { wrongSocketPath } from "../os/unix-socket.ts";

/** Why something asked for was not done: powermon's own reason, or that there is none to ask. */
export interface ControlError {
  readonly code: Problem["code"] | "no-answer" | "forbidden";
  readonly message: string;
}

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

  status() {
    return this.#ask("GET", ["status"], answer.status);
  }
  vms() {
    return this.#ask("GET", ["vms"], answer.vms);
  }
  vm(name: string) {
    return this.#ask("GET", ["vms", name], answer.vm);
  }
  addVm(name: string) {
    return this.#ask("PUT", ["vms", name], answer.done);
  }
  removeVm(name: string) {
    return this.#ask("DELETE", ["vms", name], answer.done);
  }
  changeVm(name: string, change: VmChange, save: boolean) {
    return this.#ask("PATCH", ["vms", name], answer.vm, { ...change, save });
  }
  pinVcpu(vm: string, vcpu: number, pcpus: readonly number[]) {
    return this.#ask("PUT", ["vms", vm, "vcpus", String(vcpu), "pin"], answer.vcpu, { pcpus });
  }
  channels() {
    return this.#ask("GET", ["channels"], answer.channels);
  }
  addChannels(vm: string, channels: ChannelList) {
    return this.#ask("PUT", ["vms", vm, "channels", listed(channels)], answer.channels);
  }
  removeChannels(vm: string, channels: ChannelList) {
    return this.#ask("DELETE", ["vms", vm, "channels", listed(channels)], answer.done);
  }
  enableChannels(vm: string, channels: ChannelList, enabled: boolean) {
    return this.#ask("PATCH", ["vms", vm, "channels", listed(channels)], answer.done, { enabled });
  }
  freq(cpus: readonly number[] | "all") {
    return this.#ask("GET", ["freq", listed(cpus)], answer.freqs);
  }
  setFreq(cpus: readonly number[], target: FreqTarget) {
    return this.#ask("PUT", ["freq", listed(cpus)], answer.freqs, { target });
  }
  releaseFreq(cpus: readonly number[] | "all") {
    return this.#ask("DELETE", ["freq", listed(cpus)], answer.freqs);
  }
  explain(cpu: number) {
    return this.#ask("GET", ["explain", String(cpu)], answer.explained);
  }
  live() {
    return this.#ask("GET", ["live"], answer.live);
  }
  policies() {
    return this.#ask("GET", ["policies"], answer.policies);
  }
  policy(vm: string) {
    return this.#ask("GET", ["vms", vm, "policy"], answer.policies);
  }
  /** `policy` is one as [vm.NAME.policy] of the configuration has it. */
  setPolicy(vm: string, policy: object, save: boolean) {
    return this.#ask("PUT", ["vms", vm, "policy"], answer.policies, { policy, save });
  }
  removePolicy(vm: string, save: boolean) {
    return this.#ask("DELETE", ["vms", vm, "policy"], answer.done, { save });
  }
  capabilities() {
    return this.#ask("GET", ["capabilities"], powerAnswer.capabilities);
  }
  profiles() {
    return this.#ask("GET", ["profiles"], powerAnswer.profiles);
  }
  /** `cpus` limits it to a list, all, isolated, housekeeping or vm:NAME. */
  applyProfile(name: string, cpus: string | undefined, dryRun: boolean) {
    return this.#ask("PUT", ["profile"], powerAnswer.applied, { name, cpus, dryRun });
  }
  profileOff() {
    return this.#ask("DELETE", ["profile"], powerAnswer.off);
  }
  verifyProfile() {
    return this.#ask("GET", ["profile", "verify"], powerAnswer.state);
  }
  /** Resolves when the host is awake again. */
  suspend({ wake, ...rest }: SuspendAsk) {
    const end = wake === "none" ? { wake } : "inS" in wake ? { durationS: wake.inS } : { until: wake.at };
    return this.#ask("POST", ["suspend"], powerAnswer.suspended, { ...rest, ...end }, NO_LIMIT);
  }
  resumed() {
    return this.#ask("POST", ["resumed"], answer.done);
  }
  reload() {
    return this.#ask("POST", ["reload"], answer.reloaded);
  }

  /** Returns all metrics in Prometheus' text format. */
  metrics(): Promise<Result<string, ControlError>> {
    return this.#askText("GET", "/metrics", undefined);
  }

  /** Yields what happens from now on; ends with the error that ended it, which is `no-answer` when powermon stops. */
  async *events(): AsyncGenerator<HappenedEvent, ControlError> {
    const opened = await this.#send("GET", pathOf(["events"]), undefined, undefined);
    if (!opened.ok) return opened.error;
    const { body, status } = opened.value;
    if (status !== 200 || body === null) return errorOf(status, await opened.value.text());
    try {
      for await (const data of readEvents(body)) {
        const event = this.#parse(answer.happened, data);
        if (!event.ok) return event.error;
        yield event.value;
      }
    } catch {
      // The connection broke: told as any other end.
    }
    return { code: "no-answer", message: `powermon on ${this.#socket} ended the stream of events.` };
  }

  async #ask<T>(
    method: string,
    path: readonly string[],
    schema: Answer<T>,
    body?: object,
    timeoutMs?: number,
  ): Promise<Result<T, ControlError>> {
    const text = await this.#askText(method, pathOf(path), body, timeoutMs);
    return text.ok ? this.#parse(schema, text.value) : text;
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
  ): Promise<Result<Response, ControlError>> {
    const wrong = wrongSocketPath(this.#socket);
    if (wrong !== undefined) return err({ code: "invalid", message: `${wrong}; name powermon's socket.` });
    try {
      return ok(
        await fetch(`http://powermon${path}`, {
          method,
          unix: this.#socket,
          // Each command asks once.
          keepalive: false,
          redirect: "manual",
          ...(body !== undefined && {
            body: JSON.stringify(body),
            headers: { "content-type": "application/json" },
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
        message: `You may not use ${this.#socket}: run this as root, or be in the group that owns it (powermon by default).`,
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

  #parse<T>(schema: Answer<T>, text: string): Result<T, ControlError> {
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = undefined;
    }
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

function pathOf(parts: readonly string[]): string {
  return `/v1/${parts.map(encodeURIComponent).join("/")}`;
}

function listed(list: readonly number[] | "all"): string {
  return list === "all" ? list : formatCpuList(list);
}

function errorOf(status: number, text: string): ControlError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const parsed = v.safeParse(answer.failed, body);
  if (!parsed.success) return { code: "failed", message: `powermon answered with HTTP status ${status}.` };
  const { code, message } = parsed.output.error;
  return { code: CODES.find((known) => known === code) ?? "failed", message };
}
