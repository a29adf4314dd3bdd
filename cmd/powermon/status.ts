// powermon status: how the running powermon is, at one glance.

import { table } from "../../internal/output/table.ts";
import { askCommand } from "./ask-command.ts";
import { countsText } from "./control.ts";

export default askCommand("status", {
  meta: {
    name: "status",
    summary: "show how the running powermon is",
    details: "Status 4 when none answers.",
    examples: ["powermon status", "powermon status --json"],
  },
  show: (status) =>
    [
      `powermon ${status.version}, process ${status.pid}, up ${duration(status.uptimeS)}`,
      table([
        ["configuration", status.configFiles.join(", ") || "none, defaults alone"],
        ["channel folders", status.dirs.join(", ")],
        ["state folder", status.stateDir],
        ["cpufreq domains", `${status.domains} (${status.drivers.join(", ") || "no driver"})`],
        ["VMs", String(status.vms)],
        ["channels", `${status.channels.connected} of ${status.channels.total} connected`],
        ["claims", String(status.claims)],
        ["counts", countsText(status.counts)],
      ]),
      ...status.problems.map((problem) => `Problem: ${problem}`),
      ...status.hung.map(
        ({ path, cpus, since, tries, nextTry }) =>
          `Hung: a call on ${path} did not return (found ${since}); ${cpus.length > 0 ? `the clock of CPU ${cpus.join(",")}` : "it"} is left alone, tried again ${tries} times, next at ${nextTry}`,
      ),
    ].join("\n"),
});

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
