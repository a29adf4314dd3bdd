// vmpower-guest agent: holds the ports for all programs of this VM.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { LOG_FORMATS, LOG_LEVELS, Log } from "../../internal/log.ts";
import { DEFAULT_CONFIG, readAgentConfig } from "./agent/config.ts";

export default defineCommand({
  meta: {
    name: "agent",
    summary: "hold the ports for all programs of this VM, and follow the load where nobody else does",
    details:
      "Programs ask by lines of JSON on its socket; of several claims on one vCPU the highest wins, and a program's claims end with its\n" +
      "connection. While it runs, scale, freq, caps and policy go through it. SIGTERM gives all claims up.",
    examples: ["vmpower-guest agent", "vmpower-guest agent --config ./agent.toml --log-level debug"],
  },
  args: {
    config: { type: "string", valueHint: "file", description: `configuration (default: ${DEFAULT_CONFIG})` },
    procRoot: { type: "string", valueHint: "dir", default: "/proc", description: "stands for /proc" },
    logLevel: { type: "enum", options: LOG_LEVELS, default: "info", description: "least important line" },
    logFormat: { type: "enum", options: LOG_FORMATS, default: "text", description: "how lines look" },
  },
  async run({ args, io }) {
    const { config: file, procRoot } = parseArgs(
      v.object({ config: v.optional(nonEmpty), procRoot: nonEmpty }),
      args,
    );
    const config = readAgentConfig(file);
    if (!config.ok) {
      for (const problem of config.error) io.err(problem);
      return STATUS.usage;
    }
    const log = new Log(args.logLevel, args.logFormat);
    const { runAgent } = await import("./agent/run.ts");
    return await runAgent(config.value, procRoot, log);
  },
});
