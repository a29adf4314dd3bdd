// A machine's clocks on paper: what they are told is noted and goes nowhere, so that a change can be tried before it is made.

import { type FrequencyTable, roundUp } from "../values/frequency.ts";
import { DONE, ok } from "../values/result.ts";
import type { DomainId } from "../values/units.ts";
import type { DomainClock, DomainClocks } from "./clock.ts";

/**
 * Returns clocks that are as `real` ones are now, and stay by themselves from then on.
 * @param given what could be set of a clock that was given back meanwhile, where they all were
 */
export function paperClocks(
  real: DomainClocks,
  given?: (clock: DomainClock) => FrequencyTable,
): DomainClocks {
  const drawn = new Map<DomainId, DomainClock>();
  const draw = (clock: DomainClock): DomainClock => {
    let paper = drawn.get(clock.id);
    if (paper === undefined) drawn.set(clock.id, (paper = onPaper(clock, given?.(clock))));
    return paper;
  };
  return {
    domainById(id) {
      const clock = real.domainById(id);
      return clock && draw(clock);
    },
    group: (id) => real.group(id).map(draw),
  };
}

function onPaper(clock: DomainClock, given: FrequencyTable | undefined): DomainClock {
  const { id, pcpus, table, turboAtStart } = clock;
  let allowed = given ?? clock.allowed;
  let target = given === undefined ? clock.target : undefined;
  let ceiling = given === undefined ? clock.ceiling : undefined;
  return {
    id,
    pcpus,
    table,
    get allowed() {
      return allowed;
    },
    whenTaken: () => allowed,
    turboAtStart,
    get target() {
      return target;
    },
    get ceiling() {
      return ceiling;
    },
    set(wanted) {
      if (target === undefined && given === undefined) allowed = clock.whenTaken();
      ceiling = undefined;
      return ok((target = roundUp(allowed, wanted)));
    },
    cap(wanted) {
      target = undefined;
      ceiling = wanted;
      return DONE;
    },
    restore() {
      target = undefined;
      ceiling = undefined;
      return DONE;
    },
  };
}
