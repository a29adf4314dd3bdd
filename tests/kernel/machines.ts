// The machines that the model can be: which tree, which driver, and what the processor has.

import type { MachineName } from "./contract.ts";
import { acpiCpufreq, tabled } from "./acpi-cpufreq.ts";
import { AmdPstate } from "./amd-pstate.ts";
import { type Captured, takePolicies } from "./captured.ts";
import { cppcCpufreq } from "./cppc-cpufreq.ts";
import { Cpufreq, type Driver, GOVERNORS } from "./cpufreq.ts";
import { CPU, Files } from "./files.ts";
import { plugCpus } from "./hotplug.ts";
import { METEOR_LAKE_EPP, pstatesOf, USUAL_EPP } from "./intel-cpu.ts";
import { IntelPstate } from "./intel-pstate.ts";
import type { Policy } from "./policy.ts";

/** What the hardware was asked for: ratios of 100 MHz on intel_pstate, the scale of CPPC on amd-pstate, else kHz. `epp` is raw. */
export interface Asked {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly epp: number;
}

/** What a machine is beside its tree. */
interface Kind {
  readonly tree: string;
  /** Other than the tree's. */
  readonly mode?: "active";
  readonly turboOff?: boolean;
  readonly cpb?: boolean;
  readonly meteorLake?: boolean;
  /** Linux 6.16 in place of 6.12, as far as amd-pstate's limits and boost go. */
  readonly newer?: boolean;
}

/** Machines that no lab has, written from the kernel's sources alone. */
export type SourceMachineName = "amd-pstate-active-6.16" | "amd-pstate-passive-6.16";

export const MACHINES: Readonly<Record<MachineName | SourceMachineName, Kind>> = {
  "acpi-cpufreq-boost": { tree: "acpi-cpufreq-boost-6.12" },
  "amd-pstate-active": { tree: "amd-pstate-epp-performance-6.12" },
  "amd-pstate-active-no-cpb": { tree: "amd-pstate-epp-performance-6.12", cpb: false },
  "amd-pstate-guided": { tree: "amd-pstate-guided-6.12" },
  "amd-pstate-passive": { tree: "amd-pstate-passive-6.12" },
  "intel_pstate-hwp": { tree: "intel_pstate-active-hwp-6.12" },
  "intel_pstate-no-hwp": { tree: "intel_pstate-nohwp-6.12", mode: "active" },
  "intel_cpufreq-hwp": { tree: "intel_cpufreq-passive-hwp-6.12" },
  "intel_cpufreq-no-hwp": { tree: "intel_pstate-nohwp-6.12" },
  "intel_pstate-turbo-off": { tree: "intel_pstate-turbo-off-bios-6.12", turboOff: true },
  "intel_pstate-mtl": { tree: "intel_pstate-active-hwp-6.12", meteorLake: true },
  "amd-pstate-active-6.16": { tree: "amd-pstate-epp-powersave-6.12", newer: true },
  "amd-pstate-passive-6.16": { tree: "amd-pstate-passive-6.12", newer: true },
  cppc_cpufreq: { tree: "cppc-cpufreq-6.12" },
};

/** A machine that lives in its files. */
export interface Model {
  readonly files: Files;
  asked(cpu: number): Asked | undefined;
  /** Sets a CPU's energy hint as the firmware would, raw. */
  setRawEpp(cpu: number, raw: number): void;
  /** From now on `reads` readings after a write of a limit show the old one. */
  setLate(reads: number): void;
}

/** Makes the machine `name`, or one of any tree by the driver that it names, of the lines of its tree. */
export function model(name: string, lines: readonly string[]): Model {
  const files = new Files(lines);
  const kind: Omit<Kind, "tree"> = (MACHINES as Readonly<Record<string, Kind>>)[name] ?? {};
  const boost = files.line(`${CPU}/cpufreq/boost`);
  const captured = takePolicies(files);
  files.remove(`${CPU}/cpufreq/boost`);
  const [first] = captured.values();
  const core = new Cpufreq(files, new Map([...captured].map(([id, policy]) => [id, policy.related])), {
    governors: first?.governors ?? GOVERNORS,
    ownBoost: first?.ownBoost ?? false,
    forcesBoost: kind.newer ?? false,
  });
  plugCpus(files, core);
  const built = build({ files, core, captured, boost, driver: first?.driver ?? "" }, kind);
  settle(core, captured, built);
  return {
    files,
    setRawEpp: built.setRawEpp,
    setLate: (reads) => {
      core.lateReads = reads;
    },
    asked: (cpu) => {
      const policy = [...core.policies.values()].find(({ cpus }) => cpus.has(cpu));
      return policy && built.asked(policy, cpu);
    },
  };
}

/** A driver at work. */
interface Built {
  asked(policy: Policy, cpu: number): Asked;
  setRawEpp(cpu: number, raw: number): void;
  /** Brings a policy to the energy hint that was captured, a word or a number. */
  setEpp(policy: Policy, word: string): void;
}

interface Parts {
  readonly files: Files;
  readonly core: Cpufreq;
  readonly captured: ReadonlyMap<number, Captured>;
  /** The driver's name. */
  readonly driver: string;
  /** What cpufreq/boost said; undefined where there was none. */
  readonly boost: string | undefined;
}

function build(parts: Parts, kind: Omit<Kind, "tree">): Built {
  if (parts.driver.startsWith("intel_")) return buildIntel(parts, kind);
  if (parts.driver.startsWith("amd-pstate")) return buildAmd(parts, kind);
  parts.core.register(coreDriver(parts));
  const nothing = () => {};
  return {
    setRawEpp: nothing,
    setEpp: nothing,
    asked: ({ cur }) => ({ min: cur, max: cur, desired: cur, epp: 0 }),
  };
}

function buildIntel({ files, core, captured, driver }: Parts, kind: Omit<Kind, "tree">): Built {
  const hwp = [...captured.values()].some(({ epp }) => epp !== undefined);
  const turboOff = kind.turboOff ?? false;
  const pstates = new Map([...captured].map(([id, policy]) => [id, pstatesOf(files, policy, turboOff)]));
  const epp = kind.meteorLake ? METEOR_LAKE_EPP : USUAL_EPP;
  const percent = (name: string) => Number(files.line(`${CPU}/intel_pstate/${name}_perf_pct`));
  const [max, min] = [percent("max"), percent("min")];
  const noTurbo = files.line(`${CPU}/intel_pstate/no_turbo`) === "1";
  const intel = new IntelPstate(files, core, captured, pstates, { hwp, turboOff, epp });
  intel.start(driver === "intel_cpufreq" && kind.mode !== "active" ? "passive" : "active");
  intel.setPercent(noTurbo, max, min);
  return {
    asked: (_, cpu) => intel.asked(cpu),
    setRawEpp: (cpu, raw) => intel.setRawEpp(cpu, raw),
    setEpp: (policy, word) => intel.setEpp(policy.id, word),
  };
}

function buildAmd({ files, core, captured, driver, boost }: Parts, kind: Omit<Kind, "tree">): Built {
  const cppc = (name: string) => Number(files.line(`${CPU}/cpu0/acpi_cppc/${name}`) ?? 0);
  const own = [...captured.values()].some(({ ownBoost }) => ownBoost);
  const amd = new AmdPstate(core, captured, {
    cpb: kind.cpb ?? (boost ?? (own ? "1" : "0")) === "1",
    unaskedMin: kind.newer ? Number([...captured.values()][0]?.rest.amd_pstate_lowest_nonlinear_freq) : 0,
    boostFiles: boost !== undefined || own,
    nominal: cppc("nominal_freq") * 1000,
    perf: { highest: cppc("highest_perf"), nominal: cppc("nominal_perf"), lowest: cppc("lowest_perf") },
  });
  const status = files.line(`${CPU}/amd_pstate/status`);
  if (driver === "amd-pstate-epp") amd.start(files, "active");
  else amd.start(files, status === "guided" ? "guided" : "passive");
  const setRawEpp = (cpu: number, raw: number) => void amd.epp.set(cpu, raw);
  return {
    setRawEpp,
    asked: (policy, cpu) => amd.asked(policy, cpu),
    setEpp: ({ related }, word) => related.forEach((cpu) => setRawEpp(cpu, AmdPstate.rawEpp(word))),
  };
}

function coreDriver({ files, captured, driver, boost }: Parts): Driver {
  if (driver === "acpi-cpufreq")
    return acpiCpufreq(captured, boost === undefined ? undefined : boost === "1");
  if (driver !== "cppc_cpufreq") return tabled(captured);
  const cppc = (name: string) => Number(files.line(`${CPU}/cpu0/acpi_cppc/${name}`) ?? 0);
  // cppc_perf_to_khz(), drivers/acpi/cppc_acpi.c: above nominal in proportion to it.
  return cppcCpufreq(
    captured,
    Math.floor((cppc("highest_perf") * cppc("nominal_freq") * 1000) / cppc("nominal_perf")),
  );
}

/** Brings the policies to the governors, limits and hints that were captured, where the driver has them. */
function settle(core: Cpufreq, captured: ReadonlyMap<number, Captured>, built: Built): void {
  for (const policy of core.active()) {
    const found = captured.get(policy.id);
    if (!found) continue;
    const { limits, hardware, governor, epp } = found;
    if (limits.min !== hardware.min) policy.asked.min = limits.min;
    if (limits.max !== hardware.max) policy.asked.max = limits.max;
    const known = !core.driver?.active || governor === "performance" || governor === "powersave";
    core.setPolicy(policy, known ? governor : policy.governor);
    if (epp !== undefined && policy.governor !== "performance") built.setEpp(policy, epp);
  }
}
