// What the host can do about clocks, so that it is known beforehand which profile this machine can take.

import { ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { pathOf } from "../../sysfs/attribute.ts";
import { type BoostSwitch, lacksTurbo, NO_TURBO_HERE, readBoost } from "../../sysfs/cpufreq/boost.ts";
import { type DomainState, readDomainState } from "../../sysfs/cpufreq/domain-state.ts";
import type { Epp } from "../../sysfs/cpufreq/epp.ts";
import { listDomains } from "../../sysfs/cpufreq/files.ts";
import { type PercentLimit, readPercentLimits } from "../../sysfs/cpufreq/percent.ts";
import { PSTATE_MODES, readPstateMode } from "../../sysfs/driver/pstate-mode.ts";
import { readWords } from "../../sysfs/choice.ts";
import { driverOf } from "../../sysfs/driver/index.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { remarkOnMax } from "./clock-range.ts";
import { speedSelectOf, type SpeedSelect } from "./capability-sst.ts";
import { type Item, itemAt, uncontrollable } from "./item.ts";

/** One domain: the CPUs that share a clock. Frequencies in kHz. */
export interface DomainCapability extends Item {
  readonly domain: DomainId;
  readonly cpus: readonly number[];
  readonly driver?: string;
  readonly governor?: string | undefined;
  readonly governors?: readonly string[];
  /** What the hardware can do. */
  readonly minKhz?: number;
  readonly maxKhz?: number;
  /** What is to say of maxKhz where it is not what it seems. */
  readonly maxRemark?: string | undefined;
  /** The highest that isn't turbo. */
  readonly baseKhz?: number | undefined;
  /** Within which limits it is held now. */
  readonly floorKhz?: number | undefined;
  readonly ceilingKhz?: number | undefined;
  /** What limits beside these, in per cent of maxKhz; only where something does. */
  readonly percentLimits?: readonly PercentLimit[] | undefined;
  /** Only where the driver lists them. */
  readonly frequencies?: readonly number[] | undefined;
  readonly epp?: (Item & Epp) | undefined;
}

/** Clocks and turbo. */
export interface CpufreqCapabilities {
  readonly domains: readonly DomainCapability[];
  /** Why there are none; absent where there are. */
  readonly why?: string | undefined;
  readonly boost: Item & {
    readonly supported: boolean;
    readonly on?: boolean;
    readonly files: readonly string[];
  };
  /** The mode of intel_pstate or amd_pstate; absent where neither is there. */
  readonly mode?:
    | (Item & { readonly driver: string; readonly mode: string; readonly modes: readonly string[] })
    | undefined;
  readonly sst?: SpeedSelect | undefined;
  readonly smt: Item & { readonly active?: boolean | undefined; readonly control?: string | undefined };
}

/** What is said where no clock can be set. */
const NO_CPUFREQ = "no cpufreq driver runs: none is loaded, the firmware allows none, or this is a VM";

/** Reads what can be done about clocks; a domain that can't be read is not controllable, with the reason. Errors: EACCES for the folder. */
export function readCpufreqCapabilities(
  cpuRoot: string,
  procRoot: string,
): Result<CpufreqCapabilities, SysfsError> {
  const ids = listDomains(cpuRoot);
  if (!ids.ok) return ids;
  const switches = readBoost(cpuRoot, ids.value);
  const hasSwitch = switches.ok && switches.value.length > 0;
  const states = ids.value.map((id) => ({ id, state: readDomainState(cpuRoot, id) }));
  const hasTurbo = states.some(({ state }) => state.ok && tableOf(state.value).nominal > 0);
  const domains = states.map(({ id, state }) => domainOf(cpuRoot, id, state, hasSwitch));
  return ok({
    domains,
    why: domains.length === 0 ? NO_CPUFREQ : undefined,
    boost: boostOf(cpuRoot, procRoot, switches, hasTurbo, domains.length > 0),
    mode: modeOf(cpuRoot),
    sst: speedSelectOf(domains),
    smt: readSmt(cpuRoot),
  });
}

function domainOf(
  cpuRoot: string,
  domain: DomainId,
  state: Result<DomainState, SysfsError>,
  hasSwitch: boolean,
): DomainCapability {
  if (!state.ok) {
    // Source: drivers/cpufreq/cpufreq.c, show(): a policy without CPUs is busy.
    const why = state.error.code === "EBUSY" ? "its CPUs are offline" : explainSysfs(state.error);
    return { domain, cpus: [], ...uncontrollable(why) };
  }
  const percentLimits = readPercentLimits(cpuRoot, state.value);
  const { driver, governor, governors, pcpus, min, max, base, listed, boosts } = state.value;
  return {
    domain,
    cpus: pcpus,
    ...itemAt(cpuRoot, { knob: "governor", domain }),
    driver,
    governor,
    governors,
    minKhz: min,
    maxKhz: max,
    maxRemark: remarkOnMax(state.value, hasSwitch),
    baseKhz: base,
    ...heldLimits(state.value),
    percentLimits: percentLimits.length > 0 ? percentLimits : undefined,
    frequencies: listed.length > 0 ? [...new Set([...boosts, ...listed])].sort((a, b) => b - a) : undefined,
    epp: eppItem(cpuRoot, state.value),
  };
}

/**
 * Returns the limits with the driver's for all CPUs, where a domain's minimum wins over the maximum of all, and its maximum over the
 * minimum. Source: drivers/cpufreq/intel_pstate.c, intel_pstate_update_perf_limits.
 */
function heldLimits({ floor, ceiling, bounds, min, max }: DomainState) {
  if (floor === undefined || ceiling === undefined) return { floorKhz: floor, ceilingKhz: ceiling };
  const least = bounds.min > min ? bounds.min : floor;
  const most = bounds.max < max ? bounds.max : ceiling;
  const ceilingKhz = Math.max(floor, Math.min(ceiling, most));
  return { floorKhz: Math.min(Math.max(floor, least), ceilingKhz), ceilingKhz };
}

function eppItem(cpuRoot: string, { id, driver, governor, epp }: DomainState): DomainCapability["epp"] {
  if (!epp.ok || !epp.value) return undefined;
  const file = itemAt(cpuRoot, { knob: "epp", domain: id });
  const { holdsEpp } = driverOf(driver).governors;
  // Raw 0, which has no word on Meteor Lake and shows as default.
  const least = ["performance", "default"].includes(epp.value.current);
  const held = holdsEpp !== undefined && governor === holdsEpp && least;
  return {
    ...epp.value,
    ...(file.controllable && held ? uncontrollable(`governor ${holdsEpp} holds it`) : file),
  };
}

const tableOf = (found: DomainState) => driverOf(found.driver).table(found);

function boostOf(
  cpuRoot: string,
  procRoot: string,
  switches: Result<BoostSwitch[], SysfsError>,
  hasTurbo: boolean,
  hasDomains: boolean,
): CpufreqCapabilities["boost"] {
  if (!switches.ok) return { supported: true, files: [], ...uncontrollable(explainSysfs(switches.error)) };
  const [first] = switches.value;
  if (first === undefined) {
    // amd-pstate has a switch since Linux 6.11 only; without one turbo stays as the firmware has it.
    const none = hasDomains
      ? "the driver shows no switch of turbo, nor a frequency that is turbo"
      : NO_CPUFREQ;
    return hasTurbo
      ? {
          supported: true,
          on: true,
          files: [],
          ...uncontrollable("the driver, in this kernel, has no switch of turbo"),
        }
      : { supported: false, files: [], ...uncontrollable(none) };
  }
  const on = switches.value.some((one) => one.on);
  const file = itemAt(cpuRoot, first.attribute);
  return {
    supported: true,
    on,
    files: switches.value.map((one) => pathOf(one.attribute)),
    // The kernel refuses to turn it on then; what is on shows that it can be.
    ...(file.controllable && !on && lacksTurbo(procRoot) ? uncontrollable(NO_TURBO_HERE) : file),
  };
}

function modeOf(cpuRoot: string): CpufreqCapabilities["mode"] {
  const now = readPstateMode(cpuRoot);
  if (now === undefined) return undefined;
  const { driver, mode } = now;
  const modes: readonly string[] = PSTATE_MODES[driver];
  const item = modes.includes(mode)
    ? itemAt(cpuRoot, { knob: "pstate mode", driver })
    : uncontrollable("the driver is off: another one serves the clocks");
  return { ...item, driver, mode, modes };
}

/** Why nobody can switch SMT, by what smt/control says. Source: Documentation/ABI/testing/sysfs-devices-system-cpu, smt. */
const NO_SMT: Readonly<Record<string, string>> = {
  "": "the kernel shows no switch of SMT",
  forceoff: "it is off until the machine boots anew",
  notsupported: "the CPUs have none, or the firmware has turned it off",
  notimplemented: "the kernel can't switch it on this architecture",
};

/** SMT is shown and never changed: taking CPUs offline breaks the accounting of whoever counts them. */
function readSmt(cpuRoot: string): CpufreqCapabilities["smt"] {
  const dir = new AttrDir(`${cpuRoot}/smt`);
  const active = dir.peekNumber("active");
  const control = readWords(dir, "control");
  const word = (control.ok && control.value[0]) || "";
  return {
    ...uncontrollable(
      NO_SMT[word] ?? "powermon takes no CPUs offline: topology accounting breaks; use smt/control by hand",
    ),
    active: active === undefined ? undefined : active !== 0,
    control: word || undefined,
  };
}
