// What an older profile had changed goes back where the next one does not ask for it.

import { pathOf } from "../../sysfs/attribute.ts";
import type { Plan } from "./plan/plan.ts";
import type { Setting } from "./setting.ts";
import type { AppliedProfile } from "./store.ts";

/** Returns the originals, by path, of all that `old` had asked for. */
export function returnsOf(
  old: AppliedProfile | undefined,
  saved: ReadonlyMap<string, Setting>,
): Map<string, Setting> {
  const returns = new Map<string, Setting>();
  for (const { attribute } of old?.wanted ?? []) {
    const path = pathOf(attribute);
    const original = saved.get(path);
    if (original) returns.set(path, original);
  }
  return returns;
}

/**
 * Adds to what is planned what else goes back. EPP goes along with a governor that moved it, and is left to one that holds it; a speed goes
 * along with governor userspace.
 */
export function withReturns(
  { settings, holdsEpp }: Plan,
  returns: ReadonlyMap<string, Setting>,
  saved: ReadonlyMap<string, Setting>,
): Setting[] {
  const targets = new Map(settings.map((one) => [pathOf(one.attribute), one]));
  for (const [path, original] of returns) if (!targets.has(path)) targets.set(path, original);
  for (const original of saved.values()) {
    const { attribute } = original;
    const path = pathOf(attribute);
    if (attribute.knob === "epp" && !targets.has(path)) targets.set(path, original);
    const governor = "domain" in attribute && pathOf({ knob: "governor", domain: attribute.domain });
    if (attribute.knob === "speed" && governor && targets.get(governor)?.text === "userspace")
      targets.set(path, original);
  }
  return [...targets.values()].filter(
    ({ attribute, text }) =>
      attribute.knob !== "epp" || !holdsEpp.has(attribute.domain) || text === "performance" || text === "0",
  );
}
