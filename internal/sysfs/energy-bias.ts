// A CPU's energy and performance bias (EPB), which weighs its speed against energy where the driver has no such knob.

import { err, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";

/** Returns where a CPU's EPB is, from the folder of CPUs on. */
export const epbPath = (cpu: Pcpu): string => `cpu${cpu}/power/energy_perf_bias`;

/** Reads a CPU's EPB, 0 (performance) to 15 (energy); undefined when it has none. Errors: as AttrDir.readNumber, EINVAL past 15. */
export function readEpb(cpuRoot: string, cpu: Pcpu): Result<number | undefined, SysfsError> {
  const value = new AttrDir(cpuRoot).readNumber(epbPath(cpu));
  if (value.ok && value.value !== undefined && value.value > 15)
    return err(notUnderstood(`${cpuRoot}/${epbPath(cpu)}`, `${value.value}`));
  return value;
}
