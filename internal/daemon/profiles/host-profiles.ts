// Which profiles there are for the host itself: the built-in ones and the configuration's own.

import type { ConfigFile } from "../../config/schema.ts";
import { profilesOf } from "../../config/profile-schema.ts";
import { nearest } from "../../values/nearest.ts";
import { BUILT_IN, type HostProfile } from "../../power/profiles/host-profile.ts";
import { err, ok, type Result } from "../../values/result.ts";

/** A profile and who wrote it. */
export type NamedProfile = HostProfile & { readonly from: "built in" | "configuration" };

/** Returns every profile by name; the configuration's own win over built-in ones. */
export function profilesIn(says: ConfigFile): ReadonlyMap<string, NamedProfile> {
  const profiles = new Map<string, NamedProfile>(
    BUILT_IN.map((one) => [one.name, { ...one, from: "built in" }]),
  );
  for (const one of profilesOf(says.profile ?? {})) profiles.set(one.name, { ...one, from: "configuration" });
  return profiles;
}

/** Returns profile `name`. Errors: a sentence that names the nearest, or all. */
export function profileNamed(
  name: string,
  profiles: ReadonlyMap<string, NamedProfile>,
): Result<NamedProfile, string> {
  const found = profiles.get(name);
  if (found) return ok(found);
  const near = nearest(name, [...profiles.keys()]);
  return err(
    `there is no profile ${JSON.stringify(name)}; ${near === undefined ? `the profiles are ${[...profiles.keys()].join(", ")}.` : `did you mean ${near}?`}`,
  );
}
