// powermon metrics: the counters for those who scrape by files, or want to look without a Prometheus.

import { chmodSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { clientOf, CONTROL_ARGS, fail } from "./control.ts";
import { absolutePath } from "./roots.ts";

const Output = v.object({
  output: v.optional(
    v.pipe(
      nonEmpty,
      v.endsWith(".prom", "must end in .prom, since node_exporter reads no other files"),
      absolutePath,
    ),
  ),
});

export default defineCommand({
  meta: {
    name: "metrics",
    summary: "print the metrics in Prometheus' text format",
    details:
      "The same as GET /metrics on the control socket, and on the HTTP listener where one is configured. With --output they are written for node_exporter's textfile collector: to a file beside it first, which then takes its place, so that no half of it is ever read.",
    examples: [
      "powermon metrics",
      "powermon metrics --output /var/lib/prometheus/node-exporter/powermon.prom",
    ],
  },
  args: {
    output: {
      type: "string",
      alias: "o",
      valueHint: "FILE",
      description: "file to write in place of standard output; its name ends in .prom",
    },
    socket: CONTROL_ARGS.socket,
  },
  async run({ args, io }) {
    const { output } = parseArgs(Output, args);
    const metrics = await clientOf(args).metrics();
    if (!metrics.ok) return fail(metrics.error, false, io);
    if (output === undefined) {
      io.out(metrics.value.trimEnd());
      return STATUS.done;
    }
    const wrong = replaceFile(output, metrics.value);
    if (wrong === undefined) return STATUS.done;
    io.err(wrong);
    return STATUS.failed;
  },
});

/** Puts `text` in the place of `path` at once, readable by all. Returns why not. */
function replaceFile(path: string, text: string): string | undefined {
  const draft = `${dirname(path)}/.${basename(path)}.${process.pid}`;
  try {
    writeFileSync(draft, text, { flag: "wx" });
    chmodSync(draft, 0o644);
    renameSync(draft, path);
    return undefined;
  } catch (cause) {
    rmSync(draft, { force: true });
    return `Cannot write "${path}": ${(cause as NodeJS.ErrnoException).code ?? String(cause)}; name a file in a folder that you may write to.`;
  }
}
