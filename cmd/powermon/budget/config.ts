// The configuration of a command that looks at a budget without a running powermon.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { type Config, CONFIG_FILE, loadConfig } from "../../../internal/config/load.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { absolutePath } from "../roots.ts";

/** The flag that names it. */
export const CONFIG_ARG = {
  config: {
    type: "string",
    description: `configuration file with the budget and the VMs (default ${CONFIG_FILE} where there is one)`,
    valueHint: "FILE",
  },
} as const;

/** Reads it. Errors: UsageError for one that is wrong. */
export function readConfig(args: object): Config {
  const { config: named } = parseArgs(v.object({ config: v.optional(absolutePath) }), args);
  const config = loadConfig(named ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined));
  if (!config.ok) throw new UsageError(config.error.map(describeProblem).join("\n"));
  return config.value;
}
