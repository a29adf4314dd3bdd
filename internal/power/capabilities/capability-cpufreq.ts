// What the host can do about clocks: without it nobody could tell beforehand which profile this machine can take.

import { ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { readBoost } from "../../sysfs/cpufreq/boost.ts";
import { readWords } from "../../sysfs/choice.ts";
import { eppPath, readEpp } from "../../sysfs/energy-bias.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { readHardware } from "../../sysfs/hardware.ts";
import { listNumbered } from "../../sysfs/numbered.ts";
import { type Item, itemOf, uncontrollable } from "./item.ts";

/** One policy: the CPUs that share a clock. Frequencies in kHz. */
export interface PolicyCapability extends Item {
  readonly policy: DomainId;
  readonly cpus: readonly number[];
  readonly driver?: string;
  readonly governor?: string;
  readonly governors?: readonly string[];
  /** What the hardware can do. */
  readonly minKhz?: number;
  readonly maxKhz?: number;
  /** The highest that isn't turbo. */
  readonly baseKhz?: number;
  /** Within which limits it is held now. */
  readonly floorKhz?: number;
  readonly ceilingKhz?: number;
  /** Only where the driver lists them. */
  readonly frequencies?: readonly number[];
  readonly epp?: Item & { readonly current: string; readonly choices: readonly string[] };
}

/** Clocks and turbo. */
export interface CpufreqCapabilities {
  readonly policies: readonly PolicyCapability[];
  readonly boost: Item & {
    readonly supported: boolean;
    readonly on?: boolean;
    readonly files: readonly string[];
  };
  readonly smt: Item & { readonly active?: boolean; readonly control?: string };
}

/** Reads what can be done about clocks; a policy that can't be read is not controllable, with the reason. Errors: EACCES for the folder. */
export function readCpufreqCapabilities(cpuRoot: string): Result<CpufreqCapabilities, SysfsError> {
  const ids = listNumbered(`${cpuRoot}/cpufreq`, "policy");
  if (!ids.ok) return ids;
  const policies = ids.value as DomainId[];
  return ok({
    policies: policies.map((id) => readPolicy(cpuRoot, id)),
    boost: readBoostItem(cpuRoot, policies),
    smt: readSmt(cpuRoot),
  });
}

function readPolicy(cpuRoot: string, policy: DomainId): PolicyCapability {
  const dir = new AttrDir(`${cpuRoot}/cpufreq/policy${policy}`);
  const found = readHardware(cpuRoot, dir);
  if (!found.ok) return { policy, cpus: [], ...uncontrollable(explainSysfs(found.error)) };
  const { driver, governors, pcpus, min, max, base, listed, boosts } = found.value;
  const governor = dir.read("scaling_governor");
  const floor = dir.readNumber("scaling_min_freq");
  const ceiling = dir.readNumber("scaling_max_freq");
  const epp = readEpp(cpuRoot, policy);
  return {
    policy,
    cpus: pcpus,
    ...itemOf(`${dir.path}/scaling_governor`),
    driver,
    ...(governor.ok && governor.value !== undefined && { governor: governor.value }),
    governors: governors.filter((word) => word !== ""),
    minKhz: min,
    maxKhz: max,
    ...(base !== undefined && { baseKhz: base }),
    ...(floor.ok && floor.value !== undefined && { floorKhz: floor.value }),
    ...(ceiling.ok && ceiling.value !== undefined && { ceilingKhz: ceiling.value }),
    ...(listed.length > 0 && { frequencies: [...new Set([...boosts, ...listed])].sort((a, b) => b - a) }),
    ...(epp.ok &&
      epp.value && { epp: eppItem(cpuRoot, policy, governor.ok ? governor.value : undefined, epp.value) }),
  };
}

/** Under governor performance the drivers answer EBUSY to any EPP but performance. */
function eppItem(
  cpuRoot: string,
  policy: DomainId,
  governor: string | undefined,
  epp: { readonly current: string; readonly choices: readonly string[] },
) {
  const file = itemOf(`${cpuRoot}/${eppPath(policy)}`);
  const held = governor === "performance" && epp.current === "performance";
  return { ...epp, ...(file.controllable && held ? uncontrollable("governor performance holds it") : file) };
}

function readBoostItem(cpuRoot: string, policies: readonly DomainId[]): CpufreqCapabilities["boost"] {
  const switches = readBoost(cpuRoot, policies);
  if (!switches.ok) return { supported: true, files: [], ...uncontrollable(explainSysfs(switches.error)) };
  const [first] = switches.value;
  if (first === undefined)
    return {
      supported: false,
      files: [],
      ...uncontrollable("the driver shows no switch: the CPU has no turbo, or the firmware turned it off"),
    };
  return {
    supported: true,
    on: switches.value.some((one) => one.on),
    files: switches.value.map((one) => one.path),
    ...itemOf(`${cpuRoot}/${first.path}`),
  };
}

/** SMT is shown and never changed: taking CPUs offline breaks the accounting of whoever counts them. */
function readSmt(cpuRoot: string): CpufreqCapabilities["smt"] {
  const dir = new AttrDir(`${cpuRoot}/smt`);
  const active = dir.readNumber("active");
  const control = readWords(dir, "control");
  return {
    ...uncontrollable("powermon takes no CPUs offline: topology accounting breaks; use smt/control by hand"),
    ...(active.ok && active.value !== undefined && { active: active.value !== 0 }),
    ...(control.ok && control.value[0] !== undefined && { control: control.value[0] }),
  };
}
