// Which profiles there are: the same four built-in ones and the configuration's wherever one is named.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { CONFIG_FILE, loadConfig } from "../../../internal/config/load.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { profilesOf, profilesSchema } from "../../../internal/config/profile-schema.ts";
import { nearest } from "../../../internal/nearest.ts";
import { BUILT_IN, type HostProfile } from "../../../internal/power/host-profile.ts";
import { absolutePath } from "../roots.ts";

/** The flag that names the configuration. */
export const CONFIG_ARG = {
  config: {
    type: "string",
    description: `configuration file with profiles of your own (default ${CONFIG_FILE} where there is one)`,
    valueHint: "FILE",
  },
} as const;

const InConfig = v.object({ profile: v.optional(profilesSchema, {}) });

/** Returns every profile by name; the configuration's own win over built-in ones. Errors: UsageError for a bad configuration. */
export function allProfiles(args: object): ReadonlyMap<string, HostProfile & { readonly from: string }> {
  const { config: named } = parseArgs(v.object({ config: v.optional(absolutePath) }), args);
  const file = named ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
  const profiles = new Map(BUILT_IN.map((one) => [one.name, { ...one, from: "built in" }]));
  if (file === undefined) return profiles;
  const config = loadConfig(file);
  if (!config.ok) throw new UsageError(config.error.map(describeProblem).join("\n"));
  for (const one of profilesOf(v.parse(InConfig, config.value.says).profile))
    profiles.set(one.name, { ...one, from: "configuration" });
  return profiles;
}

/** Returns profile `name`. Errors: UsageError that names the nearest. */
export function profileNamed(name: string, args: object): HostProfile & { readonly from: string } {
  const profiles = allProfiles(args);
  const found = profiles.get(name);
  if (found) return found;
  const near = nearest(name, [...profiles.keys()]);
  throw new UsageError(
    `there is no profile ${JSON.stringify(name)}; ${near === undefined ? `the profiles are ${[...profiles.keys()].join(", ")}.` : `did you mean ${near}?`}`,
  );
}
