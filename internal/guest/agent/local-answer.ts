// What the agent answers a program: the one place where asks, claims and lines meet.

import type { Clocks } from "../../values/extension.ts";
import { explainFailure, type GuestFailure } from "../failure.ts";
import { listVcpus } from "../vcpu-list.ts";
import { MAX_V1_VCPUS } from "../../values/request.ts";
import { err, ok, type Result } from "../../values/result.ts";
import type { Agent } from "./agent.ts";
import type { Holder } from "./book.ts";
import type { Line } from "./line.ts";
import type { Talk } from "./talk.ts";
import type { LocalAsk } from "./local-ask.ts";
import { refusal } from "./local-server.ts";
import type { Wish } from "./wish.ts";

/** vCPUs that a line may name in any case; of a larger VM as many as it has CPUs or ports. */
const MOST_VCPUS = 64;

/** What answering needs beside the agent. */
export interface AnswerRules {
  readonly vmName: string;
  /** Holds the claims that outlive their connection. */
  readonly kept: Holder;
  /** What governs which vCPUs, for status. */
  governors(): readonly object[];
}

/** Returns the answer to `asked`, made for `holder`; `ok` in it is true when everything asked was done. */
export async function answerLocal(
  agent: Agent,
  rules: AnswerRules,
  holder: Holder,
  asked: Exclude<LocalAsk, { do: "listen" }>,
): Promise<object> {
  const { timeoutMs } = asked;
  switch (asked.do) {
    case "scale":
    case "set": {
      const owner = asked.keep ? rules.kept : holder;
      return await each(agent, asked.vcpus, async (vcpu) => {
        const done =
          asked.do === "scale"
            ? await agent.scale(owner, vcpu, asked.step, { timeoutMs })
            : await agent.set(owner, vcpu, asked.khz, asked.turbo, timeoutMs);
        return done.ok ? ok(clocksOf(agent.book.wish(owner, vcpu), done.value)) : done;
      });
    }
    case "release": {
      const done = await agent.release(asked.keep ? rules.kept : holder, asked.vcpus, timeoutMs);
      return { ok: done.ok, ...ended(done) };
    }
    case "freq":
    case "caps":
      return await listed(agent, rules, asked);
    case "freqs":
      return await each(agent, asked.vcpus, async (vcpu) => {
        const known = await agent.ask(vcpu, (talk) => talk.learn(vcpu), timeoutMs);
        if (!known.ok) return known;
        const { steps, nominal } = known.value;
        return ok({ khz: steps, nominal: steps[nominal] ?? null });
      });
    case "state":
      return await each(agent, asked.vcpus, (vcpu) =>
        agent.ask(
          vcpu,
          async ({ session }) => {
            const said = await session.say({ do: "state" }, vcpu);
            if (!said.ok) return said;
            const { do: _, lastNo = null, ...state } = said.value;
            return ok({ ...state, lastNo });
          },
          timeoutMs,
        ),
      );
    case "policy":
    case "policy-remove":
      return await policy(agent, rules, asked);
    case "energy":
      return await energy(agent, timeoutMs);
    case "status":
      return {
        ok: true,
        outcome: "done",
        message: null,
        ports: [...agent.lines].map((line) => portStatus(line)),
        claims: agent.book.vcpus.map((vcpu) => ({
          vcpu,
          by: agent.book
            .wishes(vcpu)
            .map(({ holder: by, wish }) => ({ program: by.name, ...wish, by: undefined })),
        })),
        governors: rules.governors(),
      };
  }
}

async function mostVcpus(agent: Agent): Promise<number> {
  const { cpus } = await import("node:os");
  return Math.max(MOST_VCPUS, [...agent.lines].length, cpus().length);
}

/** Asks for each vCPU, through different ports at once and through one port in turn, so that other programs have theirs. */
async function each(
  agent: Agent,
  vcpus: readonly number[],
  ask: (vcpu: number) => Promise<Result<object, GuestFailure>>,
): Promise<object> {
  const most = vcpus.length > MOST_VCPUS ? await mostVcpus(agent) : MOST_VCPUS;
  if (vcpus.length > most)
    return refusal(`"vcpus" names ${vcpus.length} vCPUs; for this VM a line may name ${most}.`);
  const through = new Map<string, Promise<unknown>>();
  const rows = await Promise.all(
    vcpus.map(async (vcpu) => {
      const port = agent.portOf(vcpu);
      const turn = (through.get(port) ?? Promise.resolve()).then(() => ask(vcpu));
      through.set(port, turn);
      const done = await turn;
      const data = done.ok ? done.value : {};
      return { vcpu, port, ...ended(done), ...data };
    }),
  );
  return { ok: rows.every(({ outcome }) => outcome === "done"), vcpus: rows };
}

async function listed(
  agent: Agent,
  rules: AnswerRules,
  { do: what, vcpus, timeoutMs }: Extract<LocalAsk, { do: "freq" | "caps" }>,
): Promise<object> {
  const vcpu = vcpus.find((n) => agent.lineOf(n) !== undefined) ?? vcpus[0] ?? 0;
  const more = vcpus.some((n) => n >= MAX_V1_VCPUS);
  const list = await agent.ask<{ readonly count: number; readonly entries: readonly unknown[] }>(
    vcpu,
    (talk) =>
      what === "freq"
        ? listVcpus(talk.session, "query-freq", rules.vmName, more && talk.speech === "extension", () =>
            talk.begin(),
          )
        : listVcpus(talk.session, "query-caps", rules.vmName, more && talk.speech === "extension", () =>
            talk.begin(),
          ),
    timeoutMs,
  );
  const { count, entries } = list.ok ? list.value : { count: null, entries: [] };
  return { ok: list.ok, port: agent.portOf(vcpu), ...ended(list), vmVcpus: count, entries };
}

/** Asks what is of the whole VM, through the first port that has a host. */
async function ofVm<T>(
  agent: Agent,
  timeoutMs: number | undefined,
  ask: (talk: Talk, line: Line) => Promise<Result<T, GuestFailure>>,
): Promise<{ readonly port: string; readonly done: Result<T, GuestFailure> }> {
  const lines = [...agent.lines];
  const line = lines.find(({ failure }) => failure === undefined) ?? lines[0];
  const port = line?.port ?? agent.portOf(0);
  if (line === undefined) return { port, done: err({ kind: "no-port", port }) };
  return { port, done: await line.ask((talk) => ask(talk, line), timeoutMs) };
}

async function energy(agent: Agent, timeoutMs: number | undefined): Promise<object> {
  const { port, done } = await ofVm(agent, timeoutMs, async ({ session, speech }, line) =>
    speech === "extension"
      ? await session.say({ do: "energy" }, line.vcpu ?? 0)
      : err({ kind: "host-too-old", port: line.port }),
  );
  const { do: _, ...joules } = done.ok ? done.value : NO_JOULES;
  return { ok: done.ok, port, ...ended(done), ...joules };
}

const NO_JOULES = { do: "energy", joules: null, seconds: null, periodS: null, resolutionJ: null } as const;

async function policy(
  agent: Agent,
  { vmName }: AnswerRules,
  asked: Extract<LocalAsk, { do: "policy" | "policy-remove" }>,
): Promise<object> {
  const ask = async ({ session, speech }: Talk, line: Line): Promise<Result<unknown, GuestFailure>> => {
    const vcpu = line.vcpu ?? 0;
    const head = { vcpu, vmName, physical: false } as const;
    if (speech === "v1" && vmName === "") return err({ kind: "no-name", port: line.port });
    if (asked.do === "policy") return await session.ask({ kind: "policy", ...head, policy: asked.policy });
    if (speech === "extension") return await session.say({ do: "policy-remove" }, vcpu);
    return session.tell({ kind: "policy-remove", ...head });
  };
  const { port, done } = await ofVm(agent, asked.timeoutMs, ask);
  return { ok: done.ok, port, ...ended(done) };
}

function portStatus({ port, vcpu, failure, host, tables }: Line): object {
  return {
    port,
    vcpu: vcpu ?? null,
    speech: host?.speech ?? null,
    leaseS: host?.leaseS ?? null,
    frequenciesKnown: tables.size > 0,
    outcome: failure?.kind ?? "done",
    message: failure === undefined ? null : explainFailure(failure),
  };
}

/** Returns what a program learns of its claim: its own wish, what is asked for the vCPU and what the clock is set to, null where nobody told. */
function clocksOf(wish: Wish | undefined, said: Clocks | undefined): object {
  return {
    khz: wish?.by === "khz" ? wish.khz : null,
    wishKhz: said?.wishKhz ?? null,
    targetKhz: said === undefined || said.targetKhz === 0 ? null : said.targetKhz,
  };
}

/** Returns of what happened to one request "done", or the kind of failure and its sentence. */
const ended = (done: Result<unknown, GuestFailure>) =>
  done.ok
    ? { outcome: "done", message: null }
    : { outcome: done.error.kind, message: explainFailure(done.error) };
