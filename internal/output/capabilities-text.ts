// The report for people: without it they would have to read JSON to learn why a knob doesn't turn.

import { formatCpuList } from "../values/cpulist.ts";
import { table } from "./table.ts";

interface Item {
  readonly controllable: boolean;
  readonly why?: string;
}

/** What is shown; each part may be absent. */
interface Report {
  readonly sleep?: {
    readonly targets: readonly (Item & {
      readonly target: string;
      readonly choices?: readonly string[];
      readonly choice?: string;
    })[];
    readonly wakeClock: Item & { readonly name?: string };
  };
  readonly cpufreq?: {
    readonly policies: readonly (Item & {
      readonly cpus: readonly number[];
      readonly driver?: string;
      readonly governor?: string;
      readonly floorKhz?: number;
      readonly ceilingKhz?: number;
      readonly epp?: Item & { readonly current: string };
    })[];
    readonly boost: Item & { readonly on?: boolean };
    readonly smt: Item & { readonly active?: boolean };
  };
  readonly cpuidle?: Item & {
    readonly driver?: string;
    readonly states: readonly (Item & {
      readonly name: string;
      readonly cpus: string;
      readonly latencyUs: number;
      readonly disabledCpus: string;
    })[];
    readonly latency: Item & {
      readonly limits: readonly { readonly cpus: string; readonly limitUs: number }[];
    };
  };
  readonly epb?: Item & { readonly values: readonly { readonly cpus: string; readonly epb: number }[] };
  readonly uncore?: readonly (Item & {
    readonly name: string;
    readonly minKhz: number;
    readonly maxKhz: number;
  })[];
  readonly powercap?: readonly (Item & { readonly name: string; readonly energyUj?: number })[];
  readonly problems: readonly string[];
}

/** Returns one line a thing: what it is, how it stands, whether it can be changed and, if not, why. */
export function capabilitiesText(report: Report): string {
  const rows: string[][] = [["WHAT", "NOW", "CONTROL", "WHY NOT"]];
  const row = (what: string, now: string, { controllable, why = "" }: Item) =>
    rows.push([what, now || "-", controllable ? "yes" : "no", why]);
  for (const one of report.sleep?.targets ?? [])
    row(`suspend ${one.target}`, one.choice ? `${one.choice} of ${(one.choices ?? []).join(",")}` : "", one);
  if (report.sleep) row("wake clock", report.sleep.wakeClock.name ?? "", report.sleep.wakeClock);
  for (const [key, policies] of groupPolicies(report.cpufreq?.policies ?? [])) {
    const [first] = policies;
    if (!first) continue;
    const cpus = formatCpuList(policies.flatMap((one) => one.cpus));
    row(`clock of CPUs ${cpus || "?"}`, key, first);
    if (first.epp) row(`EPP of CPUs ${cpus}`, first.epp.current, first.epp);
  }
  if (report.cpufreq) {
    row("boost", onOff(report.cpufreq.boost.on), report.cpufreq.boost);
    row("SMT", onOff(report.cpufreq.smt.active), report.cpufreq.smt);
  }
  if (report.cpuidle && report.cpuidle.states.length === 0) row("idle states", "", report.cpuidle);
  for (const state of report.cpuidle?.states ?? [])
    row(
      `idle state ${state.name} of CPUs ${state.cpus}`,
      `${state.latencyUs} us${state.disabledCpus ? `, off on ${state.disabledCpus}` : ""}`,
      state,
    );
  if (report.cpuidle) {
    const { limits } = report.cpuidle.latency;
    const now = limits.map((one) => `${one.limitUs} us on ${one.cpus}`).join("; ");
    row("latency limit", now, report.cpuidle.latency);
  }
  if (report.epb)
    row("EPB", report.epb.values.map((one) => `${one.epb} on ${one.cpus}`).join("; "), report.epb);
  for (const one of report.uncore ?? []) row(`uncore ${one.name}`, `${one.minKhz}-${one.maxKhz} kHz`, one);
  for (const zone of report.powercap ?? [])
    row(`power zone ${zone.name}`, zone.energyUj === undefined ? "" : `${zone.energyUj / 1e6} J`, zone);
  return [table(rows), ...report.problems].join("\n");
}

type Policy = NonNullable<Report["cpufreq"]>["policies"][number];

/** Policies that stand alike are one line: a host has hundreds. */
function groupPolicies(policies: readonly Policy[]): Map<string, Policy[]> {
  const groups = new Map<string, Policy[]>();
  for (const one of policies) {
    const words = [
      one.driver ?? "?",
      one.governor ?? "?",
      `${one.floorKhz ?? "?"}-${one.ceilingKhz ?? "?"} kHz`,
    ];
    const key = words.join(" ");
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

const onOff = (on: boolean | undefined): string => (on === undefined ? "" : on ? "on" : "off");
