// Which built-in profile fits a machine, and why: judged by what the machine shows, so that it can be disagreed with.

import { cpusText } from "../../values/cpulist.ts";
import { all, err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { cpuRootOf, type MachineRoots } from "../../sysfs/cpufreq/originals.ts";
import { domainDir, FILE, listDomains } from "../../sysfs/cpufreq/files.ts";
import { readWords } from "../../sysfs/choice.ts";
import { driverOf } from "../../sysfs/driver/index.ts";
import { isOnBattery } from "../../sysfs/power-supply.ts";
import { findRunningVms, pinnedCpus } from "../running-vms.ts";
import { type CpuSets, readCpuSets, selectCpus } from "./cpu-selector.ts";
import { BUILT_IN } from "./host-profile.ts";
import { planProfile } from "./plan/plan.ts";

/** A profile for some CPUs. */
export interface Recommendation {
  readonly profile: "performance" | "balanced" | "powersave" | "latency";
  /** What `--cpus` is given; undefined for the whole machine. */
  readonly cpus?: string;
  /** A sentence without a full stop. */
  readonly why: string;
}

/** Returns what fits and can be applied, the one for most of the machine first; none where nothing of them can be set. Errors: a sentence. */
export function recommendProfile(roots: MachineRoots): Result<readonly Recommendation[], string> {
  const sets = readCpuSets(roots.sysfsRoot, () => ok([]));
  const fitting = sets.ok ? whatFits(roots, sets.value) : sets;
  if (!sets.ok || !fitting.ok) return fitting;
  return ok(fitting.value.filter((one) => canSet(cpuRootOf(roots), one, sets.value)));
}

/** Returns whether applying it would set anything. */
function canSet(cpuRoot: string, { profile, cpus }: Recommendation, sets: CpuSets): boolean {
  const asked = BUILT_IN.find(({ name }) => name === profile);
  const only = cpus === undefined ? ok(undefined) : selectCpus(cpus, sets);
  return (
    asked !== undefined &&
    only.ok &&
    planProfile(cpuRoot, asked, sets, { only: only.value }).settings.length > 0
  );
}

function whatFits(roots: MachineRoots, sets: CpuSets): Result<readonly Recommendation[], string> {
  const cpuRoot = cpuRootOf(roots);
  const read = all({ battery: isOnBattery(roots.sysfsRoot), domains: listDomains(cpuRoot) });
  if (!read.ok) return err(explainSysfs(read.error));
  const { battery, domains } = read.value;
  const { online, isolated } = sets;
  if (battery)
    return ok([{ profile: "powersave", why: "the machine runs on its battery: every watt is time" }]);
  const rest = restOf(cpuRoot, domains);
  if (isolated.length > 0 && isolated.length < online.length) {
    const pinned = findRunningVms(roots.procRoot)
      .filter((vm) => pinnedCpus(vm, online).some((cpu) => isolated.includes(cpu)))
      .map(({ vm }) => vm);
    const who =
      pinned.length > 0
        ? `, and ${pinned.join(", ")} ${pinned.length === 1 ? "is" : "are"} pinned there`
        : "";
    return ok([
      { ...rest, cpus: "housekeeping" },
      {
        profile: "latency",
        cpus: "isolated",
        why: `${cpusText(isolated)} ${isolated.length === 1 ? "is" : "are"} kept from the scheduler (isolcpus=)${who}: who does that wants answers at once`,
      },
    ]);
  }
  return ok([rest]);
}

/** Clocks that follow the load, where something follows it. */
function restOf(cpuRoot: string, domains: Parameters<typeof domainDir>[1][]): Recommendation {
  const [first] = domains;
  if (first === undefined)
    return {
      profile: "balanced",
      why: "no cpufreq driver runs: of a profile only hints and idle states are left",
    };
  const dir = domainDir(cpuRoot, first);
  const driver = dir.peek(FILE.driver) ?? "";
  const offered = readWords(dir, "scaling_available_governors");
  const follows = driverOf(driver).governors.dynamic.find(
    (name) => offered.ok && offered.value.includes(name),
  );
  return follows === undefined
    ? {
        profile: "performance",
        why: `${driver} offers no governor that follows the load: a fixed clock had better be the highest`,
      }
    : {
        profile: "balanced",
        why: `${driver} with governor ${follows} follows the load: idle CPUs cost little, and busy ones get the highest clock there is`,
      };
}
