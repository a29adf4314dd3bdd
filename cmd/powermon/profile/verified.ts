// What stands of the profile in force, told once for status and verify.

import type { Io } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import type { ControlError } from "../../../internal/control/client.ts";
import type { ProfileStateReport } from "../../../internal/api/profiles.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { verifyProfile } from "../../../internal/power/profiles/verify.ts";
import { err, type Result } from "../../../internal/values/result.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { fail } from "../control.ts";
import { rootsOf } from "../roots.ts";
import { runningPowermon } from "../running.ts";

/** Prints the profile in force and its drift. Returns `STATUS.done` where `isGood` says so, else `STATUS.failed` or that of the failure. */
export async function tellProfile(
  { args, io }: { readonly args: { readonly json: boolean }; readonly io: Io },
  isGood: (state: ProfileStateReport) => boolean,
): Promise<Status> {
  const found = await readState(args);
  if (!found.ok) return fail(found.error, args.json, io);
  io.out(args.json ? json(found.value) : textOf(found.value));
  return isGood(found.value) ? STATUS.done : STATUS.failed;
}

async function readState(args: object): Promise<Result<ProfileStateReport, ControlError>> {
  const running = runningPowermon(args);
  if (running !== undefined) return await running.ask("verifyProfile");
  const found = verifyProfile(rootsOf(args));
  return found.ok ? found : err({ code: "failed", message: `powermon: ${explainSysfs(found.error)}` });
}

function textOf({ state, profile, since, cpus, wanted = [], drift, held }: ProfileStateReport): string {
  if (state === "none") return "No profile is in force.";
  if (state === "stale")
    return `Profile ${profile} was applied before the last boot (${since}) and is gone with it.`;
  const lines = [
    `Profile ${profile}${cpus === undefined ? "" : ` on CPUs ${cpus}`} since ${since}, ${wanted.length} attributes`,
  ];
  if (held.length > 0) lines.push(`Guests' claims hold domain ${held.join(", ")} within it`);
  if (drift.length > 0)
    lines.push(
      `${drift.length} attributes drifted:`,
      table([
        ["ATTRIBUTE", "WANTED", "FOUND"],
        ...drift.map(({ path, text, unlimited, found }) => [
          path,
          unlimited ? "no limit" : text,
          found ?? "unreadable",
        ]),
      ]),
    );
  return lines.join("\n");
}
