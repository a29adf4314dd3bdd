// Energy counters and power limits of the packages, and which of them belong together.

import { all, err, ok, type Result } from "../values/result.ts";
import { absent, AttrDir } from "./attr.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";
import { listFolder, listNumbered } from "./numbered.ts";

/** One power limit of a zone. */
interface PowerLimit {
  /** Such as long_term. */
  readonly name: string;
  readonly limitUw: number | undefined;
  readonly windowUs: number | undefined;
  readonly maxUw: number | undefined;
  /** N of constraint_N. */
  readonly index: number;
}

/** One powercap zone. Source: Documentation/power/powercap/powercap.rst. */
export interface PowerZone {
  /** The folder's name, such as intel-rapl:0:0: the part before the first colon is the control type, the rest the place in the tree. */
  readonly id: string;
  /** Such as package-0, core, uncore, dram, psys. */
  readonly name: string;
  readonly path: string;
  /** The id of the zone that it is a part of. */
  readonly parent: string | undefined;
  /** The id of the zone of another control type that counts the same: a package is met by MSR and by MMIO. */
  readonly twinOf: string | undefined;
  /** Where the counter starts anew, uJ; undefined when the zone counts no energy. */
  readonly maxEnergyUj: number | undefined;
  readonly enabled: boolean | undefined;
  readonly limits: readonly PowerLimit[];
}

/**
 * Reads all zones, parents before children and intel-rapl before intel-rapl-mmio; none without powercap. Errors: as AttrDir.readNumber.
 * Source: drivers/powercap/intel_rapl_{msr,tpmi}.c, drivers/thermal/intel/int340x_thermal/processor_thermal_rapl.c.
 */
export function readPowerZones(sysfsRoot: string): Result<PowerZone[], SysfsError> {
  const folder = `${sysfsRoot}/class/powercap`;
  const names = listFolder(folder);
  if (!names.ok) return names;
  const ids = names.value.filter((name) => /^[\w-]+(:[0-9a-f]{1,4})+$/.test(name));
  ids.sort((a, b) => (typeOf(a) < typeOf(b) ? -1 : typeOf(a) > typeOf(b) ? 1 : 0));
  const zones = new Map<string, PowerZone>();
  const counted = new Map<string, string>();
  for (const id of ids) {
    const zone = readZone(id, new AttrDir(`${folder}/${id}`));
    if (!zone.ok) return zone;
    const { name, parent } = zone.value;
    const what = `${(parent && zones.get(parent)?.name) ?? ""}/${name}`;
    const first = counted.get(what) ?? id;
    counted.set(what, first);
    zones.set(id, { ...zone.value, twinOf: typeOf(first) === typeOf(id) ? undefined : first });
  }
  return ok([...zones.values()]);
}

const typeOf = (id: string): string => id.slice(0, id.indexOf(":"));

/** What folder's name is left when its last number goes; nothing for one that stands below its control type. */
function parentOf(id: string): string | undefined {
  const parent = id.slice(0, id.lastIndexOf(":"));
  return parent === typeOf(id) ? undefined : parent;
}

/**
 * Reads the energy counter of `zone` in microjoules, which wraps past maxEnergyUj. Exact: RAPL's counters stay under 2^53 uJ.
 * Errors: EACCES for anyone but root since Linux 5.10.
 */
export function readEnergy(zone: PowerZone): Result<number, SysfsError> {
  const value = new AttrDir(zone.path).readNumber("energy_uj");
  if (!value.ok) return value;
  return value.value === undefined ? err(notUnderstood(`${zone.path}/energy_uj`, "")) : ok(value.value);
}

/** Writes one limit of the zone at `path`, uW. Errors: EACCES or EPERM where the firmware has locked it, ENODATA where it backs none. */
export const writePowerLimit = (path: string, index: number, uw: number): Result<void, SysfsError> =>
  new AttrDir(path).write(`constraint_${index}_power_limit_uw`, `${uw}`);

/** Reads one limit of the zone at `path`, uW. Errors: as AttrDir.readNumber, ENOENT. */
export function readPowerLimit(path: string, index: number): Result<number, SysfsError> {
  const file = `constraint_${index}_power_limit_uw`;
  const value = new AttrDir(path).readNumber(file);
  return value.ok && value.value === undefined
    ? err(absent(`${path}/${file}`))
    : (value as Result<number, SysfsError>);
}

/** Switches the limits of the zone at `path` on or off. */
export const writeZoneEnabled = (path: string, enabled: boolean): Result<void, SysfsError> =>
  new AttrDir(path).write("enabled", enabled ? "1" : "0");

function readZone(id: string, dir: AttrDir): Result<Omit<PowerZone, "twinOf">, SysfsError> {
  const read = all({
    name: dir.read("name"),
    maxEnergyUj: dir.readNumber("max_energy_range_uj"),
    enabled: dir.readNumber("enabled"),
    limits: listNumbered(dir.path, "constraint_", "_name"),
  });
  if (!read.ok) return read;
  const { name = id, maxEnergyUj, enabled, limits } = read.value;
  return ok({
    id,
    name,
    path: dir.path,
    parent: parentOf(id),
    maxEnergyUj,
    enabled: enabled === undefined ? undefined : enabled !== 0,
    limits: limits.map((index) => readLimit(dir, index)),
  });
}

/** A limit that the firmware doesn't back answers ENODATA: it is then not known. */
function readLimit(dir: AttrDir, index: number): PowerLimit {
  const file = (what: string) => `constraint_${index}_${what}`;
  return {
    name: dir.peek(file("name")) ?? "",
    limitUw: dir.peekNumber(file("power_limit_uw")),
    windowUs: dir.peekNumber(file("time_window_us")),
    maxUw: dir.peekNumber(file("max_power_uw")),
    index,
  };
}
