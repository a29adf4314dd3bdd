// A machine's clocks on paper: what they are told is noted and goes nowhere, so that a change can be tried before it is made.

import { roundUp } from "../values/frequency.ts";
import { DONE, ok } from "../values/result.ts";
import type { DomainId } from "../values/units.ts";
import type { DomainClock, DomainClocks } from "./clock.ts";

/** Returns clocks that are as `real` ones are now, and stay by themselves from then on. */
export function paperClocks(real: DomainClocks): DomainClocks {
  const drawn = new Map<DomainId, DomainClock>();
  const draw = (clock: DomainClock): DomainClock => {
    let paper = drawn.get(clock.id);
    if (paper === undefined) drawn.set(clock.id, (paper = onPaper(clock)));
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

function onPaper({ id, pcpus, table, allowed, turboAtStart, target: told }: DomainClock): DomainClock {
  let target = told;
  return {
    id,
    pcpus,
    table,
    allowed,
    turboAtStart,
    get target() {
      return target;
    },
    set: (wanted) => ok((target = roundUp(allowed, wanted))),
    restore() {
      target = undefined;
      return DONE;
    },
  };
}
