// Profiles of the host while guests have claims: profiles are outer, claims inner.

import type { Handlers, Rehearsals } from "../../api/table.ts";
import { applyProfile } from "../../power/profiles/apply.ts";
import { explainProfile, type ProfileRefusal } from "../../power/profiles/outcome.ts";
import { type CpuSets, selectCpus } from "../../power/profiles/cpu-selector.ts";
import type { DmaLatency } from "../../power/profiles/dma-latency.ts";
import type { HostProfile } from "../../power/profiles/host-profile.ts";
import { machineSets } from "../../power/profiles/machine-sets.ts";
import type { Lack } from "../../power/profiles/plan/draft.ts";
import { foreseeOff, offChanges, restoreProfile } from "../../power/profiles/off.ts";
import { loadProfile } from "../../power/profiles/store.ts";
import { verifyProfile } from "../../power/profiles/verify.ts";
import { cpuRootOf, type Roots } from "../../sysfs/cpufreq/originals.ts";
import { readPstateMode } from "../../sysfs/driver/pstate-mode.ts";
import { type Answer, type Code, no } from "../../values/answer.ts";
import { err, ok, type Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import type { Pcpu } from "../../values/units.ts";
import type { Host } from "../host.ts";
import { trySettings } from "../rehearsal/try-settings.ts";
import { profileNamed, profilesIn } from "../profiles/host-profiles.ts";
import { giveBack, type HostSleep } from "../host-sleep.ts";

const CODE_OF: Readonly<Record<ProfileRefusal["kind"], Code>> = {
  impossible: "failed",
  unsupported: "unsupported",
  held: "refused",
  busy: "busy",
  failed: "failed",
  broken: "failed",
};

type Only = { readonly text: string; readonly cpus: readonly Pcpu[] } | undefined;

const BUSY = no("busy", "The host is going to sleep; ask again when it is awake.");

export function profileAsks(host: Host, roots: Roots, latency: DmaLatency, sleep: HostSleep) {
  const { log, events } = host;

  /** Gives every claimed clock back, does `work`, and lets the claims stand again within what it left. */
  const betweenClaims = <T>(work: () => Answer<T>): Answer<T> => {
    const failed = giveBack(host);
    const cpuRoot = cpuRootOf(roots);
    const mode = readPstateMode(cpuRoot)?.mode;
    const done = failed.length > 0 ? no("failed", sentence(failed.map(explainSysfs))) : work();
    // In another mode all clocks are others.
    if (readPstateMode(cpuRoot)?.mode !== mode) host.upkeep.lookAtMachine(true);
    for (const error of host.ledger.settle()) log.error(explainSysfs(error));
    return done;
  };

  const judge = (profile: HostProfile, sets: CpuSets, only: Only) => {
    const options = { sets, only, now: new Date().toISOString(), canHold: true };
    const done = applyProfile(roots, profile, { ...options, dryRun: true, givesBack: true });
    if (!done.ok) return refused(profile, done.error);
    const { clocks, warnings: more } = trySettings(host, done.value.changes);
    const left = [...done.value.left];
    const warnings = [...done.value.warnings, ...more];
    return ok({ profile: profile.name, applied: false, ...done.value, left, warnings, clocks });
  };

  /** Puts a profile in force; no claim stands. The latency is held first: it can be let go again without a trace. */
  const put = (profile: HostProfile, sets: CpuSets, only: Only, user: string | undefined) => {
    const before = latency.limitUs;
    const wanted = only === undefined ? profile.latencyUs : undefined;
    const held = latency.hold(wanted ?? before);
    const left: Lack[] = [];
    if (!held.ok && wanted !== undefined) {
      if (profile.missing === "refuse") return no("failed", sentence([explainSysfs(held.error)]));
      left.push({ knob: "latency", where: "machine", why: explainSysfs(held.error) });
    }
    const done = applyProfile(roots, left.length > 0 ? { ...profile, latencyUs: undefined } : profile, {
      sets,
      only,
      now: new Date().toISOString(),
      canHold: true,
    });
    const kept = latency.hold(done.ok ? done.value.latencyUs : before);
    if (!kept.ok) log.error(explainSysfs(kept.error));
    if (!done.ok) return refused(profile, done.error);
    const fields = { profile: profile.name, cpus: only?.text, changes: done.value.changes.length };
    log.info("Profile in force", fields);
    for (const warning of done.value.warnings) log.warn(warning, { profile: profile.name });
    events.emit("profile-applied", { ...fields, user });
    return ok({ profile: profile.name, applied: true, ...done.value, left: [...done.value.left, ...left] });
  };

  return {
    profiles() {
      const stored = loadProfile(roots);
      const now = stored.ok && stored.value.state === "applied" ? stored.value.applied.profile : undefined;
      return ok(
        [...profilesIn(host.config.says).values()].map((one) => ({ ...one, inForce: one.name === now })),
      );
    },

    applyProfile({ name, cpus, dryRun }, _gone?: AbortSignal, user?: string) {
      if (sleep.isNear) return BUSY;
      const profile = profileNamed(name, profilesIn(host.config.says));
      if (!profile.ok) return no("invalid", sentence([profile.error]));
      const sets = setsOf(host, roots);
      if (!sets.ok) return no("failed", sentence([sets.error]));
      const chosen = cpus === undefined ? undefined : selectCpus(cpus, sets.value);
      if (chosen?.ok === false) return no("invalid", sentence([`"cpus": ${chosen.error}`]));
      if (chosen?.value.length === 0) return no("invalid", `"cpus": no CPU of this machine is ${cpus}.`);
      const only =
        cpus === undefined || chosen === undefined ? undefined : { text: cpus, cpus: chosen.value };
      return dryRun
        ? judge(profile.value, sets.value, only)
        : betweenClaims(() => put(profile.value, sets.value, only, user));
    },

    profileOff(_asked?: object, _gone?: AbortSignal, user?: string) {
      if (sleep.isNear) return BUSY;
      return betweenClaims(() => {
        const { profile, stale, restored, later, failed } = restoreProfile(roots);
        if (failed.length > 0) return no("failed", sentence(failed.map(explainSysfs)));
        latency.hold(undefined);
        if (profile !== undefined) {
          log.info("Profile off", { profile, attributes: restored.length });
          events.emit("profile-off", { profile, user });
        }
        return ok({ profile, stale, restored, later });
      });
    },

    verifyProfile() {
      const found = verifyProfile(roots);
      return found.ok ? ok(found.value) : no("failed", sentence([explainSysfs(found.error)]));
    },
  } satisfies Pick<Handlers, "profiles" | "applyProfile" | "profileOff" | "verifyProfile">;
}

/** Returns what the words for CPUs mean here, by what the host knows of its VMs. Errors: a sentence. */
export const setsOf = (host: Host, roots: Roots): Result<CpuSets, string> =>
  machineSets(
    roots,
    (vm) => cpusOf(host, vm),
    () => pinnedIn(host),
  );

/** The CPUs that the host's VMs are pinned to; a vCPU that may run everywhere is not. */
function pinnedIn({ channels, cpufreq }: Host): Pcpu[] {
  const online = cpufreq.topology.online();
  const all = online.ok ? online.value.length : 0;
  return [...channels.vms].flatMap((vm) =>
    Array.from({ length: vm.knownVcpus() }, (_, vcpu) => vm.placement(vcpu)).flatMap((place) =>
      place.kind === "placed" && place.pcpus.length < all ? place.pcpus : [],
    ),
  );
}

/** Returns who tells what would happen to the profile in force. */
export function profileRehearsals(host: Host, roots: Roots, sleep: HostSleep) {
  return {
    profileOff() {
      if (sleep.isNear) return BUSY;
      const seen = foreseeOff(roots);
      if (!seen.ok) return no("failed", sentence([explainSysfs(seen.error)]));
      const { profile, stale, changes } = seen.value;
      const { clocks, warnings } = trySettings(host, changes);
      const old = `Profile ${profile} was applied before the last boot, and is forgotten.`;
      return ok({
        dryRun: true,
        changes: offChanges(seen.value),
        clocks,
        warnings: stale ? [old, ...warnings] : warnings,
      });
    },
  } satisfies Pick<Rehearsals, "profileOff">;
}

/** The CPUs of a VM that the host serves: its pins may be written, where a look at processes would find none. */
function cpusOf({ channels }: Host, name: string): ReturnType<CpuSets["ofVm"]> | undefined {
  const vm = channels.vm(name);
  if (vm === undefined) return undefined;
  const cpus = new Set<Pcpu>();
  for (let vcpu = 0; vcpu < vm.knownVcpus(); vcpu++) {
    const place = vm.placement(vcpu);
    if (place.kind === "placed") for (const cpu of place.pcpus) cpus.add(cpu);
  }
  return cpus.size > 0 ? ok([...cpus].sort((a, b) => a - b)) : err("none of its vCPUs is pinned");
}

const refused = (profile: HostProfile, refusal: ProfileRefusal) =>
  no(CODE_OF[refusal.kind], sentence([`profile ${profile.name}`, ...explainProfile(refusal)], ": "));

/** Returns reasons as one sentence. */
function sentence(reasons: readonly string[], joint = "; "): string {
  const [first = "", ...rest] = reasons;
  const text = rest.length === 0 ? first : `${first}${joint}${rest.join("; ")}`;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
}
