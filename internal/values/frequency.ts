// A core's frequencies and how one moves among them: host, guest and drivers must agree on what "up" and "medium" mean.

import type { Step } from "./request.ts";
import { type Khz, khz } from "./units.ts";

/** The frequencies a domain can be set to. */
export interface FrequencyTable {
  /** Descending, at least one entry, each once. Turbo entries, if any, come first. */
  readonly steps: readonly Khz[];
  /** Index in `steps` of the highest frequency that is not turbo. */
  readonly nominal: number;
}

/** A place in a table together with the leave to go above nominal. */
export interface Level {
  readonly khz: Khz;
  readonly turbo: boolean;
}

/** Returns the highest frequency allowed: turbo's when `turbo`, else nominal. */
export function highest(table: FrequencyTable, turbo: boolean): Khz {
  return at(table, turbo ? 0 : table.nominal);
}

/** Returns the lowest frequency of the table. */
export function lowest(table: FrequencyTable): Khz {
  return at(table, table.steps.length - 1);
}

/**
 * Returns the part of `table` from `min` to `max` kHz: what is left, or the nearest below where nothing is.
 * @param ranged any frequency can be set: then an end that cuts the table is a step itself
 */
export function within(
  { steps, nominal }: FrequencyTable,
  { min, max }: { readonly min: Khz; readonly max: Khz },
  ranged: boolean,
): FrequencyTable {
  const left = steps.filter((step) => min <= step && step <= max);
  if (ranged && (steps[0] ?? 0) > max && left[0] !== max) left.unshift(max);
  if (ranged && (steps.at(-1) ?? max) < min && left.at(-1) !== min) left.push(min);
  const nearest = steps.find((step) => step <= max) ?? steps.at(-1);
  if (left.length === 0 && nearest !== undefined) left.push(nearest);
  const plain = left.findIndex((step) => step <= (steps[nominal] ?? 0));
  return { steps: left, nominal: plain < 0 ? Math.max(0, left.length - 1) : plain };
}

/** Returns "medium": the entry at index count/2. Source: DPDK examples/vm_power_manager/power_manager.c, power_manager_scale_core_med. */
export function medium(table: FrequencyTable): Khz {
  return at(table, table.steps.length >> 1);
}

/** Returns `wanted` as the kernel rounds it: up to the next entry, clipped to the table. Source: CPUFREQ_RELATION_L, include/linux/cpufreq.h. */
export function roundUp(table: FrequencyTable, wanted: Khz): Khz {
  return at(table, indexFor(table, wanted));
}

/**
 * Returns where `step` leads from `from`: one entry for up and down, to an end for max and min; turbo-on also goes to the
 * top, turbo-off leaves turbo. Source: DPDK drivers/power/acpi/acpi_cpufreq.c, power_acpi_cpufreq_freq_up and neighbours.
 */
export function move(table: FrequencyTable, from: Level, step: Step): Level {
  const top = from.turbo ? 0 : table.nominal;
  const here = (): number => indexFor(table, from.khz);
  switch (step) {
    case "up":
      return { khz: at(table, Math.max(here() - 1, top)), turbo: from.turbo };
    case "down":
      return { khz: at(table, Math.min(here() + 1, table.steps.length - 1)), turbo: from.turbo };
    case "max":
      return { khz: at(table, top), turbo: from.turbo };
    case "min":
      return { khz: lowest(table), turbo: from.turbo };
    case "turbo-on":
      return { khz: at(table, 0), turbo: true };
    case "turbo-off":
      return { khz: at(table, Math.max(here(), table.nominal)), turbo: false };
  }
}

/** Returns the index of the lowest entry that is at least `wanted`, of the highest one when none is. */
function indexFor({ steps }: FrequencyTable, wanted: Khz): number {
  let index = steps.length - 1;
  while (index > 0 && (steps[index] as Khz) < wanted) index--;
  return Math.max(index, 0);
}

function at(table: FrequencyTable, index: number): Khz {
  return table.steps[index] ?? khz(0);
}
