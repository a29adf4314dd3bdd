// powermon profile: the host's own power settings, by name.

import { defineCommand, type Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import type { ControlError } from "../../internal/control/client.ts";
import type { OffReport, ProfileStateReport } from "../../internal/api/profiles.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import type { HostProfile } from "../../internal/power/profiles/host-profile.ts";
import { explainProfile } from "../../internal/power/profiles/outcome.ts";
import { foreseeOff, offChanges, restoreProfile } from "../../internal/power/profiles/off.ts";
import { loadProfile } from "../../internal/power/profiles/store.ts";
import { heldDomains } from "../../internal/power/profiles/under-claim.ts";
import { stillHolds, verifyProfile } from "../../internal/power/profiles/verify.ts";
import { cpusText } from "../../internal/values/cpulist.ts";
import { err, type Result } from "../../internal/values/result.ts";
import { explainSysfs } from "../../internal/values/sysfs-error.ts";
import { loaded } from "../loaded.ts";
import { failWith } from "../fail.ts";
import { fail, tell } from "./control.ts";
import { DRY_RUN_ARG, showDryRun } from "./dry-run.ts";
import { allProfiles, CONFIG_ARG, namedProfile } from "./profile/profiles.ts";
import { rootsOf } from "./roots.ts";
import { RUNNING_ARGS, runningPowermon } from "./running.ts";

const JSON_ARG = { json: { type: "boolean", description: "print one JSON document" } } as const;

export default defineCommand({
  meta: {
    name: "profile",
    summary: "put the host's own power settings in force, check them, take them back",
    details:
      "A profile names the driver's mode, governor, clock limits, EPP, EPB, turbo, idle states, uncore clock and where interrupts arrive, for sets of CPUs or the machine. It comes into force whole or not at all; what was there before is kept and put back by profile off.",
  },
  commands: {
    ...loaded(
      defineCommand({
        meta: { name: "list", summary: "list the profiles, built-in ones and the configuration's own" },
        args: { ...CONFIG_ARG, ...JSON_ARG },
        run({ args, io }) {
          const profiles = [...allProfiles(args).values()];
          const rows = profiles.map(({ name, from, summary }) => [name, from, summary]);
          io.out(args.json ? json({ profiles }) : table([["PROFILE", "FROM", "WHAT"], ...rows]));
          return STATUS.done;
        },
      }),
      defineCommand({
        meta: {
          name: "show",
          summary: "show what a profile asks for; apply --dry-run shows what that comes to on this machine",
          examples: ["powermon profile show latency", "powermon profile show latency --json"],
        },
        args: {
          name: { type: "positional", valueHint: "PROFILE", description: "the profile" },
          ...CONFIG_ARG,
          ...JSON_ARG,
        },
        run({ args, io }) {
          const profile = namedProfile(args.name, args);
          io.out(
            args.json ? json(profile) : `${profile.name}: ${profile.summary}\n${table(rowsOf(profile))}`,
          );
          return STATUS.done;
        },
      }),
    ),
    recommend: () => import("./profile/recommend.ts"),
    apply: () => import("./profile/apply.ts"),
    ...loaded(
      defineCommand({
        meta: { name: "status", summary: "show which profile is in force and what has drifted from it" },
        args: { ...RUNNING_ARGS, ...JSON_ARG },
        run: (context) => tellProfile(context, () => true),
      }),
      defineCommand({
        meta: {
          name: "verify",
          summary: "fail when somebody else changed what the profile in force had set",
          details:
            "Status 1 when an attribute drifted, or when the profile is gone with the last boot; 0 when all stands or no profile is in force. Clocks that a guest's claim holds are judged by what they go back to.",
          examples: ["powermon profile verify || powermon profile apply balanced"],
        },
        args: { ...RUNNING_ARGS, ...JSON_ARG },
        run: (context) => tellProfile(context, stillHolds),
      }),
      defineCommand({
        meta: {
          name: "off",
          summary: "put everything back as it was before the first profile",
          details:
            "A running powermon does it, and guests' claims stand on. What belongs to CPUs that are offline waits until they are online. Status 3: nobody runs, and a guest's claim of a powermon that crashed holds a clock that would have to be put back.",
        },
        args: { ...DRY_RUN_ARG, ...RUNNING_ARGS, ...JSON_ARG },
        async run({ args, io }) {
          const running = runningPowermon(args);
          const dryRun = args["dry-run"];
          if (running !== undefined)
            return await (dryRun
              ? tell(running.rehearse("profileOff"), { args, io }, showDryRun)
              : tell(running.ask("profileOff"), { args, io }, toldOff));
          const roots = rootsOf(args);
          const stored = loadProfile(roots);
          const originals =
            stored.ok && stored.value.state !== "none" && stored.value.state !== "stale"
              ? stored.value.applied.originals
              : [];
          const held = heldDomains(
            roots,
            originals.map(({ attribute }) => attribute),
          );
          if (held.ok && held.value.length > 0) {
            const reasons = explainProfile({ kind: "held", domains: held.value });
            return failWith({ args, io }, STATUS.refused, reasons);
          }
          if (dryRun) {
            const seen = foreseeOff(roots);
            if (!seen.ok) return failWith({ args, io }, STATUS.failed, [explainSysfs(seen.error)]);
            const report = {
              dryRun: true,
              changes: offChanges(seen.value),
              clocks: [],
              warnings: [],
            } as const;
            io.out(args.json ? json(report) : showDryRun(report));
            return STATUS.done;
          }
          const { failed, ...report } = restoreProfile(roots);
          for (const error of failed) io.err(`powermon: ${explainSysfs(error)}`);
          if (args.json) io.out(json({ ...report, failed: failed.map(explainSysfs) }));
          else if (report.profile !== undefined || failed.length === 0) io.out(toldOff(report));
          return failed.length > 0 ? STATUS.failed : STATUS.done;
        },
      }),
    ),
  },
});

function rowsOf(profile: HostProfile): string[][] {
  const rows = [["CPUS", "KNOB", "VALUE"]];
  const row = (cpus: string, knob: string, value: unknown) => {
    if (value !== undefined) rows.push([cpus, knob, String(value)]);
  };
  row("machine", "P-state mode", profile.pstateMode);
  row("machine", "boost", profile.boost === undefined ? undefined : profile.boost ? "on" : "off");
  row("machine", "platform profile", profile.platformProfile);
  row("machine", "halt poll", profile.haltPollNs === undefined ? undefined : `${profile.haltPollNs} ns`);
  for (const [part, limits] of [["machine", profile.uncore ?? {}] as const, ...uncoreParts(profile)]) {
    row(part, "uncore floor", limits.floor);
    row(part, "uncore ceiling", limits.ceiling);
  }
  row("machine", "interrupts", profile.irq);
  row("machine", "latency", profile.latencyUs === undefined ? undefined : `${profile.latencyUs} us`);
  for (const { cpus, governor, floor, ceiling, epp, epb, deepestState, latencyUs } of profile.rules) {
    row(cpus, "governor", governor);
    row(cpus, "floor", floor);
    row(cpus, "ceiling", ceiling);
    row(cpus, "EPP", epp);
    row(cpus, "EPB", epb);
    row(cpus, "deepest idle state", deepestState?.join(" or "));
    row(cpus, "latency", latencyUs === undefined ? undefined : `${latencyUs} us`);
  }
  return rows;
}

const uncoreParts = ({ uncore }: HostProfile) =>
  Object.entries(uncore?.of ?? {}).map(([part, limits]) => [`uncore ${part}`, limits] as const);

/** Prints the profile in force and its drift. Returns `STATUS.done` where `isGood` says so, else `STATUS.failed` or that of the failure. */
async function tellProfile(
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
    `Profile ${profile}${cpus === undefined ? "" : ` on ${cpusText(cpus)}`} since ${since}: ${standing(wanted.length, drift.length)}`,
  ];
  if (held.length > 0) lines.push(`Guests' claims hold domain ${held.join(", ")} within it`);
  if (drift.length > 0)
    lines.push(
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

/** Returns how many of a profile's settings stand. */
function standing(all: number, drifted: number): string {
  if (drifted === 0) return `all ${all} of its settings stand`;
  return `${drifted} of its ${all} settings ${drifted === 1 ? "is" : "are"} not as it set them`;
}

function toldOff({ profile, stale, restored, later = [] }: Partial<OffReport>): string {
  if (profile === undefined) return "No profile is in force.";
  if (stale) return `Profile ${profile} was applied before the last boot, dropped`;
  const off = `Profile ${profile} is off; ${restored?.length ?? 0} of the kernel's settings are as they were before it`;
  if (later.length === 0) return off;
  const { length } = later;
  return `${off}; ${length} of CPUs that are offline ${length === 1 ? "waits" : "wait"} until these are online: a running powermon puts ${length === 1 ? "it" : "them"} back then, else \`powermon profile off\` once more`;
}
