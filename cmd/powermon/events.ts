// powermon events: what happens, as it happens.

import * as v from "valibot";
import { integer, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import type { HappenedEvent } from "../../internal/api/event.ts";
import { clientOf, CONTROL_ARGS, fail } from "./control.ts";

const Words = v.object({
  count: v.optional(integer(1, 1_000_000)),
  follow: v.boolean(),
  after: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-f]{8}-\d{1,15}$/, "must be an event's boot and n, such as 6ba1c2d4-170"),
    ),
  ),
});

export default defineCommand({
  meta: {
    name: "events",
    summary: "print what happens: VMs, channels, requests, refusals, frequencies",
    details:
      'Waits for one event and prints it; --count N waits for N, --follow goes on until interrupted. With --json each event is one line of JSON, {"at", "event", "boot", "n", ...}, and an error too, {"error"}: boot is another after each start of powermon, n counts all that happened since. What happened before the call is told with --after BOOT-N alone, from the event after that one on; powermon keeps the last 4096, and where it can\'t tell all it says so by an event of the kind overrun. Status 4 when powermon ends meanwhile.',
    examples: [
      "powermon events --follow",
      "powermon events --count 10 --json",
      "powermon events --follow --json --after 6ba1c2d4-170",
    ],
  },
  args: {
    follow: { type: "boolean", alias: "f", description: "go on until interrupted" },
    count: { type: "string", valueHint: "n", description: "how many events to wait for (default 1)" },
    after: { type: "string", valueHint: "BOOT-N", description: "begin after this event, and not with now" },
    ...CONTROL_ARGS,
  },
  async run({ args, io }) {
    const { count, follow, after } = parseArgs(Words, args);
    if (follow && count !== undefined) throw new UsageError("--follow and --count exclude each other.");
    const events = clientOf(args).events(after);
    try {
      for (let left = follow ? Infinity : (count ?? 1); left > 0; left--) {
        const next = await events.next();
        if (next.done) return fail(next.value, args.json, io, JSON.stringify);
        io.out(args.json ? JSON.stringify(next.value) : line(next.value));
        if (io.isCut?.()) break;
      }
    } finally {
      await events.return({ code: "no-answer", message: "" });
    }
    return STATUS.done;
  },
});

/** Returns such as `2026-01-02T03:04:05Z request vm=vm1 vcpu=0`. */
function line({ at, event, boot: _boot, n: _n, ...fields }: HappenedEvent): string {
  const parts = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${say(value)}`],
  );
  return [at, event, ...parts].join(" ");
}

function say(value: unknown): string {
  return typeof value === "string" && /^[\w./:,+-]+$/.test(value) ? value : JSON.stringify(value);
}
