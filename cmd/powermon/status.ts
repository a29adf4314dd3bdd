// powermon status: how the running powermon is, at one glance, and whether that is as it should be.

import * as v from "valibot";
import type { StatusReport } from "../../internal/api/status.ts";
import { parseArgs, wordList } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { clientOf, CONTROL_ARGS, countsText, fail } from "./control.ts";

/** What can be wrong, and what is said when it is. */
const FAULTS: Readonly<Record<string, (status: StatusReport) => string | undefined>> = {
  channels: ({ channels: { total, connected } }) =>
    connected < total ? `${total - connected} of ${total} channels are not connected` : undefined,
  drift: ({ counts }) => since(counts["drifts"], "times another tool changed a claimed frequency"),
  refusals: ({ counts }) => since(counts["refused"], "requests were refused"),
  failures: ({ counts }) => since(counts["failed"], "requests failed"),
  meter: ({ budget }) =>
    budget?.meterLost === undefined ? undefined : `the budget's meter is lost: ${budget.meterLost}`,
  problems: ({ problems }) => (problems.length > 0 ? `${problems.length} problems of clocks` : undefined),
};
const NAMES = Object.keys(FAULTS).join(", ");

const since = (count = 0, what: string) =>
  count > 0 ? `${count} ${what} since powermon started` : undefined;

const Words = v.object({
  "fail-on": v.optional(wordList(Object.keys(FAULTS))),
});

export default defineCommand({
  meta: {
    name: "status",
    summary: "show how the running powermon is",
    details: `Status 4 when none answers. With --fail-on status 1 when one of these is so, said on standard error: ${NAMES}; counts are those since powermon started.`,
    examples: ["powermon status", "powermon status --json", "powermon status --fail-on channels,drift"],
  },
  args: {
    "fail-on": {
      type: "string",
      valueHint: "LIST",
      description: `end with status 1 on some of ${NAMES}`,
    },
    ...CONTROL_ARGS,
  },
  async run({ args, io }) {
    const { "fail-on": names = [] } = parseArgs(Words, args);
    const asked = await clientOf(args).ask("status");
    if (!asked.ok) return fail(asked.error, args.json, io);
    const { value: status } = asked;
    const faults = names.flatMap((name) => FAULTS[name]?.(status) ?? []);
    io.out(args.json ? json({ ...status, ...(names.length > 0 && { faults }) }) : show(status));
    if (!args.json) for (const fault of faults) io.err(`powermon: ${fault}`);
    return faults.length > 0 ? STATUS.failed : STATUS.done;
  },
});

function show(status: StatusReport): string {
  return [
    `powermon ${status.version}, process ${status.pid}, up ${duration(status.uptimeS)}`,
    table([
      ["configuration", status.configFiles.join(", ") || "none, defaults alone"],
      ["channel folders", status.dirs.join(", ")],
      ["state folder", status.stateDir],
      ["cpufreq domains", `${status.domains} (${status.drivers.join(", ") || "no driver"})`],
      ["VMs", String(status.vms)],
      ["channels", `${status.channels.connected} of ${status.channels.total} connected`],
      ["claims", String(status.claims)],
      ...(status.budget === undefined ? [] : [["power budget", status.budget.says]]),
      ...(status.fleet === undefined ? [] : [["fleet", fleetLine(status.fleet)]]),
      ["counts", countsText(status.counts)],
    ]),
    ...status.problems.map((problem) => `Problem: ${problem}`),
    ...status.hung.map(
      ({ path, cpus, since, tries, nextTry }) =>
        `Hung: a call on ${path} did not return (found ${since}); ${cpus.length > 0 ? `the clock of CPU ${cpus.join(",")}` : "it"} is left alone, tried again ${tries} times, next at ${nextTry}`,
    ),
  ].join("\n");
}

/** Returns such as "rack7, 300 W granted, leads". */
function fleetLine({ group, leads, grantWatts, fallbackWatts }: NonNullable<StatusReport["fleet"]>): string {
  const may = grantWatts === undefined ? `the fallback of ${fallbackWatts} W` : `${grantWatts} W granted`;
  return `${group}, ${may}${leads ? ", leads" : ""}`;
}

/** Returns a time in the two largest units that it has, such as 3 h 5 min. */
function duration(seconds: number): string {
  const units = [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ] as const;
  const first = units.findIndex(([, size]) => seconds >= size);
  let left = Math.floor(seconds);
  return units
    .slice(first < 0 ? 3 : first, (first < 0 ? 3 : first) + 2)
    .map(([unit, size]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return `${count} ${unit}`;
    })
    .join(" ");
}
