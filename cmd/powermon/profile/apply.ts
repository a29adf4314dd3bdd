// powermon profile apply: puts a profile in force, whole or not at all.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import type { AppliedReport } from "../../../internal/api/profiles.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { type CpuSets, selectCpus } from "../../../internal/power/profiles/cpu-selector.ts";
import { machineSets } from "../../../internal/power/profiles/machine-sets.ts";
import { applyProfile } from "../../../internal/power/profiles/apply.ts";
import { explainProfile, type ProfileRefusal } from "../../../internal/power/profiles/outcome.ts";
import type { Pcpu } from "../../../internal/values/units.ts";
import { tell } from "../control.ts";
import { showClocks } from "../dry-run.ts";
import { rootsOf } from "../roots.ts";
import { RUNNING_ARGS, runningPowermon } from "../running.ts";
import { failWith } from "../../fail.ts";
import { CONFIG_ARG, namedProfile } from "./profiles.ts";

const STATUS_OF: Readonly<Record<ProfileRefusal["kind"], Status>> = {
  impossible: STATUS.failed,
  unsupported: STATUS.unsupported,
  held: STATUS.refused,
  busy: STATUS.failed,
  failed: STATUS.failed,
  broken: STATUS.failed,
};

export default defineCommand({
  meta: {
    name: "apply",
    summary: "put a profile in force, whole or not at all",
    details:
      "All is checked before the first write; when a write fails, what was written goes back and the failure is named. The settings of before the first profile are kept until profile off.\n" +
      "Turbo is switched first, for it moves the highest clock; then come governors, EPP and limits. Where the firmware forbids turbo it counts as a knob that the machine lacks. A floor of min and a ceiling of max are no limits: they stay where the hardware's end is when turbo comes or goes.\n" +
      "A running powermon does it: guests' claims step back for a moment and then stand within the profile. It knows the profiles of its own configuration.\n" +
      "Status 3: nobody runs, and a guest's claim of a powermon that crashed holds a clock. Status 5: this machine lacks a knob that the profile insists on, or has none of them.",
    examples: [
      "powermon profile apply latency --cpus isolated",
      "powermon profile apply powersave --dry-run",
      "powermon profile apply performance --cpus vm:web",
    ],
  },
  args: {
    name: { type: "positional", valueHint: "PROFILE", description: "the profile" },
    cpus: {
      type: "string",
      valueHint: "LIST",
      description:
        "only these CPUs: a list, all, isolated, housekeeping or vm:NAME; knobs of the whole machine are then left alone",
    },
    "dry-run": { type: "boolean", description: "show what would be written and write nothing" },
    ...CONFIG_ARG,
    ...RUNNING_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  async run({ args, io }) {
    const running = runningPowermon(args);
    if (running !== undefined) {
      if (args.config !== undefined)
        throw new UsageError(
          "--config: the running powermon has its own; change that and `powermon reload`.",
        );
      return await tell(
        running.ask("applyProfile", { name: args.name, cpus: args.cpus, dryRun: args["dry-run"] }),
        { args, io },
        told,
      );
    }
    const roots = rootsOf(args);
    const profile = namedProfile(args.name, args);
    const sets = machineSets(roots);
    if (!sets.ok) {
      return failWith({ args, io }, STATUS.failed, [sets.error]);
    }
    const only =
      args.cpus === undefined ? undefined : { text: args.cpus, cpus: cpusNamed(args.cpus, sets.value) };
    const done = applyProfile(roots, profile, {
      sets: sets.value,
      only,
      dryRun: args["dry-run"],
      now: new Date().toISOString(),
    });
    if (!done.ok) {
      const { kind } = done.error;
      const reasons = explainProfile(done.error);
      const more = { profile: profile.name, applied: false, kind, reasons };
      const before = `powermon: profile ${profile.name}: `;
      return failWith({ args, io, before }, STATUS_OF[kind], reasons, more);
    }
    const report = { profile: profile.name, applied: !args["dry-run"], ...done.value };
    io.out(args.json ? json(report) : told(report));
    return STATUS.done;
  },
});

/** Returns the CPUs that --cpus names. Errors: UsageError. */
function cpusNamed(text: string, sets: CpuSets): readonly Pcpu[] {
  const cpus = selectCpus(text, sets);
  if (!cpus.ok) throw new UsageError(`--cpus: ${cpus.error}.`);
  if (cpus.value.length === 0) throw new UsageError(`--cpus: no CPU of this machine is ${text}.`);
  return cpus.value;
}

function told(report: AppliedReport): string {
  const { profile, applied, changes, left, rounded, warnings, clocks = [] } = report;
  const n = changes.length;
  const change = n === 0 ? "it changes nothing" : `it changes ${n} of the kernel's settings`;
  const lines = [applied ? `In force: ${profile}; ${change}` : `Would be in force: ${profile}; ${change}`];
  if (!applied && changes.length > 0) {
    const rows = changes.map(({ step, path, from, text, unlimited }) => [
      `${step}`,
      path,
      from,
      unlimited ? "no limit" : text,
    ]);
    lines.push(table([["STEP", "ATTRIBUTE", "FROM", "TO"], ...rows]));
    if (changes.some(({ knob, step }) => knob === "boost" && step < (changes.at(-1)?.step ?? 0)))
      lines.push(
        "Turbo moves what clocks can be set to: it is read again after step 1, and what follows is judged by that.",
      );
  }
  for (const one of rounded)
    lines.push(`The kernel holds ${one.held} where ${one.asked} was asked: ${one.path}`);
  for (const one of new Set(left.map(({ knob, why }) => `${knob}: ${why}`))) lines.push(`Left out: ${one}`);
  lines.push(...warnings, ...showClocks({ clocks, warnings: [] }));
  return lines.join("\n");
}
