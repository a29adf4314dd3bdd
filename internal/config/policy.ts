// A written policy as the host applies it; keys that don't belong together are refused.

import { nearest } from "../values/nearest.ts";
import {
  EVERY_DAY,
  hourWindow,
  type Policy,
  POLICY_DEFAULTS,
  type PolicyRule,
  type TimeSpan,
  type TimeWindow,
  type TrafficRule,
} from "../values/policy.ts";
import type { PolicyType } from "../values/request.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Merged } from "./merge.ts";
import { DAYS, type PolicySection, policySection } from "./policy-schema.ts";
import { type ConfigProblem, type Finding, tomlKey } from "./problem.ts";
import { judgeAs, placed, readTable } from "./read.ts";

const TRAFFIC_KEYS = ["macs", "interfaces", "medium_pps", "max_pps", "fall_percent"] as const;
/** Keys beside type, vcpus and turbo, by the type they belong to. */
const KEYS: Readonly<Record<PolicyType, readonly (keyof PolicySection)[]>> = {
  time: ["timezone", "default", "windows", "busy_hours", "quiet_hours", "traffic_hours", ...TRAFFIC_KEYS],
  traffic: TRAFFIC_KEYS,
  workload: ["workload"],
  "branch-ratio": ["threshold_percent", "quiet_samples"],
};
const COMMON: readonly string[] = ["type", "vcpus", "turbo"];

/** Returns the policy in a TOML file, or a JSON one when it is named *.json. Errors: every problem, with its line in TOML. */
export function readPolicyFile(file: string): Result<Policy, ConfigProblem[]> {
  const written = readTable(file);
  return written.ok ? parsePolicy(written.value.raw, file, written.value.text) : written;
}

/** Returns `raw`, as JSON or TOML gave it, as a policy; problems are told as the file's. */
export function parsePolicy(raw: object, file = "the policy", text = ""): Result<Policy, ConfigProblem[]> {
  const section = judgeAs(policySection, file, raw, text);
  if (!section.ok) return section;
  const policy = policyOf(section.value);
  if (policy.ok) return policy;
  return err(
    policy.error.map(({ path, wrong, right }) => ({
      file,
      key: tomlKey(path),
      ...placed(text, path),
      wrong,
      right,
    })),
  );
}

/** Returns the policies that a configuration writes for VMs, by VM. */
export function writtenPolicies({ says }: Merged): ReadonlyMap<string, Policy> {
  const written = new Map<string, Policy>();
  for (const [vm, { policy }] of Object.entries(says.vm ?? {})) {
    const judged = policy && policyOf(policy);
    if (judged?.ok === true) written.set(vm, judged.value);
  }
  return written;
}

/** Returns a valid section as a policy. Errors: keys that don't go together, each where it is written. */
export function policyOf(section: PolicySection): Result<Policy, Finding[]> {
  const found = [...strays(section), ...lacks(section)];
  if (found.length > 0) return err(found);
  return ok({
    rule: ruleOf(section),
    vcpus: section.vcpus === undefined || section.vcpus === "all" ? "all" : [...new Set(section.vcpus)],
    turbo: section.turbo,
  });
}

function strays(section: PolicySection): Finding[] {
  const own: readonly string[] = KEYS[section.type];
  return Object.keys(section)
    .filter((key) => !COMMON.includes(key) && !own.includes(key))
    .map((key) => ({
      path: [key],
      wrong: `does not belong to a policy of type ${JSON.stringify(section.type)}`,
      right: `The keys of this type are ${own.join(", ")}.`,
    }));
}

function lacks(section: PolicySection): Finding[] {
  const need = (key: keyof PolicySection, right: string): Finding[] =>
    section[key] === undefined ? [{ path: [key], wrong: "is missing", right }] : [];
  switch (section.type) {
    case "traffic":
      return lacksTraffic(section, need);
    case "workload":
      return need("workload", 'Write "high", "medium" or "low".');
    case "branch-ratio":
      return [];
    case "time": {
      const { timezone, windows, busy_hours, quiet_hours, traffic_hours } = section;
      const found = timezone === undefined ? [] : refuseZone(timezone);
      if ((windows ?? busy_hours ?? quiet_hours ?? traffic_hours ?? section.default) === undefined) {
        const right = 'Write at least one, such as { from = "08:30", to = "17:00", level = "max" }.';
        found.push(...need("windows", right));
      }
      return followsTraffic(section) ? [...found, ...lacksTraffic(section, need)] : found;
    }
  }
}

function lacksTraffic(
  section: PolicySection,
  need: (key: keyof PolicySection, right: string) => Finding[],
): Finding[] {
  const { medium_pps: medium, max_pps: max } = section;
  const where = section.macs ?? section.interfaces;
  const found = [
    ...(where === undefined
      ? need("macs", "Write the VM's MAC addresses, or its interfaces on the host.")
      : []),
    ...need("medium_pps", "Write the packets per second from which on medium is due."),
    ...need("max_pps", "Write the packets per second from which on max is due."),
  ];
  if (medium !== undefined && max !== undefined && medium > max) {
    const wrong = `is ${medium}, above max_pps of ${max}`;
    found.push({ path: ["medium_pps"], wrong, right: "Write a rate that is not above max_pps." });
  }
  return found;
}

function followsTraffic({ windows, traffic_hours: hours }: PolicySection): boolean {
  return (hours ?? []).length > 0 || (windows ?? []).some(({ level }) => level === "traffic");
}

/** Returns a window's span in numbers. */
export const spanOf = (span: {
  readonly days?: readonly (typeof DAYS)[number][];
  readonly from: number;
  readonly to: number;
}): TimeSpan => ({
  days: span.days === undefined ? EVERY_DAY : span.days.map((day) => DAYS.indexOf(day) + 1),
  from: span.from,
  to: span.to,
});

/** Returns what is wrong with a time zone. Source: ECMA-402, Intl.supportedValuesOf; a zone may be known without being in that list. */
export function refuseZone(zone: string): Finding[] {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return [];
  } catch {
    const near = nearest(zone, Intl.supportedValuesOf("timeZone"));
    const right =
      near === undefined
        ? 'Write an IANA name, such as "Europe/Berlin".'
        : `Did you mean ${JSON.stringify(near)}?`;
    return [{ path: ["timezone"], wrong: `is ${JSON.stringify(zone)}, which is no time zone`, right }];
  }
}

function ruleOf(section: PolicySection): PolicyRule {
  const traffic: TrafficRule = {
    macs: [...new Set(section.macs)],
    interfaces: [...new Set(section.interfaces)],
    mediumPps: section.medium_pps ?? 0,
    maxPps: section.max_pps ?? 0,
    fallPercent: section.fall_percent ?? POLICY_DEFAULTS.fallPercent,
  };
  switch (section.type) {
    case "time": {
      const windows: TimeWindow[] = (section.windows ?? []).map(({ level, ...span }) => ({
        ...spanOf(span),
        level,
      }));
      for (const hour of section.busy_hours ?? []) windows.push(hourWindow(hour, "max"));
      for (const hour of section.quiet_hours ?? []) windows.push(hourWindow(hour, "min"));
      for (const hour of section.traffic_hours ?? []) windows.push(hourWindow(hour, "traffic"));
      return {
        type: "time",
        timeZone: section.timezone,
        windows,
        otherwise: section.default,
        traffic,
      };
    }
    case "traffic":
      return { type: "traffic", traffic };
    case "workload":
      return { type: "workload", workload: section.workload ?? "medium" };
    case "branch-ratio":
      return {
        type: "branch-ratio",
        threshold: (section.threshold_percent ?? POLICY_DEFAULTS.threshold * 100) / 100,
        quietSamples: section.quiet_samples ?? POLICY_DEFAULTS.quietSamples,
      };
  }
}
