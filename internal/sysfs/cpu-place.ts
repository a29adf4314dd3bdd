// Where each CPU sits: package, die, core.

import { all, ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { Topology } from "./topology.ts";

/** One CPU's place; undefined numbers while it is offline. Source: Documentation/admin-guide/cputopology.rst. */
export interface CpuPlace {
  readonly cpu: Pcpu;
  readonly online: boolean;
  readonly package: number | undefined;
  readonly die: number | undefined;
  readonly core: number | undefined;
  /** The CPUs of its core, itself included. */
  readonly siblings: readonly Pcpu[];
}

/** Reads the place of every CPU that is present. Errors: as AttrDir.read. */
export function readCpuPlaces(sysfsRoot: string): Result<CpuPlace[], SysfsError> {
  const topology = new Topology(sysfsRoot);
  const read = all({ present: topology.present(), online: topology.online() });
  if (!read.ok) return read;
  const running = new Set(read.value.online);
  const places: CpuPlace[] = [];
  for (const cpu of read.value.present) {
    const dir = new AttrDir(`${sysfsRoot}/devices/system/cpu/cpu${cpu}/topology`);
    const siblings = topology.siblings(cpu);
    if (!siblings.ok) return siblings;
    places.push({
      cpu,
      online: running.has(cpu),
      // The kernel says -1 where the firmware tells nothing.
      package: dir.peekNumber("physical_package_id"),
      die: dir.peekNumber("die_id"),
      core: dir.peekNumber("core_id"),
      siblings: siblings.value,
    });
  }
  return ok(places);
}
