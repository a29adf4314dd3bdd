// Energy counters and power limits of the packages: without it joules could only be guessed.

import { all, err, ok, type Result } from "../values/result.ts";
import { AttrDir } from "./attr.ts";
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
  /** Where the counter starts anew, uJ; undefined when the zone counts no energy. */
  readonly maxEnergyUj: number | undefined;
  readonly enabled: boolean | undefined;
  readonly limits: readonly PowerLimit[];
}

/** Reads all zones, parents before children; none without powercap. Errors: as AttrDir.readNumber. */
export function readPowerZones(sysfsRoot: string): Result<PowerZone[], SysfsError> {
  const folder = `${sysfsRoot}/class/powercap`;
  const names = listFolder(folder);
  if (!names.ok) return names;
  const zones: PowerZone[] = [];
  for (const id of names.value.filter((name) => /^[\w-]+(:[0-9a-f]{1,4})+$/.test(name))) {
    const dir = new AttrDir(`${folder}/${id}`);
    const zone = readZone(id, dir);
    if (!zone.ok) return zone;
    zones.push(zone.value);
  }
  return ok(zones);
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

function readZone(id: string, dir: AttrDir): Result<PowerZone, SysfsError> {
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
