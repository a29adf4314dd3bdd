// Whether this machine's clocks can be set: driver, governors, permissions, what a crash left.

import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { writeAccess } from "../../../internal/sysfs/access.ts";
import { AttrDir } from "../../../internal/sysfs/attr.ts";
import type { Cpufreq, Domain } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { driverOf } from "../../../internal/sysfs/driver/index.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { setspeed } from "../../../internal/sysfs/cpufreq/pin.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

/** What powermon writes of a policy, where it is there. */
const WRITTEN = ["scaling_governor", "scaling_setspeed", "scaling_min_freq", "scaling_max_freq"];

/** Returns what is to say about the machine's cpufreq domains. Reads only. */
export function checkMachine(cpufreq: Cpufreq, isRoot = process.geteuid?.() === 0): Finding[] {
  const { domains, problems } = cpufreq;
  const broken = problems.map((error) =>
    problem("cpufreq", `${explainSysfs(error)}.`, "See why the kernel refuses it; that domain is left out."),
  );
  if (domains.length === 0) {
    const todo =
      "Enable the CPU's frequency scaling in the firmware and load its driver (acpi-cpufreq, intel_pstate, amd-pstate); inside a VM there is none.";
    return [...broken, problem("cpufreq", "This machine has no cpufreq domains.", todo)];
  }
  const findings: Finding[] = [...broken];
  for (const [driver, own] of groupBy(domains, ({ driver }) => driver)) {
    findings.push(note("cpufreq", describe(driver, own)));
    if (driverOf(driver).names.length === 0) {
      findings.push(
        warning(
          "driver",
          `Driver ${JSON.stringify(driver)} is not known to powermon: a frequency is held by equal limits.`,
          "Look with `powermon freq show` whether the kernel follows.",
        ),
      );
    }
  }
  return [...findings, ...checkGovernors(domains), ...checkPermissions(domains, isRoot)];
}

function describe(driver: string, domains: readonly Domain[]): string {
  const cpus = domains.flatMap(({ pcpus }) => [...pcpus]);
  const [first] = domains;
  const steps = first?.table.steps ?? [];
  const turbo = domains.some(({ hasTurbo }) => hasTurbo) ? "with turbo" : "without turbo";
  return `CPUs ${formatCpuList(cpus)}: driver ${driver}, ${domains.length} domains, ${steps.at(-1)} to ${steps[0]} kHz, ${turbo}.`;
}

function checkGovernors(domains: readonly Domain[]): Finding[] {
  const without = domains.filter(({ driver, dir }) => {
    if (driverOf(driver).pin !== setspeed) return false;
    const governors = new AttrDir(dir).read("scaling_available_governors");
    return governors.ok && !(governors.value ?? "").split(" ").includes("userspace");
  });
  if (without.length === 0) return [];
  return [
    warning(
      "governor",
      `Domains ${formatCpuList(without.map(({ id }) => id))} offer no governor userspace: frequencies are held by equal limits, which takes two writes.`,
      "Load it with `modprobe cpufreq_userspace`.",
    ),
  ];
}

function checkPermissions(domains: readonly Domain[], isRoot: boolean): Finding[] {
  if (!isRoot) {
    const todo = "Run this as root, as the service does, to see whether the files can be written.";
    return [warning("permissions", "Who you are may not say what powermon may write.", todo)];
  }
  for (const { dir } of domains) {
    for (const file of WRITTEN) {
      const access = writeAccess(`${dir}/${file}`);
      if (access === "writable" || access === "absent") continue;
      const todo =
        "Give powermon a writable /sys: in a container mount it so, in a unit leave ProtectKernelTunables off.";
      return [problem("permissions", `${dir}/${file} can't be written (${access}).`, todo)];
    }
  }
  return [];
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
