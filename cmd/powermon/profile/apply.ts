// powermon profile apply: puts a profile in force, whole or not at all.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import {
  type AppliedOutcome,
  applyProfile,
  explainProfile,
  type ProfileRefusal,
} from "../../../internal/power/profile-apply.ts";
import { ROOT_ARGS, rootsOf } from "../roots.ts";
import { CONFIG_ARG, profileNamed } from "./profiles.ts";
import { cpuSetsOf, cpusNamed } from "./sets.ts";

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
      "Status 3: a guest's claim holds a clock now. Status 5: this machine lacks a knob that the profile insists on, or has none of them.",
    examples: [
      "powermon profile apply latency --cpus isolated",
      "powermon profile apply powersave --dry-run",
      "powermon profile apply performance --cpus vm:web",
    ],
  },
  args: {
    name: { type: "positional", valueHint: "NAME", description: "the profile" },
    cpus: {
      type: "string",
      valueHint: "LIST",
      description:
        "only these CPUs: a list, all, isolated, housekeeping or vm:NAME; knobs of the whole machine are then left alone",
    },
    "dry-run": { type: "boolean", description: "show what would be written and write nothing" },
    ...CONFIG_ARG,
    ...ROOT_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  run({ args, io }) {
    const roots = rootsOf(args);
    const profile = profileNamed(args.name, args);
    const sets = cpuSetsOf(roots);
    if (!sets.ok) {
      io.err(`powermon: ${sets.error}`);
      return STATUS.failed;
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
      const reasons = explainProfile(done.error);
      if (args.json) io.out(json({ profile: profile.name, applied: false, kind: done.error.kind, reasons }));
      for (const reason of reasons) io.err(`powermon: profile ${profile.name}: ${reason}`);
      return STATUS_OF[done.error.kind];
    }
    const applied = !args["dry-run"];
    io.out(
      args.json
        ? json({ profile: profile.name, applied, ...done.value })
        : told(profile.name, applied, done.value),
    );
    return STATUS.done;
  },
});

function told(name: string, applied: boolean, { changes, left, rounded }: AppliedOutcome): string {
  const lines = [
    `${applied ? "In force" : "Would be in force"}: ${name}, ${changes.length} attributes change`,
  ];
  if (!applied && changes.length > 0)
    lines.push(
      table([["ATTRIBUTE", "FROM", "TO"], ...changes.map(({ path, from, text }) => [path, from, text])]),
    );
  for (const one of rounded)
    lines.push(`The kernel holds ${one.held} where ${one.asked} was asked: ${one.path}`);
  for (const one of new Set(left.map(({ knob, why }) => `${knob}: ${why}`))) lines.push(`Left out: ${one}`);
  return lines.join("\n");
}
