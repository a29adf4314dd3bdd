// What stands of the profile in force, told once for status and verify.

import type { Io } from "../../../internal/cli/command.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { type ProfileStatus, verifyProfile } from "../../../internal/power/profile-off.ts";
import { explainSysfs } from "../../../internal/sysfs/error.ts";
import type { Roots } from "../../../internal/sysfs/originals.ts";

/** Prints the profile in force and its drift; returns it, or undefined when it can't be read. */
export function tellProfile(roots: Roots, asJson: boolean, io: Io): ProfileStatus | undefined {
  const found = verifyProfile(roots);
  if (!found.ok) {
    io.err(`powermon: ${explainSysfs(found.error)}`);
    return undefined;
  }
  const { stored, drift, held } = found.value;
  if (asJson) {
    const applied = stored.state === "none" ? {} : { ...stored.applied };
    io.out(json({ state: stored.state, ...applied, drift, held }));
  } else io.out(textOf(found.value));
  return found.value;
}

function textOf({ stored, drift, held }: ProfileStatus): string {
  if (stored.state === "none") return "No profile is in force.";
  const { profile, since, cpus, wanted } = stored.applied;
  if (stored.state === "stale")
    return `Profile ${profile} was applied before the last boot (${since}) and is gone with it.`;
  const lines = [
    `Profile ${profile}${cpus === undefined ? "" : ` on CPUs ${cpus}`} since ${since}, ${wanted.length} attributes`,
  ];
  if (held.length > 0) lines.push(`Guests' claims hold policy ${held.join(", ")} within it`);
  if (drift.length > 0)
    lines.push(
      `${drift.length} attributes drifted:`,
      table([
        ["ATTRIBUTE", "WANTED", "FOUND"],
        ...drift.map(({ path, text, found }) => [path, text, found ?? "unreadable"]),
      ]),
    );
  return lines.join("\n");
}
