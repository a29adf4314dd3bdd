// A change of one VM's settings at run time, laid over what the files say and taken off again once it is saved.

import type { VmChange } from "../api/vms.ts";
import type { VmChanges } from "../config/save.ts";
import type { Bound, ConfigFile } from "../config/schema.ts";

/** Returns `file` with `settings` laid over those of one VM. */
export function overlay(file: ConfigFile, vm: string, settings: VmChanges): ConfigFile {
  const old = file.vm?.[vm];
  const rate = { ...old?.rate, ...settings.rate };
  const section = { ...old, ...settings, ...(Object.keys(rate).length > 0 ? { rate } : {}) };
  return { ...file, vm: { ...file.vm, [vm]: section } } as ConfigFile;
}

/** Returns `file` without the keys of `settings` in one VM's section. */
export function without(file: ConfigFile, vm: string, settings: VmChanges): ConfigFile {
  const section: Record<string, unknown> = { ...file.vm?.[vm], rate: { ...file.vm?.[vm]?.rate } };
  const rate = section["rate"] as Record<string, unknown>;
  for (const key of Object.keys(settings.rate ?? {})) delete rate[key];
  for (const key of Object.keys(settings)) if (key !== "rate") delete section[key];
  if (Object.keys(rate).length === 0) delete section["rate"];
  return { ...file, vm: { ...file.vm, [vm]: section } } as ConfigFile;
}

/** Returns a change as a configuration file would say it. */
export function written({
  requestsPerSecond,
  burst,
  floor,
  ceiling,
  ...flags
}: VmChange): VmChanges & object {
  const rate = {
    ...(requestsPerSecond === undefined ? {} : { requests_per_second: requestsPerSecond }),
    ...(burst === undefined ? {} : { burst }),
  };
  const section: Record<string, unknown> = { ...flags, floor, ceiling };
  if (Object.keys(rate).length > 0) section["rate"] = rate;
  for (const key of Object.keys(section)) if (section[key] === undefined) delete section[key];
  return section as { floor?: Bound };
}
