// A change of one VM's settings at run time, laid over what the files say and taken off again once it is saved.

import type { VmChange } from "../api/vms.ts";
import { layOver, type VmChanges } from "../config/save.ts";
import type { ConfigFile, VmSection } from "../config/schema.ts";

/** Returns `file` with `settings` laid over those of one VM; what is undefined there is taken out. */
export function overlay(file: ConfigFile, vm: string, settings: VmChanges): ConfigFile {
  return { ...file, vm: { ...file.vm, [vm]: layOver(file.vm?.[vm] ?? {}, settings) } } as ConfigFile;
}

/** Returns `file` without the keys of `settings` in one VM's section. */
export function without(file: ConfigFile, vm: string, settings: VmChanges): ConfigFile {
  return overlay(file, vm, gone(settings));
}

/** Returns the same keys, all of them undefined. */
function gone(settings: object): object {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, key === "rate" ? gone(value) : undefined]),
  );
}

/** Returns a change as a configuration file would say it; what ends (null) is undefined. */
export function written({ requestsPerSecond, burst, leaseS, ...others }: VmChange): VmChanges {
  const said = (values: object) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) =>
        value === undefined ? [] : [[key, value ?? undefined] as const],
      ),
    );
  const rate = said({ requests_per_second: requestsPerSecond, burst });
  return said({ ...others, lease_s: leaseS, ...(Object.keys(rate).length > 0 && { rate }) });
}

/** Returns the keys of a VM's section as the API has them. */
export function namesIn({ rate, lease_s: lease, ...others }: VmSection): readonly string[] {
  return [
    ...Object.keys(others),
    ...(rate?.requests_per_second === undefined ? [] : ["requestsPerSecond"]),
    ...(rate?.burst === undefined ? [] : ["burst"]),
    ...(lease === undefined ? [] : ["leaseS"]),
  ];
}
