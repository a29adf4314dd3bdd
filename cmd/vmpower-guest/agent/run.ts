// The agent from its start to its exit status: everything is put together and taken apart here.

import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { Agent } from "../../../internal/guest/agent/agent.ts";
import type { Holder } from "../../../internal/guest/agent/book.ts";
import { readCpuTimes } from "../../../internal/guest/agent/governor/cpu-times.ts";
import { Governor } from "../../../internal/guest/agent/governor/governor.ts";
import { Telemetry } from "../../../internal/guest/agent/governor/telemetry.ts";
import { answerLocal, type AnswerRules } from "../../../internal/guest/agent/local-answer.ts";
import { parseLocalAsk } from "../../../internal/guest/agent/local-ask.ts";
import { type Client, refusal, serveLocal } from "../../../internal/guest/agent/local-server.ts";
import { Notifier, type NotifyEnv } from "../../../internal/daemon/notify.ts";
import type { Log } from "../../../internal/log.ts";
import { untilEnd } from "../../../internal/os/end-signals.ts";
import { leave, leaveWithin } from "../../../internal/os/leave.ts";
import { libcProblem } from "../../../internal/os/libc.ts";
import { parseJson } from "../../../internal/values/json.ts";
import type { AgentConfig } from "./config.ts";

/** What still holds on this long after all claims were given up, in ms, is left behind. */
const LEAVE_MS = 800;
/** How often systemd is told of ports and programs where they changed, in ms: as often as new ports are looked for. */
const STATUS_MS = 5000;

/** Serves until SIGTERM, SIGINT or SIGHUP. Returns the exit status. */
export async function runAgent(config: AgentConfig, procRoot: string, log: Log): Promise<Status> {
  let telemetry: Telemetry | undefined;
  if (config.governors.some(({ type }) => type === "busy")) {
    const problem = libcProblem();
    if (problem !== undefined) {
      log.error(
        `Governor "busy" is not available: DPDK's telemetry is a SOCK_SEQPACKET socket, which needs bun:ffi, and that does not work here (${problem}). Use "load", or let the application scale by librte_power.`,
      );
      return STATUS.unsupported;
    }
    telemetry = new Telemetry(config.telemetry_dir);
  }
  const agent = new Agent({
    port: config.port,
    portDir: config.port_dir,
    vmName: config.vm_name,
    timeoutMs: config.timeout_ms,
    leaseS: config.lease_s,
    log,
  });
  const governors = config.governors.flatMap(({ type, ...its }) => {
    if (type === "none") return [];
    const read = type === "busy" && telemetry ? () => telemetry.read() : () => readCpuTimes(procRoot);
    return [new Governor(agent, its, read, log)];
  });
  const rules: AnswerRules = {
    vmName: config.vm_name,
    kept: { name: "kept", lastResort: false },
    governors: () => config.governors,
  };
  let connections = 0;
  const server = await serveLocal(config.socket, config.group, (send) =>
    client(agent, rules, { name: `connection ${++connections}`, lastResort: false }, send),
  );
  if (!server.ok) {
    log.error(server.error);
    return STATUS.failed;
  }
  const end = untilEnd({
    again: ({ signal, bug }) => {
      if (bug !== undefined) log.error(`A bug while stopping: ${bug}`);
      else log.warn("Still stopping: claims are given up first", { signal });
    },
    giveUp: () => {
      log.error("Stopped before all claims were given up; the host ends them with their lease");
      leave(STATUS.failed);
    },
  });
  await agent.start();
  for (const governor of governors) governor.start();
  const notifier = new Notifier(process.env as NotifyEnv);
  const status = () => {
    const lines = [...agent.lines];
    return `${lines.filter(({ failure }) => failure === undefined).length} of ${lines.length} ports have a host, ${server.value.clients} programs`;
  };
  log.info("Serving", { socket: config.socket, ports: [...agent.lines].length });
  await notifier.ready(status());
  const timers = notifier.listens ? [setInterval(() => void notifier.status(status()), STATUS_MS)] : [];
  if (notifier.watchdogMs !== undefined)
    timers.push(setInterval(() => void notifier.watchdog(), notifier.watchdogMs));
  const { signal, bug } = await end;
  if (bug !== undefined) log.error(`Stopping after a bug: ${bug}`);
  else log.info("Stopping", { signal });
  void notifier.stopping("Giving all claims up");
  for (const timer of timers) clearInterval(timer);
  for (const governor of governors) governor.stop();
  telemetry?.close();
  server.value.stop();
  await agent.stop();
  const ended = bug === undefined ? STATUS.done : STATUS.failed;
  leaveWithin(LEAVE_MS, ended);
  return ended;
}

/** Returns a program's connection: its lines are answered, and its claims end with it. */
function client(agent: Agent, rules: AnswerRules, holder: Holder, send: (line: object) => void): Client {
  return {
    async answer(line) {
      const said = parseJson(line);
      if (said === undefined) return refusal("The line is no JSON.");
      if (typeof said !== "object" || said === null || Array.isArray(said)) {
        return refusal('A line is one JSON object, such as {"do":"scale","vcpus":"0","step":"max"}.');
      }
      const id = "id" in said ? { id: said.id } : {};
      const asked = parseLocalAsk(said as Readonly<Record<string, unknown>>);
      if (!asked.ok) return { ...id, ...refusal(asked.error) };
      if (asked.value.do === "listen") {
        agent.listeners.add(send);
        return { ...id, ok: true, outcome: "done", message: null };
      }
      return { ...id, ...(await answerLocal(agent, rules, holder, asked.value)) };
    },
    left() {
      agent.listeners.delete(send);
      void agent.release(holder, agent.book.vcpusOf(holder));
    },
  };
}
