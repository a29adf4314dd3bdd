// What a configuration lets everybody have of a clock.

import type { Limits } from "../claims/arbitrate.ts";
import type { DomainClock } from "../claims/clock.ts";
import { limitsIn } from "../claims/limits.ts";
import type { Config } from "../config/load.ts";

/** Returns the tightest of the limits that name one of the clock's CPUs. */
export function siteLimitsOn({ pcpus, table }: DomainClock, { limits }: Pick<Config, "limits">): Limits {
  return tightest(
    limits
      .filter(({ cpus }) => pcpus.some((cpu) => cpus.includes(cpu)))
      .map(({ floor, ceiling }) => limitsIn(table, floor, ceiling)),
  );
}

function tightest(all: readonly Limits[]): Limits {
  const of = (values: readonly (Limits["floor"] | undefined)[], pick: typeof Math.max) => {
    const numbers = values.filter((value) => value !== undefined);
    return numbers.length === 0 ? undefined : (pick(...numbers) as Limits["floor"]);
  };
  return {
    floor: of(
      all.map(({ floor }) => floor),
      Math.max,
    ),
    ceiling: of(
      all.map(({ ceiling }) => ceiling),
      Math.min,
    ),
  };
}
