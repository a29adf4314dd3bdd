// The machines that the model can be: which tree, which driver, and what the processor has.

import type { MachineName } from "./contract.ts";
import { acpiCpufreq, tabled } from "./acpi-cpufreq.ts";
import { AmdPstate } from "./amd-pstate.ts";
import { type Captured, takePolicies } from "./captured.ts";
import { cppcCpufreq } from "./cppc-cpufreq.ts";
import { Cpufreq, type Driver } from "./cpufreq.ts";
import { CPU, Files } from "./files.ts";
import { plugCpus } from "./hotplug.ts";
import { IntelPstate, METEOR_LAKE_EPP, pstatesOf, USUAL_EPP } from "./intel-pstate.ts";
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
  readonly mode?: "active" | "passive" | "guided";
  readonly hwp?: boolean;
  readonly turboOff?: boolean;
  readonly cpb?: boolean;
  readonly meteorLake?: boolean;
}

export const MACHINES: Readonly<Record<MachineName, Kind>> = {
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
  cppc_cpufreq: { tree: "cppc-cpufreq-6.12" },
};

/** A machine that lives in its files. */
export interface Model {
  readonly files: Files;
  asked(cpu: number): Asked | undefined;
  /** Sets a CPU's energy hint as the firmware would, raw. */
  setRawEpp(cpu: number, raw: number): void;
}

/** Makes the machine `name`, or one of any tree by the driver that it names, of the lines of its tree. */
export function model(name: string, lines: readonly string[]): Model {
  const files = new Files(lines);
  const kind: Omit<Kind, "tree"> = (MACHINES as Readonly<Record<string, Kind>>)[name] ?? {};
  const boost = files.line(`${CPU}/cpufreq/boost`);
  const captured = takePolicies(files);
  files.remove(`${CPU}/cpufreq/boost`);
  const core = new Cpufreq(files, new Map([...captured].map(([id, policy]) => [id, policy.related])));
  plugCpus(files, core);
  const [first] = captured.values();
  const driver = first?.driver ?? "";
  const built = build(files, core, captured, driver, kind, boost);
  settle(core, captured);
  return {
    files,
    setRawEpp: built.setRawEpp ?? (() => {}),
    asked: (cpu) => {
      const policy = [...core.policies.values()].find(({ cpus }) => cpus.has(cpu));
      return policy && (built.asked?.(policy, cpu) ?? plainly(policy));
    },
  };
}

interface Built {
  readonly asked?: (policy: Policy, cpu: number) => Asked;
  readonly setRawEpp?: (cpu: number, raw: number) => void;
}

function build(
  files: Files,
  core: Cpufreq,
  captured: ReadonlyMap<number, Captured>,
  driver: string,
  kind: Omit<Kind, "tree">,
  boost: string | undefined,
): Built {
  if (driver.startsWith("intel_")) {
    const [first] = captured.values();
    const hwp = kind.hwp ?? first?.epp !== undefined;
    const turboOff = kind.turboOff ?? false;
    const pstates = new Map([...captured].map(([id, policy]) => [id, pstatesOf(files, policy, turboOff)]));
    const epp = kind.meteorLake ? METEOR_LAKE_EPP : USUAL_EPP;
    const percent = (name: string) => Number(files.line(`${CPU}/intel_pstate/${name}_perf_pct`));
    const [max, min] = [percent("max"), percent("min")];
    const noTurbo = files.line(`${CPU}/intel_pstate/no_turbo`) === "1";
    const intel = new IntelPstate(files, core, captured, pstates, { hwp, turboOff, epp });
    const passive = driver === "intel_cpufreq" && kind.mode !== "active";
    intel.start(passive ? "passive" : "active");
    intel.setPercent(noTurbo, max, min);
    return { asked: (_, cpu) => intel.asked(cpu), setRawEpp: (cpu, raw) => intel.setRawEpp(cpu, raw) };
  }
  if (driver.startsWith("amd-pstate")) {
    const cppc = (name: string) => Number(files.line(`${CPU}/cpu0/acpi_cppc/${name}`) ?? 0);
    const perf = {
      highest: cppc("highest_perf"),
      nominal: cppc("nominal_perf"),
      lowest: cppc("lowest_perf"),
    };
    const cpb = kind.cpb ?? boost === "1";
    const amd = new AmdPstate(core, captured, { cpb, nominal: cppc("nominal_freq") * 1000, perf });
    const status = files.line(`${CPU}/amd_pstate/status`);
    amd.start(files, status === "active" || status === "guided" ? status : "passive");
    return { asked: (policy, cpu) => amd.asked(policy, cpu), setRawEpp: (cpu, raw) => amd.epp.set(cpu, raw) };
  }
  core.register(coreDriver(files, captured, driver, boost));
  return {};
}

function coreDriver(
  files: Files,
  captured: ReadonlyMap<number, Captured>,
  driver: string,
  boost: string | undefined,
): Driver {
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

/** Brings the policies to the governors and limits that were captured, where the driver has them. */
function settle(core: Cpufreq, captured: ReadonlyMap<number, Captured>): void {
  for (const policy of core.active()) {
    const found = captured.get(policy.id);
    if (!found) continue;
    const { limits, hardware, governor } = found;
    if (limits.min !== hardware.min) policy.asked.min = limits.min;
    if (limits.max !== hardware.max) policy.asked.max = limits.max;
    const known = !core.driver?.active || governor === "performance" || governor === "powersave";
    core.setPolicy(policy, known && governor ? governor : policy.governor);
  }
}

/** A driver that asks for nothing but a frequency. */
function plainly(policy: Policy): Asked {
  return { min: policy.cur, max: policy.cur, desired: policy.cur, epp: 0 };
}
