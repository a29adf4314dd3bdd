// vmpower-guest probe: why a request would or would not get through, port by port.

import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import type { GuestFailure } from "../../internal/guest/failure.ts";
import type { Holder } from "../../internal/guest/holder.ts";
import { portNumber, portPath } from "../../internal/guest/port.ts";
import { listPorts } from "../../internal/guest/ports.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { CHANNEL_ARGS, CHANNEL_SCHEMA, DONE_ENDING, type Ending, endingOf, worst } from "./channel.ts";
import { ask } from "./listing.ts";

export default defineCommand({
  meta: {
    name: "probe",
    summary: "Show which ports exist, who holds them, whether a host is there and whether it answers",
    details:
      "Asks for capabilities, which changes nothing; a host that does not let this VM query stays silent. Each no is followed by its reason and what to do.\n" +
      'JSON: {"ports": [{"port", "number", "heldBy", "host", "answers", "outcome", "message"}]}; host and answers are null where nothing is known.',
    examples: ["vmpower-guest probe", "vmpower-guest probe --port unix:/run/powermon/channels/vm1.0"],
  },
  args: CHANNEL_ARGS,
  async run({ args, io }) {
    const channel = parseArgs(v.object(CHANNEL_SCHEMA), args);
    const there = listPorts(channel.portDir);
    const all = there.length === 0 ? [0] : there;
    const names = channel.port === undefined ? all.map((n) => portPath(n, channel.portDir)) : [channel.port];
    const rows = await Promise.all(names.map((name) => probe(name, channel.vmName, channel.timeoutMs)));
    if (args.json) {
      const ports = rows.map(({ port, number, heldBy, host, answers, outcome, message }) => {
        return { port, number, heldBy, host, answers, outcome, message };
      });
      io.out(json({ ports }));
    } else {
      const cells = rows.map((row) => [
        row.port,
        row.heldBy === null ? "-" : `${row.heldBy.name} (${row.heldBy.pid})`,
        word(row.host),
        word(row.answers),
      ]);
      io.out(table([["PORT", "HELD BY", "HOST", "ANSWERS"], ...cells]));
      for (const { message } of rows) if (message !== null) io.out(message);
    }
    return worst(rows.map((row) => row.status));
  },
});

interface Row extends Ending {
  readonly port: string;
  readonly number: number | null;
  readonly heldBy: Holder | null;
  readonly host: boolean | null;
  readonly answers: boolean | null;
}

async function probe(port: string, vmName: string, timeoutMs: number): Promise<Row> {
  const place = { port, number: portNumber(port) ?? null };
  const reply = await ask(
    port,
    { kind: "query-caps", all: true, vcpu: 0, vmName, physical: false },
    timeoutMs,
  );
  if (reply.ok) return { ...place, heldBy: null, host: true, answers: true, ...DONE_ENDING };
  return { ...place, ...seen(reply.error), ...endingOf(reply.error) };
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
