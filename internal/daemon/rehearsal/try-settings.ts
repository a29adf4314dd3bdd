// Settings of the host that a profile writes or puts back, tried on paper: what claims come to within the limits that they leave.

import { type Knob, parseAttribute } from "../../sysfs/attribute.ts";
import type { OwnLimits } from "../../sysfs/cpufreq/limits.ts";
import type { SettingRecord } from "../../power/profiles/setting.ts";
import { DONE } from "../../values/result.ts";
import { type DomainId, khz } from "../../values/units.ts";
import type { Host } from "../host.ts";
import { type Foreseen, foresee } from "./rehearsal.ts";

/** What makes other clocks of a machine's. */
const SWITCHES: { readonly [K in Knob]?: string } = {
  boost: "Turbo",
  "pstate mode": "The mode of the clocks' driver",
};

/** Returns what follows for the clocks if every claim stepped back, these were written, and the claims stood again. */
export function trySettings(host: Host, settings: readonly SettingRecord[]): Foreseen {
  if (host.ledger.empty) return { clocks: [], warnings: [] };
  const switched = new Set(settings.flatMap(({ knob }) => SWITCHES[knob] ?? []));
  if (switched.size > 0)
    return {
      clocks: [],
      warnings: [...switched].map(
        (what) => `${what} is switched with it: what claims come to then is not known before.`,
      ),
    };
  const limits = new Map<DomainId, Partial<OwnLimits>>();
  for (const { path, text, unlimited = false } of settings) {
    const attribute = parseAttribute(path);
    if (attribute?.knob !== "floor" && attribute?.knob !== "ceiling") continue;
    const limit = khz(Number(text));
    const said =
      attribute.knob === "floor" ? { min: limit, noMin: unlimited } : { max: limit, noMax: unlimited };
    limits.set(attribute.domain, { ...limits.get(attribute.domain), ...said });
  }
  const seen = foresee(
    host,
    ({ ledger }) => {
      ledger.settle();
      return DONE;
    },
    {
      given: ({ id, allowed }) => host.cpufreq.domainById(id)?.whenTaken(limits.get(id) ?? {}) ?? allowed,
    },
  );
  if (!seen.ok) throw new Error(seen.error.message);
  return seen.value;
}
