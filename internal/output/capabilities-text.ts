// What the host can do, as a table for people.

import { cpusText } from "../values/cpulist.ts";
import type { HostCapabilities, ZoneCapability } from "../power/capabilities/capabilities.ts";
import type { DomainCapability } from "../power/capabilities/capability-cpufreq.ts";
import type { Item } from "../power/capabilities/item.ts";
import { table } from "./table.ts";

/** Returns one line a thing: what it is, how it stands, whether it can be changed and, if not, why. */
export function capabilitiesText(report: HostCapabilities): string {
  const rows: string[][] = [["WHAT", "NOW", "CONTROL", "WHY NOT"]];
  const row = (what: string, now: string, { controllable, why = "" }: Item) =>
    rows.push([what, now || "-", controllable ? "yes" : "no", why]);
  for (const one of report.sleep?.targets ?? [])
    row(`suspend ${one.target}`, one.choice ? `${one.choice} of ${(one.choices ?? []).join(",")}` : "", one);
  if (report.sleep) row("wake clock", report.sleep.wakeClock.name ?? "", report.sleep.wakeClock);
  if (report.cpufreq?.why) row("clocks", "", { controllable: false, why: report.cpufreq.why });
  for (const [key, domains] of groupAlike(report.cpufreq?.domains ?? [])) {
    const [first] = domains;
    if (!first) continue;
    const all = domains.flatMap((one) => one.cpus);
    const cpus = all.length > 0 ? cpusText(all) : `domain ${first.domain}`;
    row(`clock of ${cpus}`, key, first);
    if (first.epp) row(`EPP of ${cpus}`, first.epp.current, first.epp);
  }
  if (report.cpufreq) {
    const { mode, sst } = report.cpufreq;
    if (mode) row(`mode of ${mode.driver}`, `${mode.mode} of ${mode.modes.join(",")}`, mode);
    if (sst)
      row(
        "Speed Select, base frequency",
        sst.bf.groups.map(({ baseKhz, cpus }) => `${baseKhz} kHz on ${cpus}`).join("; ") || "off",
        sst.bf,
      );
    if (sst) row("Speed Select, core power", sst.cp.on, sst.cp);
    row("boost", onOff(report.cpufreq.boost.on), report.cpufreq.boost);
    row("SMT", onOff(report.cpufreq.smt.active), report.cpufreq.smt);
  }
  if (report.cpuidle && report.cpuidle.states.length === 0) row("idle states", "", report.cpuidle);
  for (const state of report.cpuidle?.states ?? [])
    row(
      `idle state ${state.name} of ${cpusText(state.cpus)}`,
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
  for (const zone of report.powercap ?? []) row(`power zone ${zone.name} (${zone.id})`, counted(zone), zone);
  return [table(rows), ...report.problems].join("\n");
}

/** Returns the joules of a zone, and which other zone counts the same. */
function counted({ energyUj, energyWhy, twinOf }: ZoneCapability): string {
  const joules =
    energyUj === undefined
      ? energyWhy === undefined
        ? ""
        : "not readable, --json says why"
      : `${energyUj / 1e6} J`;
  return twinOf === undefined ? joules : `${joules}, counts the same as ${twinOf}`;
}

/** Domains that stand alike are one line: a host has hundreds. */
function groupAlike(domains: readonly DomainCapability[]): Map<string, DomainCapability[]> {
  const groups = new Map<string, DomainCapability[]>();
  for (const one of domains) {
    const key = one.driver === undefined ? "-" : clockOf(one);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}

function clockOf(one: DomainCapability): string {
  const { driver, governor = "?", floorKhz = "?", ceilingKhz = "?", baseKhz, maxKhz = 0, maxRemark } = one;
  return [
    `${driver} ${governor} ${floorKhz}-${ceilingKhz} kHz`,
    ...(baseKhz !== undefined && baseKhz < maxKhz ? [`base ${baseKhz} kHz`] : []),
    ...(maxRemark === undefined ? [] : [`${maxKhz} kHz is ${maxRemark}`]),
    ...(one.percentLimits ?? []).map(({ file, percent }) => `${file} ${percent} %`),
  ].join(", ");
}

const onOff = (on: boolean | undefined): string => (on === undefined ? "" : on ? "on" : "off");
