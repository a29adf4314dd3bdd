// vmpower-guest probe: why a request would or would not get through, port by port.

import { defineCommand } from "../../internal/cli/command.ts";
import { connectAgent } from "../../internal/guest/agent/local-client.ts";
import type { GuestFailure } from "../../internal/guest/failure.ts";
import { type Holder, holderOf } from "../../internal/guest/holder.ts";
import { listPorts, portNumber, portPath } from "../../internal/guest/port.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import {
  type PlaceWords,
  channelOf,
  DONE_ENDING,
  type Ending,
  endingOf,
  isEndKind,
  PLACE_ARGS,
  statusOf,
  worst,
} from "./channel.ts";
import { use } from "./place/ports.ts";
import { withPlace } from "./with-place.ts";

export default defineCommand({
  meta: {
    name: "probe",
    summary: "show what would be asked and why, which ports exist, who holds them and whether a host answers",
    details:
      "Asks for capabilities, which changes nothing; a host that does not let this VM query stays silent. Each no is followed by its reason and what to do.\n" +
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
  const question = { kind: "query-caps", all: true, vcpu: 0, vmName, physical: false } as const;
  const reply = await use(port, { vmName, timeoutMs }, (session) => session.ask(question));
  if (reply.ok) return { ...place, heldBy: null, host: true, answers: true, ...DONE_ENDING };
  return { ...place, ...seen(reply.error), ...endingOf(reply.error) };
}

/** The agent has the ports open, so it is the one who knows. */
async function askAgent({ agent }: PlaceWords): Promise<readonly Row[]> {
  const client = await connectAgent(agent);
  const said = await client?.ask({ do: "status" });
  client?.close();
  const ports: unknown = said?.ok ? said.value["ports"] : undefined;
  if (!Array.isArray(ports)) return [];
  return ports.map(({ port, outcome, message }: Readonly<Record<string, unknown>>) => {
    const path = String(port);
    const kind = isEndKind(outcome) ? outcome : "agent-failed";
    const host = kind === "done" ? true : kind === "absent-host" ? false : null;
    const heldBy = host === null ? null : holderOf(path);
    return {
      port: path,
      number: portNumber(path) ?? null,
      heldBy: heldBy ?? null,
      host,
      answers: host,
      outcome: kind,
      message: typeof message === "string" ? message : null,
      status: statusOf(kind),
    };
  });
}

/** Returns what a failure still tells about the port. */
function seen(no: GuestFailure): Pick<Row, "heldBy" | "host" | "answers"> {
  switch (no.kind) {
    case "busy":
      return { heldBy: no.holder ?? null, host: null, answers: null };
    case "absent-host":
      return { heldBy: null, host: false, answers: false };
    case "no-answer":
      return { heldBy: null, host: true, answers: false };
    case "refused":
      return { heldBy: null, host: true, answers: true };
    default:
      return { heldBy: null, host: null, answers: null };
  }
}

function word(known: boolean | null): string {
  if (known === null) return "?";
  return known ? "yes" : "no";
}
