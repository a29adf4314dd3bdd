// What of Intel's Speed Select shows in /sys, and what does not: higher base clocks of some cores do, classes of service don't.

import { formatCpuList } from "../../values/cpulist.ts";
import { type Item, uncontrollable } from "./item.ts";

/** What a clock tells of it; kHz. */
interface Clock {
  readonly cpus: readonly number[];
  readonly driver?: string;
  readonly maxKhz?: number;
  readonly baseKhz?: number | undefined;
}

/** CPUs of one base frequency. */
interface BaseGroup {
  readonly baseKhz: number;
  readonly cpus: string;
}

/** Speed Select of a machine. */
export interface SpeedSelect {
  /** Base frequencies (SST-BF): `groups`, the highest first, where some CPUs have another than others of the same highest frequency. */
  readonly bf: Item & { readonly on: boolean; readonly groups: readonly BaseGroup[] };
  /** Core power (SST-CP). */
  readonly cp: Item & { readonly on: "unknown" };
}

const TOOL = "it is set by the firmware, or by intel-speed-select through /dev/isst_interface";

/**
 * Returns what `domains` tell; undefined where none is Intel's. Cores of a hybrid CPU have another highest frequency too, and are no SST-BF.
 * Source: Documentation/admin-guide/pm/intel-speed-select.rst.
 */
export function speedSelectOf(domains: readonly Clock[]): SpeedSelect | undefined {
  const intel = domains.filter(({ driver }) => driver?.startsWith("intel_"));
  if (intel.length === 0) return undefined;
  const differ = intel.some((one) =>
    intel.some((other) => other.maxKhz === one.maxKhz && other.baseKhz !== one.baseKhz),
  );
  const bases = new Map<number, number[]>();
  for (const { baseKhz, cpus } of intel)
    if (baseKhz !== undefined) bases.set(baseKhz, [...(bases.get(baseKhz) ?? []), ...cpus]);
  const groups = [...bases]
    .sort(([a], [b]) => b - a)
    .map(([baseKhz, cpus]) => ({ baseKhz, cpus: formatCpuList(cpus) }));
  return {
    bf: { ...uncontrollable(TOOL), on: differ, groups: differ ? groups : [] },
    cp: {
      ...uncontrollable(`/sys does not tell: ${TOOL}, whose calls powermon does not make`),
      on: "unknown",
    },
  };
}
