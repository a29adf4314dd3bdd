// What a clock goes back to when its claim ends: that, and not the guest's wish, is the operator's setting.

import { ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import type { DomainId } from "../../values/units.ts";
import type { Attribute } from "../../sysfs/attribute.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { type Originals, OriginalsStore } from "../../sysfs/cpufreq/store.ts";
import type { Setting } from "./setting.ts";

/** Returns what a claimed domain goes back to; undefined when nobody claims it. */
export type Beneath = (domain: DomainId) => Originals | undefined;

/** Returns a reader of what is beneath claims now. */
export function beneathClaims(roots: Roots): Beneath {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  return (domain) => {
    const saved = store.load(domain);
    return saved.ok && saved.value.state === "saved" ? saved.value.originals : undefined;
  };
}

/** Returns `attribute` as it is beneath a claim; undefined when nobody claims its domain, or for what a claim doesn't move. */
export function settingBeneath(beneath: Beneath, attribute: Attribute): Setting | undefined {
  const { knob } = attribute;
  if (knob !== "governor" && knob !== "floor" && knob !== "ceiling") return undefined;
  const originals = beneath(attribute.domain);
  if (originals === undefined) return undefined;
  if (knob === "governor") return { attribute, text: originals.governor };
  const [limit, unlimited] =
    knob === "floor" ? [originals.min, originals.noMin] : [originals.max, originals.noMax];
  return { attribute, text: `${limit}`, ...(unlimited && { unlimited }) };
}

/** Returns the domains of `attributes` that a guest's claim holds: their files say what the guest wants, not what the operator does. */
export function heldDomains(roots: Roots, attributes: readonly Attribute[]): Result<DomainId[], SysfsError> {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  const held: DomainId[] = [];
  for (const id of new Set(attributes.flatMap((one) => ("domain" in one ? [one.domain] : [])))) {
    const saved = store.load(id);
    if (!saved.ok) return saved;
    if (saved.value.state === "saved") held.push(id);
  }
  return ok(held.sort((a, b) => a - b));
}
