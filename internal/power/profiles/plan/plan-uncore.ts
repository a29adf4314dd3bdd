// What a profile asks of the clock outside of the cores: of all of it, of a package or die, of what it serves, or of one domain.

import { readUncore, UNCORE_STEP_KHZ, type Uncore } from "../../../sysfs/uncore.ts";
import { pathOf } from "../../../sysfs/attribute.ts";
import type { Draft } from "./draft.ts";
import type { HostProfile, UncoreLevel, UncoreLimits } from "../host-profile.ts";

/** Adds what `uncore` comes to to the draft. */
export function planUncore(cpuRoot: string, uncore: NonNullable<HostProfile["uncore"]>, draft: Draft): void {
  const found = readUncore(cpuRoot);
  if (!found.ok) return draft.fails("uncore", "machine", found.error);
  if (found.value.length === 0)
    return draft.lacks(
      "uncore",
      "machine",
      "the driver intel_uncore_frequency is not loaded, or this is no Intel server",
    );
  const parts = Object.entries(uncore.of ?? {}).sort(([a], [b]) => rank(a) - rank(b));
  for (const [part] of parts)
    if (!found.value.some((one) => isOf(one, part)))
      draft.lacks("uncore", part, `no uncore domain is of it: there are ${found.value.map(told).join(", ")}`);
  for (const one of found.value) {
    const limits = parts
      .filter(([part]) => isOf(one, part))
      .reduce<UncoreLimits>((all, [, limit]) => ({ ...all, ...limit }), uncore);
    planDomain(one, limits, draft);
  }
}

function planDomain(one: Uncore, { floor, ceiling }: UncoreLimits, draft: Draft): void {
  const { name, min, max, initialMin, initialMax } = one;
  const low = floor === undefined ? min : khzOf(floor, one);
  const high = ceiling === undefined ? max : khzOf(ceiling, one);
  if (low > high || low < initialMin || high > initialMax)
    return draft.fails("uncore", name, `${low}-${high} kHz is no range within ${initialMin}-${initialMax}`);
  for (const [knob, level, khz] of [
    ["uncore floor", floor, low],
    ["uncore ceiling", ceiling, high],
  ] as const) {
    if (level === undefined) continue;
    const attribute = { knob, uncore: name };
    draft.set(attribute, khz);
    if (typeof level === "number" && level !== khz)
      draft.rounded.push({ path: pathOf(attribute), asked: `${level}`, held: `${khz}` });
  }
}

/** Returns what a level is on a domain, in the steps of the hardware; per cents are of its range. */
function khzOf(level: UncoreLevel, { initialMin, initialMax }: Uncore): number {
  if (level === "min") return initialMin;
  if (level === "max") return initialMax;
  if (typeof level === "number") return Math.floor(level / UNCORE_STEP_KHZ) * UNCORE_STEP_KHZ;
  const khz = initialMin + (Number.parseInt(level) / 100) * (initialMax - initialMin);
  return Math.round(khz / UNCORE_STEP_KHZ) * UNCORE_STEP_KHZ;
}

/** Returns whether a domain is of `part`: its own name, a package, a package and die, or what it serves. */
function isOf({ name, home, die, agents }: Uncore, part: string): boolean {
  const [, packageId, dieId] = /^(\d+)(?:\.(\d+))?$/.exec(part) ?? [];
  if (packageId === undefined) return name === part || agents.includes(part);
  return home === Number(packageId) && (dieId === undefined || die === Number(dieId));
}

/** Returns how particular a part is: what is more so wins. */
function rank(part: string): number {
  if (/^\d+$/.test(part)) return 1;
  if (/^\d+\.\d+$/.test(part)) return 2;
  return part.startsWith("uncore") ? 3 : 0;
}

/** Returns a domain in words. */
function told({ name, home, die, agents }: Uncore): string {
  const place = home === undefined ? [] : [die === undefined ? `${home}` : `${home}.${die}`];
  const more = [...place, ...agents].join(" ");
  return more === "" ? name : `${name} (${more})`;
}
