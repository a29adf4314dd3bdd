// powermon profile show: what a profile asks for.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import type { HostProfile } from "../../../internal/power/profiles/host-profile.ts";
import { CONFIG_ARG, namedProfile } from "./profiles.ts";

export default defineCommand({
  meta: {
    name: "show",
    summary: "show what a profile asks for; apply --dry-run shows what that comes to on this machine",
    examples: ["powermon profile show latency", "powermon profile show latency --json"],
  },
  args: {
    name: { type: "positional", valueHint: "NAME", description: "the profile" },
    ...CONFIG_ARG,
    json: { type: "boolean", description: "print one JSON document" },
  },
  run({ args, io }) {
    const profile = namedProfile(args.name, args);
    io.out(args.json ? json(profile) : `${profile.name}: ${profile.summary}\n${table(rowsOf(profile))}`);
    return STATUS.done;
  },
});

function rowsOf(profile: HostProfile): string[][] {
  const rows = [["CPUS", "KNOB", "VALUE"]];
  const row = (cpus: string, knob: string, value: unknown) => {
    if (value !== undefined) rows.push([cpus, knob, String(value)]);
  };
  row("machine", "boost", profile.boost === undefined ? undefined : profile.boost ? "on" : "off");
  row("machine", "uncore floor", profile.uncore?.floor);
  row("machine", "uncore ceiling", profile.uncore?.ceiling);
  row("machine", "latency", profile.latencyUs === undefined ? undefined : `${profile.latencyUs} us`);
  for (const { cpus, governor, floor, ceiling, epp, epb, deepestState, latencyUs } of profile.rules) {
    row(cpus, "governor", governor);
    row(cpus, "floor", floor);
    row(cpus, "ceiling", ceiling);
    row(cpus, "EPP", epp);
    row(cpus, "EPB", epb);
    row(cpus, "deepest idle state", deepestState);
    row(cpus, "latency", latencyUs === undefined ? undefined : `${latencyUs} us`);
  }
  return rows;
}
