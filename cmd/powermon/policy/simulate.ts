// powermon policy simulate: what a policy would do, before it does it.

import * as v from "valibot";
import { cpuNumbers, nonEmpty, parseArgs } from "../../../internal/cli/args.ts";
import { ownZone } from "../../../internal/os/time-zone.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { readPolicyFile } from "../../../internal/config/policy.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { simulate } from "../../../internal/rules/simulation.ts";
import { parseTrace, type Trace } from "../../../internal/rules/trace.ts";
import type { Policy } from "../../../internal/values/policy.ts";
import { explainProblem } from "../../../internal/values/problem.ts";
import { Cpufreq, type Domain } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { type Pcpu, pcpu } from "../../../internal/values/units.ts";
import { thisMinute, timeOf, traceOf } from "../dry-run-input.ts";
import { ROOT_ARGS, absolutePath } from "../roots.ts";
import { failWith } from "../../fail.ts";
import { simulationJson, simulationText } from "./text.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A month of samples takes seconds, a year would take minutes. */
const MAX_DAYS = 31;

const Args = v.object({
  file: absolutePath,
  cpus: v.optional(cpuNumbers),
  "sysfs-root": absolutePath,
  traffic: v.optional(nonEmpty),
  branches: v.optional(nonEmpty),
});

export default defineCommand({
  meta: {
    name: "simulate",
    summary: "show when a policy would change which CPU, and for how long it would stay",
    details:
      "Writes nothing. vCPU n stands on the n-th of --cpus. The highest wish holds where CPUs share a clock; other VMs and limits are not looked at.\n" +
      "Times without an offset are of the policy's time zone. TRACE.csv has a time (seconds from --from, or ISO 8601 with an offset) and rates per second a line, each holding until the next.",
    examples: [
      "powermon policy simulate --file night.toml --from 2026-03-28 --to 2026-03-30",
      "powermon policy simulate --file web.toml --traffic TRACE.csv --cpus 2,3 --json",
    ],
  },
  args: {
    file: {
      type: "string",
      required: true,
      valueHint: "FILE",
      description: "the policy, TOML or (named *.json) JSON",
    },
    from: { type: "string", valueHint: "TIME", description: "start, such as 2026-03-29T00:00 (default now)" },
    to: { type: "string", valueHint: "TIME", description: "end (default a day after the start)" },
    traffic: { type: "string", valueHint: "TRACE.csv", description: "packets received per second over time" },
    branches: {
      type: "string",
      valueHint: "TRACE.csv",
      description: "branches and branch misses per second over time",
    },
    cpus: {
      type: "string",
      valueHint: "LIST",
      description: "CPUs of the VM's vCPUs 0, 1, ... (default all)",
    },
    "sysfs-root": ROOT_ARGS["sysfs-root"],
    json: { type: "boolean", description: "print one JSON document" },
  },
  run({ args, io }): Status {
    const parsed = parseArgs(Args, args);
    const policy = readPolicyFile(parsed.file);
    if (!policy.ok) {
      return failWith({ args, io, before: "" }, STATUS.usage, policy.error.map(describeProblem));
    }
    const { rule } = policy.value;
    const zone = (rule.type === "time" ? rule.timeZone : undefined) ?? ownZone();
    const from = timeOf({ from: args.from }, zone) ?? thisMinute();
    const to = timeOf({ to: args.to }, zone) ?? from + DAY_MS;
    if (to <= from || to - from > MAX_DAYS * DAY_MS + HOUR_MS) {
      throw new UsageError(`--to must be later than --from, by ${MAX_DAYS} days at most.`);
    }
    const rates = (flag: string, file: string | undefined, columns: number) =>
      file === undefined ? undefined : traceOf(flag, file, (text) => parseTrace(text, columns, from));
    const traces = {
      traffic: rates("--traffic", parsed.traffic, 1),
      branches: rates("--branches", parsed.branches, 2),
    };
    refuseUnfed(policy.value, traces);
    const cpufreq = new Cpufreq({ sysfsRoot: parsed["sysfs-root"], procRoot: "/proc", stateDir: "" });
    const scanned = cpufreq.refresh();
    if (!scanned.ok) {
      return failWith({ args, io }, STATUS.failed, [explainSysfs(scanned.error)]);
    }
    if (cpufreq.domains.length === 0) {
      const why = "This machine has no cpufreq domains; name a tree that has some by --sysfs-root.";
      return failWith({ args, io }, STATUS.unsupported, [why]);
    }
    const cpus = cpusOf(parsed.cpus, cpufreq);
    const done = simulate({
      policy: policy.value,
      cpus,
      domains: cpufreq.domains as readonly Domain[],
      from,
      to,
      ...traces,
    });
    if (!done.ok) {
      return failWith({ args, io }, STATUS.failed, [explainProblem(done.error)]);
    }
    const show = args.json ? simulationJson : simulationText;
    io.out(show(done.value, { from, to, zone, type: policy.value.rule.type }));
    return STATUS.done;
  },
});

function cpusOf(wanted: readonly number[] | undefined, cpufreq: Cpufreq): readonly Pcpu[] {
  if (wanted === undefined) return cpufreq.domains.flatMap(({ pcpus }) => pcpus).sort((a, b) => a - b);
  const cpus = wanted.map(pcpu);
  const without = cpus.find((cpu) => cpufreq.domainOf(cpu) === undefined);
  if (without !== undefined)
    throw new UsageError(`--cpus names CPU ${without}, which has no cpufreq domain.`);
  return cpus;
}

/** A dry run without what the policy listens to would show nothing and look like an answer. */
function refuseUnfed(
  { rule }: Policy,
  traces: { readonly traffic: Trace | undefined; readonly branches: Trace | undefined },
): void {
  const follows =
    rule.type === "traffic" ||
    (rule.type === "time" && rule.windows.some(({ level }) => level === "traffic"));
  if (follows && traces.traffic === undefined)
    throw new UsageError("The policy follows traffic; give it some by --traffic TRACE.csv.");
  if (rule.type === "branch-ratio" && traces.branches === undefined) {
    throw new UsageError("The policy follows branches; give it some by --branches TRACE.csv.");
  }
}
