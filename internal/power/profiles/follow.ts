// A profile that follows its machine: what came since it was put in force gets its settings, and limits and interrupts move along.

import { ok, type Result } from "../../values/result.ts";
import type { Attribute } from "../../sysfs/attribute.ts";
import { pathOf } from "../../sysfs/attribute.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { readPstateMode } from "../../sysfs/driver/pstate-mode.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { takeLock } from "../../os/lock.ts";
import { type CpuSets, selectCpus } from "./cpu-selector.ts";
import type { Lack } from "./plan/draft.ts";
import type { HostProfile } from "./host-profile.ts";
import { planProfile } from "./plan/plan.ts";
import { readAll } from "./read-all.ts";
import {
  attributesOf,
  byPath,
  isAs,
  isLimit,
  type Setting,
  type SettingRecord,
  toRecord,
} from "./setting.ts";
import { settle } from "./settle.ts";
import { type AppliedProfile, loadProfile, saveProfile, writtenAs } from "./store.ts";
import { beneathClaims, settingBeneath } from "./under-claim.ts";
import { restoreSettings, writeSettings } from "./write.ts";

/** What is written so that a profile still is what it means, and what could not be. */
export interface Followed {
  readonly written: readonly SettingRecord[];
  readonly failed: readonly SysfsError[];
}

const NOTHING: Followed = { written: [], failed: [] };

/**
 * Writes what `profile`, which is in force, has to have now and was not given yet: of CPUs that came online and of interrupts that came, their
 * originals saved before; limits that the range of all CPUs moves (max_perf_pct), interrupts by the VMs that are pinned now. What was given and
 * has drifted is left alone. Guests' claims must have been given back before, but for a dry run. While another process changes the profile, or
 * where another one is in force, or one that was written anew since, nothing is done.
 * @param part only where interrupts arrive
 */
export function followProfile(
  roots: Roots,
  profile: HostProfile,
  sets: CpuSets,
  { dryRun = false, part }: { readonly dryRun?: boolean; readonly part?: "irq" | undefined } = {},
): Followed {
  const lock = dryRun ? undefined : takeLock(`${roots.stateDir}/profile.lock`);
  if (lock?.ok === false) return lock.error.kind === "busy" ? NOTHING : { ...NOTHING, failed: [lock.error] };
  try {
    const stored = loadProfile(roots);
    if (!stored.ok) return { ...NOTHING, failed: [stored.error] };
    if (stored.value.state !== "applied") return NOTHING;
    const { applied } = stored.value;
    if (applied.profile !== profile.name || applied.written !== writtenAs(profile)) return NOTHING;
    const due = dueOf(roots, applied, part === undefined ? profile : onlyIrq(profile), sets, dryRun);
    if (dryRun || due.settings.length === 0) return { written: due.settings.map(toRecord), failed: [] };
    const done = give(roots, applied, due);
    return done.ok ? { written: done.value.map(toRecord), failed: [] } : { ...NOTHING, failed: done.error };
  } finally {
    lock?.value?.();
  }
}

const onlyIrq = ({ name, summary, missing, irq }: HostProfile): HostProfile => ({
  ...{ name, summary, missing, irq },
  rules: [],
});

/** What is to be written, and what moves with it. */
interface Due {
  readonly settings: readonly Setting[];
  readonly sideEffects: readonly Attribute[];
}

function dueOf(
  roots: Roots,
  { cpus, originals, wanted }: AppliedProfile,
  profile: HostProfile,
  sets: CpuSets,
  claimed: boolean,
): Due {
  const nothing = { settings: [], sideEffects: [] };
  // Somebody switched the driver's mode: what the clocks are now the profile was not made for.
  const mode = wanted.find(({ attribute }) => attribute.knob === "pstate mode");
  if (mode !== undefined && readPstateMode(cpuRootOf(roots))?.mode !== mode.text) return nothing;
  const only = cpus === undefined ? undefined : selectCpus(cpus, sets, "pass");
  if (only?.ok === false) return nothing;
  const [known, given] = [byPath(originals), byPath(wanted)];
  const beneath = claimed ? beneathClaims(roots) : undefined;
  const back = (attribute: Attribute) => beneath && settingBeneath(beneath, attribute)?.text;
  const plan = planProfile(cpuRootOf(roots), profile, sets, {
    only: only?.value,
    offline: "pass",
    canHold: true,
    turbo: "done",
    original: (attribute) => known.get(pathOf(attribute))?.text,
    goesBack: (domain) => ({
      governor: back({ knob: "governor", domain }),
      floor: back({ knob: "floor", domain }),
      ceiling: back({ knob: "ceiling", domain }),
    }),
  });
  const isNew = (attribute: Attribute) => !known.has(pathOf(attribute));
  const moves = ({ attribute }: Setting) => isLimit(attribute) || attribute.knob.startsWith("irq");
  const settings = plan.settings.filter((one) => {
    const before = given.get(pathOf(one.attribute));
    return isNew(one.attribute) || (before !== undefined && moves(one) && !isAs(one, before));
  });
  // What moves with a clock is known with the clock: only one that came has more.
  const came = settings.some(({ attribute }) => isNew(attribute));
  return { settings, sideEffects: came ? plan.sideEffects.filter(isNew) : [] };
}

/** Saves the originals of what is new, writes, reads back and keeps; what fails takes all of it back. Returns what differs now. */
function give(roots: Roots, applied: AppliedProfile, due: Due): Result<Setting[], SysfsError[]> {
  const cpuRoot = cpuRootOf(roots);
  const known = byPath(applied.originals);
  const before = readAll(cpuRoot, [...attributesOf(due.settings), ...due.sideEffects], undefined);
  if (!before.ok) return { ok: false, error: [before.error] };
  const fresh = [...before.value].flatMap(([path, setting]) => (known.has(path) ? [] : [setting]));
  const originals = [...applied.originals, ...fresh];
  const saved = saveProfile(roots, { ...applied, originals });
  if (!saved.ok) return { ok: false, error: [saved.error] };
  const refused = new Map<string, Lack>();
  const isThere = ({ attribute }: Setting) => before.value.has(pathOf(attribute));
  const isFree = (one: Setting) => isThere(one) && !refused.has(pathOf(one.attribute));
  const failed = writeSettings(cpuRoot, due.settings.filter(isThere), refused);
  const settled = failed ? undefined : settle(cpuRoot, due.settings.filter(isFree));
  if (!settled?.ok) {
    const why = failed ?? (settled?.ok === false ? settled.error : undefined);
    const left = restoreSettings(cpuRoot, [...before.value.values()]);
    if (left.length === 0) saveProfile(roots, applied);
    return { ok: false, error: [...(why ? [why.error] : []), ...left.map(({ error }) => error)] };
  }
  const now = byPath([...applied.wanted, ...settled.value.wanted]);
  const kept = saveProfile(roots, { ...applied, originals, wanted: [...now.values()] });
  if (!kept.ok) return { ok: false, error: [kept.error] };
  return ok(
    settled.value.wanted.filter((one) => {
      const was = before.value.get(pathOf(one.attribute));
      return was === undefined || !isAs(one, was);
    }),
  );
}
