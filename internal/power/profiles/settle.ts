// What came of a profile is read back before it is said to be in force.

import { err, ok, type Result } from "../../values/result.ts";
import { pathOf } from "../../sysfs/attribute.ts";
import type { Rounded } from "./plan/draft.ts";
import { byPath, type FailedSetting, isLimit, type Setting } from "./setting.ts";
import { governorHoldsEpp, heldOtherwise, readBack } from "./write.ts";

/** Reads back what was written: clocks and EPP numbers may be rounded, everything else must stand as asked. Returns what stands now. */
export function settle(
  cpuRoot: string,
  settings: readonly Setting[],
): Result<{ wanted: Setting[]; rounded: Rounded[] }, FailedSetting> {
  const wanted = byPath(settings);
  const rounded: Rounded[] = [];
  for (const { wanted: asked, found } of readBack(cpuRoot, settings)) {
    const { attribute } = asked;
    if (!found.ok) return err({ attribute, error: found.error });
    const path = pathOf(attribute);
    const isHeld = governorHoldsEpp(cpuRoot, asked);
    const isRounded = isLimit(attribute) || (attribute.knob === "epp" && /^(\d+|default)$/.test(asked.text));
    if (!isRounded && !isHeld) return err(heldOtherwise(cpuRoot, found.value));
    wanted.set(path, found.value);
    if (!isHeld)
      rounded.push({ path, asked: asked.unlimited ? "no limit" : asked.text, held: found.value.text });
  }
  return ok({ wanted: [...wanted.values()], rounded });
}
