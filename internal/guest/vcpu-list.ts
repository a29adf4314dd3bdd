// What a host says of all vCPUs, past DPDK's eight where it can.

import { MAX_VCPU } from "../values/numbers.ts";
import { MAX_V1_VCPUS, type VcpuCaps } from "../values/request.ts";
import { patienceFor } from "./reason.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { GuestFailure } from "./failure.ts";
import type { Session } from "./session.ts";

/** What can be listed: kHz (0 where unknown), or capabilities. */
export interface Lists {
  readonly "query-freq": number;
  readonly "query-caps": VcpuCaps;
}

type Greet = () => Promise<Result<unknown, GuestFailure>>;

/** The entries by vCPU number, and how many vCPUs the host knows. */
export interface VcpuList<T> {
  readonly count: number;
  readonly entries: readonly T[];
}

/** A host that does not answer a query is asked why for no longer than this, in ms. */
const PATIENCE_MS = 100;

/**
 * Asks for all vCPUs, so that an answer means the same whichever query it belongs to. Only when DPDK's answer is full and `more` are
 * wanted the rest is asked in our own words, page by page; a host that doesn't know these says nothing and costs a short wait.
 * Errors: those of Session.ask() for the first eight. A host that may not answer a query is silent: one that speaks our words then says why.
 * @param greet says HELLO, when the host has seen none on this connection
 */
export async function listVcpus<K extends keyof Lists>(
  session: Session,
  kind: K,
  vmName: string,
  more: boolean,
  greet: Greet = () => session.hello(0, {}, PATIENCE_MS),
): Promise<Result<VcpuList<Lists[K]>, GuestFailure>> {
  const askedAt = performance.now();
  const reply = await session.ask({ kind, all: true, vcpu: 0, vmName, physical: false });
  if (!reply.ok) {
    if (reply.error.kind !== "no-answer") return reply;
    const why = await askPage(session, 0, greet, PATIENCE_MS);
    if (why.ok || why.error.kind !== "refused") return reply;
    return err({ ...why.error, about: "the query" });
  }
  const patienceMs = patienceFor(performance.now() - askedAt, session.patienceMs);
  const first = reply.value.kind === "freq-list" ? reply.value.khz : undefined;
  const caps = reply.value.kind === "caps-list" ? reply.value.caps : undefined;
  const entries = [...((first ?? caps ?? []) as readonly Lists[K][])];
  const count = "count" in reply.value ? reply.value.count : 0;
  if (!more || entries.length < MAX_V1_VCPUS) return ok({ count, entries });
  const rest = await listRest(session, kind, greet, patienceMs);
  return ok(
    rest.ok ? { count: rest.value.count, entries: [...entries, ...rest.value.entries] } : { count, entries },
  );
}

async function listRest<K extends keyof Lists>(
  session: Session,
  kind: K,
  greet: Greet,
  patienceMs: number,
): Promise<Result<VcpuList<Lists[K]>, GuestFailure>> {
  const entries: Lists[K][] = [];
  for (;;) {
    const first = MAX_V1_VCPUS + entries.length;
    const page = await askPage(session, first, greet, patienceMs);
    if (!page.ok) return page;
    for (const { khz, turbo, priority } of page.value.vcpus) {
      entries.push((kind === "query-freq" ? khz : { turbo, priority }) as Lists[K]);
    }
    const { total, vcpus } = page.value;
    if (vcpus.length === 0 || first + vcpus.length >= Math.min(total, MAX_VCPU + 1))
      return ok({ count: total, entries });
  }
}

/** Asks for a page; on a connection without HELLO says that first. */
async function askPage(session: Session, first: number, greet: Greet, patienceMs: number) {
  const list = { do: "list", first } as const;
  const page = await session.say(list, 0, patienceMs);
  if (page.ok || page.error.kind !== "not-understood") return page;
  const agreed = await greet();
  return agreed.ok ? await session.say(list, 0, patienceMs) : agreed;
}
