// One query for all vCPUs and the rows wanted of its answer: without it freq and caps would differ in how they fail.

import type { Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { portPath } from "../../internal/guest/port.ts";
import { listPorts } from "../../internal/guest/ports.ts";
import { openSession, type Question } from "../../internal/guest/session.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { MAX_V1_VCPUS, type Reply } from "../../internal/request.ts";
import { type Result } from "../../internal/result.ts";
import type { GuestFailure } from "../../internal/guest/failure.ts";
import { DONE_ENDING, type Ending, endingOf, worst } from "./channel.ts";

/** The meaning of a listing's flags. */
export interface Listing {
  readonly vcpu: "all" | readonly number[];
  readonly port?: string | undefined;
  readonly portDir: string;
  readonly vmName: string;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** What a listing shows of each vCPU: the columns for people, the keys for JSON. */
export interface View<T> {
  readonly question: "query-freq" | "query-caps";
  /** Returns the entries of a reply, by vCPU number. */
  entries(reply: Reply): readonly T[];
  readonly headings: readonly string[];
  cells(entry: T): readonly string[];
  keys(entry: T): object;
}

/**
 * Asks the host about all vCPUs through one port (the one given, else that of the first wanted vCPU that has one) and prints the
 * wanted ones. The list query is used for a single vCPU too: an answer then means the same whichever query it belongs to.
 */
export async function list<T>(view: View<T>, listing: Listing, io: Io): Promise<Status> {
  const port = listing.port ?? firstPort(listing);
  const reply = await ask(
    port,
    { kind: view.question, all: true, vcpu: 0, vmName: listing.vmName, physical: false },
    listing.timeoutMs,
  );
  if (!reply.ok) {
    const { outcome, message, status } = endingOf(reply.error);
    if (listing.json) io.out(json({ port, outcome, message, vmVcpus: null, vcpus: [] }));
    else io.err(message ?? "");
    return status;
  }
  const entries = view.entries(reply.value);
  const count = "count" in reply.value ? reply.value.count : 0;
  const wanted = listing.vcpu === "all" ? [...entries.keys()] : listing.vcpu;
  const rows = wanted.map((vcpu) => ({
    vcpu,
    entry: entries[vcpu],
    ending: rowEnding(vcpu, entries.length, count),
  }));
  if (listing.json) {
    const vcpus = rows.map(({ vcpu, entry, ending: { outcome, message } }) => ({
      vcpu,
      ...(entry !== undefined && view.keys(entry)),
      outcome,
      message,
    }));
    io.out(json({ port, outcome: "done", message: null, vmVcpus: count, vcpus }));
  } else {
    const shown = rows.flatMap(({ vcpu, entry }) =>
      entry === undefined ? [] : [[String(vcpu), ...view.cells(entry)]],
    );
    if (shown.length > 0) io.out(table([["VCPU", ...view.headings], ...shown]));
    for (const { ending } of rows) if (ending.message !== null) io.err(ending.message);
    if (listing.vcpu === "all" && count > entries.length) {
      io.err(
        `This VM has ${count} vCPUs; an answer of DPDK's format has room for the first ${entries.length}.`,
      );
    }
  }
  return worst(rows.map(({ ending }) => ending.status));
}

function rowEnding(vcpu: number, listed: number, count: number): Ending {
  if (vcpu < listed) return DONE_ENDING;
  if (vcpu < count || vcpu >= MAX_V1_VCPUS) {
    const message = `vCPU ${vcpu} can't be asked about: an answer of DPDK's format has room for vCPUs 0 to ${MAX_V1_VCPUS - 1}.`;
    return { outcome: "not-listed", message, status: STATUS.unsupported };
  }
  const message = `vCPU ${vcpu}: the host knows ${count} vCPUs of this VM (0 to ${count - 1}).`;
  return { outcome: "no-such-vcpu", message, status: STATUS.failed };
}

function firstPort({ vcpu, portDir }: Listing): string {
  const there = listPorts(portDir);
  const first = vcpu === "all" ? there[0] : (vcpu.find((n) => there.includes(n)) ?? vcpu[0]);
  return portPath(first ?? 0, portDir);
}

/** Opens `port`, asks one question and closes it again. */
export async function ask(
  port: string,
  question: Question,
  timeoutMs: number,
): Promise<Result<Reply, GuestFailure>> {
  const session = await openSession(port);
  if (!session.ok) return session;
  try {
    return await session.value.ask(question, timeoutMs);
  } finally {
    session.value.close();
  }
}
