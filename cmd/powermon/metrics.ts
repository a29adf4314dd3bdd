// powermon metrics: the counters for those who scrape by files, or want to look without a Prometheus.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { clientOf, CONTROL_ARGS, fail } from "./control.ts";
import { absolutePath } from "./roots.ts";
import { writeWholeFile } from "../../internal/os/whole-file.ts";

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
    const written = writeWholeFile(output, metrics.value, { mode: 0o644, folderMode: false });
    if (written.ok) return STATUS.done;
    io.err(`Cannot write "${output}": ${written.error.code}; name a file in a folder that you may write to.`);
    return STATUS.failed;
  },
});
