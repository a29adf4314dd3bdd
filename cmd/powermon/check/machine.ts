// Whether this machine's clocks can be set: driver, governors, permissions, what a crash left.

import { cpusText, formatCpuList } from "../../../internal/values/cpulist.ts";
import { clockRange, isBelievable } from "../../../internal/power/capabilities/clock-range.ts";
import { writeAccess } from "../../../internal/sysfs/access.ts";
import { readBoost } from "../../../internal/sysfs/cpufreq/boost.ts";
import type { Cpufreq, Domain } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { readHardware } from "../../../internal/sysfs/cpufreq/domain-state.ts";
import { FILE } from "../../../internal/sysfs/cpufreq/files.ts";
import { cpuRootOf } from "../../../internal/sysfs/cpufreq/originals.ts";
import { readPercentLimits } from "../../../internal/sysfs/cpufreq/percent.ts";
import type { Hardware } from "../../../internal/sysfs/driver/driver.ts";
import { generic } from "../../../internal/sysfs/driver/generic.ts";
import { driverOf } from "../../../internal/sysfs/driver/index.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import type { Pcpu } from "../../../internal/values/units.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

/** What powermon writes of a domain, where it is there. */
const WRITTEN = [FILE.governor, FILE.speed, FILE.floor, FILE.ceiling];

/** Returns what is to say about the machine's cpufreq domains. Reads only. @param sysfsRoot the root that `cpufreq` was read from */
export function checkMachine(
  cpufreq: Cpufreq,
  sysfsRoot: string,
  isRoot = process.geteuid?.() === 0,
): Finding[] {
  const { domains, problems } = cpufreq;
  const offline = offlineCpus(cpufreq);
  const findings: Finding[] = problems
    // A domain answers so while none of its CPUs is online.
    .filter(({ code }) => code !== "EBUSY" || offline.length === 0)
    .map((error) =>
      problem(
        "cpufreq",
        `${explainSysfs(error)}.`,
        "See why the kernel refuses it; that domain is left out.",
      ),
    );
  if (domains.length === 0) {
    const todo =
      "Enable the CPU's frequency scaling in the firmware and load its driver (acpi-cpufreq, intel_pstate, amd-pstate); inside a VM there is none.";
    return [...findings, problem("cpufreq", "This machine has no cpufreq domains.", todo)];
  }
  findings.push(...checkClocks(domains, cpuRootOf({ sysfsRoot })));
  if (offline.length > 0) {
    const [are, their, they] =
      offline.length === 1 ? ["is", "its clock", "it is"] : ["are", "their clocks", "they are"];
    const what = `${cpusText(offline)} ${are} offline; ${their} can be set when ${they} online.`;
    findings.push(note("cpufreq", what));
  }
  for (const driver of new Set(domains.map((one) => one.driver)))
    if (driverOf(driver) === generic) {
      const what = `Driver ${JSON.stringify(driver)} is not known to powermon: a frequency is held by equal limits.`;
      findings.push(warning("driver", what, "Look with `powermon freq show` whether the kernel follows."));
    }
  return [...findings, ...checkGovernors(domains), ...checkPermissions(domains, isRoot)];
}

/** Returns the CPUs that are plugged in and don't run; none where the machine does not tell. */
export function offlineCpus({ topology }: Cpufreq): Pcpu[] {
  const [present, online] = [topology.present(), topology.online()];
  if (!present.ok || !online.ok || online.value.length === 0) return [];
  const running = new Set(online.value);
  return present.value.filter((cpu) => !running.has(cpu));
}

/** A machine may have clocks of several kinds: clusters, cores of two sizes, cores with a higher base. */
function checkClocks(domains: readonly Domain[], cpuRoot: string): Finding[] {
  const boost = readBoost(
    cpuRoot,
    domains.map(({ id }) => id),
  );
  const hasSwitch = boost.ok && boost.value.length > 0;
  const found = domains.flatMap(({ id }) => {
    const hardware = readHardware(cpuRoot, id);
    return hardware.ok ? [hardware.value] : [];
  });
  const kinds = Map.groupBy(found, (one) => `driver ${one.driver}, # ${clockRange(one, hasSwitch)}`);
  const notes = [...kinds].map(([kind, own]) => {
    const count = `${own.length} domain${own.length === 1 ? "" : "s"},`;
    return note("cpufreq", `${cpusOf(own)}: ${kind.replace("#", count)}.`);
  });
  return [...notes, ...checkMaxima(found), ...checkPercents(found, cpuRoot)];
}

function checkMaxima(found: readonly Hardware[]): Finding[] {
  const odd = Map.groupBy(found, ({ max }) => max);
  return [...odd].flatMap(([max, own]) => {
    if (isBelievable(max)) return [];
    const what = `The kernel says that the highest clock of ${cpusOf(own)} is ${max} kHz, which is out of the believable range: the firmware's tables, or what the driver makes of them, are wrong.`;
    return [
      warning(
        "cpufreq",
        what,
        "Read it as no more than the highest; a newer kernel or firmware may know better.",
      ),
    ];
  });
}

function checkPercents(found: readonly Hardware[], cpuRoot: string): Finding[] {
  const limited = found.flatMap((one) => readPercentLimits(cpuRoot, one).map((limit) => ({ one, limit })));
  const files = Map.groupBy(limited, ({ limit }) => limit.file);
  return [...files].flatMap(([file, own]) => {
    const [first] = own;
    if (first === undefined) return [];
    const isCeiling = file.endsWith("max_perf_pct");
    const most = `${isCeiling ? "at most" : "at least"} ${first.limit.percent} %`;
    const what = `${file} holds ${cpusOf(own.map(({ one }) => one))} to ${most} of their highest clock with turbo, whatever their own limits say.`;
    if (!isCeiling) return [note("limits", what)];
    return [warning("limits", what, `If that is not meant, write 100 to ${cpuRoot}/${file}.`)];
  });
}

/** Returns such as "CPU 3" or "CPUs 0-3". */
function cpusOf(found: readonly Hardware[]): string {
  return cpusText(found.flatMap(({ pcpus }) => pcpus));
}

function checkGovernors(domains: readonly Domain[]): Finding[] {
  const without = domains.filter(({ lacksUserspace }) => lacksUserspace);
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
