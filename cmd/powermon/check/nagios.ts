// What a check found as a monitoring plugin tells it: a line with the state and figures, then what was found.

import type { Finding } from "./finding.ts";

/** What a plugin's exit status means: Monitoring Plugins Development Guidelines, "Plugin Return Codes". */
const PLUGIN_STATUS = { OK: 0, WARNING: 1, CRITICAL: 2 } as const;

/** Returns a plugin's output and exit status. Problems are critical; notes are left out. */
export function nagios(findings: readonly Finding[]) {
  const of = (severity: Finding["severity"]) => findings.filter((finding) => finding.severity === severity);
  const problems = of("problem");
  const warnings = of("warning");
  const state = problems.length > 0 ? "CRITICAL" : warnings.length > 0 ? "WARNING" : "OK";
  const told = [...problems, ...warnings].map(({ severity, about, what, todo }) =>
    plain(`${severity}: ${about}: ${what}${todo === undefined ? "" : ` ${todo}`}`),
  );
  const [first = "nothing is wrong"] = [...problems, ...warnings].map(({ what }) => plain(what));
  const more = told.length > 1 ? ` (and ${told.length - 1} more)` : "";
  const figures = `problems=${problems.length};;0;0 warnings=${warnings.length};0;;0`;
  return {
    text: [`POWERMON ${state} - ${first}${more} | ${figures}`, ...told].join("\n"),
    status: PLUGIN_STATUS[state],
  };
}

/** A bar would start the figures, a line break another part. */
const plain = (text: string) => text.replaceAll("|", "/").replace(/\s+/g, " ");
