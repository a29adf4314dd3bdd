// The host's own power while guests have claims: profiles are outer, claims inner, and both sleep and wake together.

import { machineArch } from "../../power/capabilities/arch.ts";
import { readHostCapabilities } from "../../power/capabilities/capabilities.ts";
import { type CpuSets, selectCpus } from "../../power/profiles/cpu-selector.ts";
import { DmaLatency } from "../../power/profiles/dma-latency.ts";
import type { EnterSleep } from "../../power/sleep/enter-sleep.ts";
import { askLogind } from "../../power/sleep/logind.ts";
import { machineSets } from "../../power/profiles/machine-sets.ts";
import type { HostProfile } from "../../power/profiles/host-profile.ts";
import { applyProfile, explainProfile, type ProfileRefusal } from "../../power/profiles/apply.ts";
import { restoreProfile, verifyProfile } from "../../power/profiles/off.ts";
import type { Lack } from "../../power/profiles/plan.ts";
import { renewProfile } from "../../power/profiles/renew.ts";
import { profileState } from "../../power/profiles/state.ts";
import { loadProfile } from "../../power/profiles/store.ts";
import { err, ok } from "../../values/result.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import type { Pcpu } from "../../values/units.ts";
import { type Answer, type Code, no, yes } from "../../values/answer.ts";
import type { Host } from "../host.ts";
import { profileNamed, profilesIn } from "../host-profiles.ts";
import { HostSleep, type SleepAsk } from "../host-sleep.ts";
import { type Clock, SYSTEM_CLOCK } from "../../rules/desk.ts";
import { ProfileClock } from "../profile-clock.ts";

/** Where the machine is, and what a test puts in place of it. */
export interface PowerOptions {
  readonly roots: Roots;
  /** Stands for /dev/cpu_dma_latency. */
  readonly latency?: DmaLatency;
  /** Sleeps instead of the kernel. */
  readonly enter?: EnterSleep;
  /** The time that the schedule goes by. */
  readonly clock?: Clock;
}

const CODE_OF: Readonly<Record<ProfileRefusal["kind"], Code>> = {
  impossible: "failed",
  unsupported: "unsupported",
  held: "refused",
  busy: "busy",
  failed: "failed",
  broken: "failed",
};

export class PowerOperations {
  readonly #host: Host;
  readonly #roots: Roots;
  readonly #latency: DmaLatency;
  readonly #sleep: HostSleep;
  readonly #schedule: ProfileClock;

  constructor(host: Host, options: PowerOptions) {
    const { roots, latency = new DmaLatency(), enter, clock = SYSTEM_CLOCK } = options;
    this.#host = host;
    this.#roots = roots;
    this.#latency = latency;
    this.#sleep = new HostSleep(host, roots, () => this.#giveBack(), enter);
    host.upkeep.onResumed = () => this.#resumed();
    this.#schedule = new ProfileClock(clock, host.log, (name) => {
      const done = name === undefined ? this.profileOff() : this.applyProfile(name, undefined, false);
      return done.ok ? undefined : done.error.message;
    });
  }

  /** Takes up the profile that a powermon before this one left in force; one of another boot is forgotten. */
  start(): void {
    const { log } = this.#host;
    const stored = loadProfile(this.#roots);
    if (!stored.ok) log.error(explainSysfs(stored.error));
    else if (stored.value.state === "stale") {
      this.#tell(restoreProfile(this.#roots).failed);
      log.info("A profile applied before the last boot was dropped", {
        profile: stored.value.applied.profile,
      });
    } else if (stored.value.state === "applied") {
      const { profile, latencyUs } = stored.value.applied;
      log.info("Profile in force", { profile });
      const held = this.#latency.hold(latencyUs);
      if (!held.ok) this.#tell([held.error]);
    }
    this.configured();
  }

  /** Goes by the schedule of the configuration that is in force now. */
  configured(): void {
    this.#schedule.configure(this.#host.config.says);
  }

  /** Puts back what profiles changed; all claims must be gone. Returns what could not be put back. */
  stop(): readonly SysfsError[] {
    this.#schedule.stop();
    this.#latency.hold(undefined);
    return restoreProfile(this.#roots).failed;
  }

  async capabilities() {
    const logind = this.#sleep.isReal ? await askLogind() : undefined;
    return yes(readHostCapabilities(this.#roots, machineArch(), logind));
  }

  profiles() {
    const stored = loadProfile(this.#roots);
    const now = stored.ok && stored.value.state === "applied" ? stored.value.applied.profile : undefined;
    return [...profilesIn(this.#host.config.says).values()].map((one) => ({
      ...one,
      inForce: one.name === now,
    }));
  }

  applyProfile(name: string, cpus: string | undefined, dryRun: boolean) {
    if (this.#sleep.isNear) return BUSY;
    const profile = profileNamed(name, profilesIn(this.#host.config.says));
    if (!profile.ok) return no("invalid", sentence([profile.error]));
    const sets = machineSets(this.#roots, (vm) => this.#cpusOf(vm));
    if (!sets.ok) return no("failed", sentence([sets.error]));
    const chosen = cpus === undefined ? undefined : selectCpus(cpus, sets.value);
    if (chosen?.ok === false) return no("invalid", sentence([`"cpus": ${chosen.error}`]));
    if (chosen?.value.length === 0) return no("invalid", `"cpus": no CPU of this machine is ${cpus}.`);
    const only = cpus === undefined || chosen === undefined ? undefined : { text: cpus, cpus: chosen.value };
    return dryRun
      ? this.#judge(profile.value, sets.value, only)
      : this.#betweenClaims(() => this.#put(profile.value, sets.value, only));
  }

  profileOff() {
    if (this.#sleep.isNear) return BUSY;
    return this.#betweenClaims(() => {
      const { profile, stale, restored, failed } = restoreProfile(this.#roots);
      if (failed.length > 0) return no("failed", sentence(failed.map(explainSysfs)));
      this.#latency.hold(undefined);
      if (profile !== undefined) {
        this.#host.log.info("Profile off", { profile, attributes: restored.length });
        this.#host.events.emit("profile-off", { profile });
      }
      return yes({ profile, stale, restored });
    });
  }

  verifyProfile() {
    const found = verifyProfile(this.#roots);
    return found.ok ? yes(profileState(found.value)) : no("failed", sentence([explainSysfs(found.error)]));
  }

  async suspend(ask: SleepAsk) {
    const done = await this.#sleep.suspend(ask);
    this.#schedule.look();
    return done;
  }

  /** Looks whether the kernel changed the profile's settings over a sleep, and writes them again where the drift rule says so. */
  #resumed(): void {
    const { log, events, config } = this.#host;
    const found = verifyProfile(this.#roots);
    if (!found.ok) return this.#tell([found.error]);
    const { stored, drift } = found.value;
    if (stored.state !== "applied" || drift.length === 0) return;
    const reapplied = config.cpufreq.drift === "reapply";
    const renewed = reapplied
      ? this.#betweenClaims(() => yes(renewProfile(this.#roots)))
      : yes({ written: drift, failed: [] });
    if (!renewed.ok) return log.error(renewed.error.message);
    const { written, failed } = renewed.value;
    this.#tell(failed);
    if (written.length === 0) return;
    const { profile } = stored.applied;
    const attributes = written.map(({ path }) => path).join(" ");
    events.emit("drift", { profile, attributes, reapplied });
    log.warn(
      reapplied
        ? "The profile had changed over the sleep; written again"
        : "The profile has changed over the sleep; left as it is",
      { profile, attributes },
    );
  }

  #judge(profile: HostProfile, sets: CpuSets, only: Only) {
    const options = { sets, only, now: new Date().toISOString(), canHold: true };
    const done = applyProfile(this.#roots, profile, { ...options, dryRun: true, givesBack: true });
    return done.ok
      ? yes({ profile: profile.name, applied: false, ...done.value })
      : refused(profile, done.error);
  }

  /** Puts a profile in force; no claim stands. The latency is held first: it can be let go again without a trace. */
  #put(profile: HostProfile, sets: CpuSets, only: Only) {
    const before = this.#latency.limitUs;
    const wanted = only === undefined ? profile.latencyUs : undefined;
    const held = this.#latency.hold(wanted ?? before);
    const left: Lack[] = [];
    if (!held.ok && wanted !== undefined) {
      if (profile.missing === "refuse") return no("failed", sentence([explainSysfs(held.error)]));
      left.push({ knob: "latency", where: "machine", why: explainSysfs(held.error) });
    }
    const done = applyProfile(this.#roots, left.length > 0 ? { ...profile, latencyUs: undefined } : profile, {
      sets,
      only,
      now: new Date().toISOString(),
      canHold: true,
    });
    const kept = this.#latency.hold(done.ok ? done.value.latencyUs : before);
    if (!kept.ok) this.#tell([kept.error]);
    if (!done.ok) return refused(profile, done.error);
    const fields = { profile: profile.name, cpus: only?.text, changes: done.value.changes.length };
    this.#host.log.info("Profile in force", fields);
    this.#host.events.emit("profile-applied", fields);
    return yes({ profile: profile.name, applied: true, ...done.value, left: [...done.value.left, ...left] });
  }

  /** Gives every claimed clock back, does `work`, and lets the claims stand again within what it left. */
  #betweenClaims<T>(work: () => Answer<T>): Answer<T> {
    const failed = this.#giveBack();
    const done = failed.length > 0 ? no("failed", sentence(failed.map(explainSysfs))) : work();
    this.#tell(this.#host.ledger.settle());
    return done;
  }

  /** Puts every domain back as the operator had it; the claims stay in the ledger. Returns the failures. */
  #giveBack(): readonly SysfsError[] {
    return this.#host.cpufreq.domains.flatMap((domain) => {
      const restored = domain.restore();
      return restored.ok ? [] : [restored.error];
    });
  }

  /** A VM that the host serves: its pins may be written, where a look at processes would find none. */
  #cpusOf(name: string): ReturnType<CpuSets["ofVm"]> | undefined {
    const vm = this.#host.channels.vm(name);
    if (vm === undefined) return undefined;
    const cpus = new Set<Pcpu>();
    for (let vcpu = 0; vcpu < vm.knownVcpus(); vcpu++) {
      const place = vm.placement(vcpu);
      if (place.kind === "placed") for (const cpu of place.pcpus) cpus.add(cpu);
    }
    return cpus.size > 0 ? ok([...cpus].sort((a, b) => a - b)) : err("none of its vCPUs is pinned");
  }

  #tell(errors: readonly SysfsError[]): void {
    for (const error of errors) this.#host.log.error(explainSysfs(error));
  }
}

type Only = { readonly text: string; readonly cpus: readonly Pcpu[] } | undefined;

const BUSY = no("busy", "The host is going to sleep; ask again when it is awake.");

const refused = (profile: HostProfile, refusal: ProfileRefusal) =>
  no(CODE_OF[refusal.kind], sentence([`profile ${profile.name}`, ...explainProfile(refusal)], ": "));

/** Returns reasons as one sentence. */
export function sentence(reasons: readonly string[], joint = "; "): string {
  const [first = "", ...rest] = reasons;
  const text = rest.length === 0 ? first : `${first}${joint}${rest.join("; ")}`;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? "" : "."}`;
}
