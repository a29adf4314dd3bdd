// vmpower-guest probe: why a request would or would not get through, port by port.

import { defineCommand } from "../../internal/cli/command.ts";
import { connectAgent } from "../../internal/guest/agent/local-client.ts";
import type { GuestFailure } from "../../internal/guest/failure.ts";
import { type Holder, holderOf } from "../../internal/guest/holder.ts";
import { listPorts, portNumber, portPath } from "../../internal/guest/port.ts";
import { listVcpus } from "../../internal/guest/vcpu-list.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import {
  type PlaceWords,
  channelOf,
  DONE_ENDING,
  type Ending,
  type EndKind,
  endingOf,
  isEndKind,
  PLACE_ARGS,
  statusOf,
  worst,
} from "./channel.ts";
import { AgentPlace } from "./place/agent.ts";
import { use } from "./place/ports.ts";
import { withPlace } from "./with-place.ts";

export default defineCommand({
  meta: {
    name: "probe",
    summary: "show what would be asked and why, which ports exist, who holds them and whether a host answers",
    details:
      "Asks for capabilities, which changes nothing. A host that does not let this VM query refuses that, DPDK's by silence. Each no is followed by its reason and what to do.\n" +
      'JSON: {"env", "agent", "why", "ports": [{"port", "number", "heldBy", "host", "answers", "outcome", "message"}]}; host and answers are null where nothing is known.',
    examples: ["vmpower-guest probe", "vmpower-guest probe --port unix:/run/powermon/channels/vm1.0"],
  },
  args: PLACE_ARGS,
  async run({ args, io }) {
    const channel = channelOf(args);
    return await withPlace(args, io, async (place) => {
      const rows = place.env === "cpufreq" ? [] : await (place.agent ? askAgent(channel) : askPorts(channel));
      if (args.json) {
        const ports = rows.map(({ port, number, heldBy, host, answers, outcome, message }) => {
          return { port, number, heldBy, host, answers, outcome, message };
        });
        io.out(json({ env: place.env, agent: place.agent, why: place.why, ports }));
      } else {
        io.out(`Environment ${place.env}: ${place.why}`);
        const cells = rows.map((row) => [
          row.port,
          row.heldBy === null ? "-" : `${row.heldBy.name} (${row.heldBy.pid})`,
          word(row.host),
          word(row.answers),
        ]);
        if (cells.length > 0) io.out(table([["PORT", "HELD BY", "HOST", "ANSWERS"], ...cells]));
        for (const { message } of rows) if (message !== null) io.out(message);
      }
      return worst(rows.map((row) => row.status));
    });
  },
});

interface Row extends Ending {
  readonly port: string;
  readonly number: number | null;
  readonly heldBy: Holder | null;
  readonly host: boolean | null;
  readonly answers: boolean | null;
}

async function askPorts({ port, portDir, vmName, timeoutMs }: PlaceWords): Promise<readonly Row[]> {
  const there = listPorts(portDir);
  const all = there.length === 0 ? [0] : there;
  const names = port === undefined ? all.map((n) => portPath(n, portDir)) : [port];
  return await Promise.all(names.map((name) => probe(name, vmName, timeoutMs)));
}

async function probe(port: string, vmName: string, timeoutMs: number): Promise<Row> {
  const place = { port, number: portNumber(port) ?? null };
  const speaker = { vmName, timeoutMs };
  const reply = await use(port, speaker, (session) => listVcpus(session, "query-caps", vmName, false));
  if (reply.ok) return { ...place, heldBy: null, host: true, answers: true, ...DONE_ENDING };
  return { ...place, ...seen(reply.error), ...endingOf(reply.error) };
}

/** The agent has the ports open, so it is the one who asks: that a port can be used does not say that somebody answers there. */
async function askAgent(channel: PlaceWords): Promise<readonly Row[]> {
  const client = await connectAgent(channel.agent);
  const said = await client?.ask({ do: "status" });
  client?.close();
  const ports: unknown = said?.ok ? said.value["ports"] : undefined;
  if (!Array.isArray(ports)) return [];
  const rows = ports.map((row: Said) => () => askThrough(row, channel));
  const asked: Row[] = [];
  while (rows.length > 0) asked.push(...(await Promise.all(rows.splice(0, AT_ONCE).map((ask) => ask()))));
  return asked;
}

type Said = Readonly<Record<string, unknown>>;

/** Connections to the agent at a time; it takes 128 of all programs. */
const AT_ONCE = 32;

async function askThrough({ port, vcpu, outcome, message }: Said, channel: PlaceWords): Promise<Row> {
  const path = String(port);
  const standing = isEndKind(outcome) ? outcome : "agent-failed";
  const client = standing === "done" ? await connectAgent(channel.agent) : undefined;
  const agent = client && new AgentPlace(client, "", channel);
  const asked = await agent?.list("query-caps", [Number(vcpu ?? 0)]);
  agent?.close();
  const said = asked ?? {
    outcome: standing,
    message: typeof message === "string" ? message : null,
    status: statusOf(standing),
  };
  const seen = SEEN[said.outcome] ?? UNSEEN;
  const heldBy = seen.host === null ? null : (holderOf(path) ?? null);
  const number = portNumber(path) ?? null;
  return {
    port: path,
    number,
    heldBy,
    ...seen,
    outcome: said.outcome,
    message: said.message,
    status: said.status,
  };
}

type Seen = Pick<Row, "host" | "answers">;

/** What an ending tells about the other side, where it tells anything. */
const SEEN: Readonly<Partial<Record<EndKind, Seen>>> = {
  done: { host: true, answers: true },
  "absent-host": { host: false, answers: false },
  "no-answer": { host: true, answers: false },
  refused: { host: true, answers: true },
};
const UNSEEN: Seen = { host: null, answers: null };

/** Returns what a failure still tells about the port. */
const seen = (no: GuestFailure): Pick<Row, "heldBy" | "host" | "answers"> => ({
  heldBy: no.kind === "busy" ? (no.holder ?? null) : null,
  ...(SEEN[no.kind] ?? UNSEEN),
});

function word(known: boolean | null): string {
  if (known === null) return "?";
  return known ? "yes" : "no";
}
