// Which profiles there are: the same four built-in ones and the configuration's wherever one is named.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { CONFIG_FILE, loadConfig } from "../../../internal/config/load.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import {
  type NamedProfile,
  profileNamed,
  profilesIn,
} from "../../../internal/daemon/profiles/host-profiles.ts";
import { absolutePath } from "../roots.ts";

/** The flag that names the configuration. */
export const CONFIG_ARG = {
  config: {
    type: "string",
    description: `configuration file with profiles of your own (default ${CONFIG_FILE} where there is one)`,
    valueHint: "FILE",
  },
} as const;

/** Returns every profile by name; the configuration's own win over built-in ones. Errors: UsageError for a bad configuration. */
export function allProfiles(args: object): ReadonlyMap<string, NamedProfile> {
  const { config: named } = parseArgs(v.object({ config: v.optional(absolutePath) }), args);
  const file = named ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
  const config = file === undefined ? undefined : loadConfig(file);
  if (config?.ok === false) throw new UsageError(config.error.map(describeProblem).join("\n"));
  return profilesIn(config?.value.says ?? {});
}

/** Returns profile `name`. Errors: UsageError that names the nearest. */
export function namedProfile(name: string, args: object): NamedProfile {
  const found = profileNamed(name, allProfiles(args));
  if (!found.ok) throw new UsageError(found.error);
  return found.value;
}
