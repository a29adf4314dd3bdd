// acpi-cpufreq, and drivers like it that have a table. Source: drivers/cpufreq/acpi-cpufreq.c, cpufreq_boost_set_sw() of Linux 6.12.

import { type Captured, capturedOf, restOf } from "./captured.ts";
import type { Driver } from "./cpufreq.ts";
import type { Policy } from "./policy.ts";

/**
 * acpi-cpufreq: boost is a bit of the processor that moves no file. `boost` is its state at the start; undefined where the
 * processor has none, and then there is no file of it (acpi_cpufreq_boost_init()).
 */
export function acpiCpufreq(captured: ReadonlyMap<number, Captured>, boost: boolean | undefined): Driver {
  return {
    ...tabled(captured),
    init: (policy, boostOn) => {
      begin(captured, policy);
      // The current speed can't be read from ports, and is taken for the highest (acpi_cpufreq_guess_freq()).
      policy.cur = policy.table?.at(-1) ?? policy.hardware.max;
      policy.boost = boostOn;
    },
    ...(boost !== undefined && { boost, setBoost: () => {} }),
  };
}

/**
 * Any driver that nothing else is known of: cpufreq's own table functions. With boost frequencies its boost moves the maximum
 * and overwrites the limit that was asked for (cpufreq_boost_set_sw()).
 */
export function tabled(captured: ReadonlyMap<number, Captured>): Driver {
  const [first] = captured.values();
  const boosts = [...captured.values()].some((policy) => policy.boostTable.length > 0);
  return {
    name: first?.driver ?? "",
    active: false,
    governor: "schedutil",
    keeps: false,
    files: (policy) => restOf(captured, policy),
    init: (policy) => begin(captured, policy),
    verify: (policy, wanted) => policy.verify(wanted),
    ...(boosts && {
      boost: false,
      setBoost: (policy: Policy, on: boolean) => {
        const { hardware, boostTable } = capturedOf(captured, policy);
        const max = Math.max(hardware.max, ...(on ? boostTable : []));
        policy.hardware = { min: hardware.min, max: Math.max(policy.hardware.max, max) };
        policy.asked.max = max;
      },
    }),
  };
}

function begin(captured: ReadonlyMap<number, Captured>, policy: Policy): void {
  const { hardware, table, boostTable, cur } = capturedOf(captured, policy);
  policy.hardware = { ...hardware };
  policy.table = table && [...table, ...boostTable].sort((a, b) => a - b);
  policy.cur = cur;
}
