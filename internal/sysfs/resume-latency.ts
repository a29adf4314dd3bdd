// A CPU's latency limit in the kernel's odd words, where "n/a" is no latency and 0 no limit.

import { ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";

/** Returns where the limit of `cpu` is, from the folder of CPUs on. */
export const resumeLatencyPath = (cpu: Pcpu): string => `cpu${cpu}/power/pm_qos_resume_latency_us`;

/**
 * Returns `us` as the attribute takes it: "0" means no limit there, "n/a" none at all.
 * Source: Documentation/ABI/testing/sysfs-devices-power, pm_qos_resume_latency_us.
 * @param us microseconds from 0 up; undefined for no limit
 */
export const formatResumeLatency = (us: number | undefined): string =>
  us === undefined ? "0" : us === 0 ? "n/a" : `${us}`;

/** What stands in the attribute: a limit in microseconds, or undefined for none. */
export interface ResumeLatency {
  readonly limitUs: number | undefined;
}

/** Reads the limit of `cpu`; undefined when it can't have one. Errors: as AttrDir.read, EINVAL for other text. */
export function readResumeLatency(cpuRoot: string, cpu: Pcpu): Result<ResumeLatency | undefined, SysfsError> {
  const line = new AttrDir(cpuRoot).read(resumeLatencyPath(cpu));
  if (!line.ok || line.value === undefined) return line as Result<undefined, SysfsError>;
  if (line.value === "n/a") return ok({ limitUs: 0 });
  if (!/^\d{1,10}$/.test(line.value))
    return { ok: false, error: notUnderstood(`${cpuRoot}/${resumeLatencyPath(cpu)}`, line.value) };
  return ok({ limitUs: line.value === "0" ? undefined : Number(line.value) });
}
