// All clocks of the host that we may set: found by CPU, and read anew when the machine has changed.

import { statSync } from "node:fs";
import { DONE, err, ok, type Result } from "../../values/result.ts";
import type { DomainId, Pcpu } from "../../values/units.ts";
import type { Hardware } from "../driver/driver.ts";
import { lacksUserspace } from "../driver/index.ts";
import { Domain } from "./domain.ts";
import { type SysfsError, sysfsError } from "../../values/sysfs-error.ts";
import { isClockAlone, LEFT_ALONE } from "../calls.ts";
import { readHardware } from "./domain-state.ts";
import { domainDir, listDomains } from "./files.ts";
import { cpuRootOf, type Roots } from "./originals.ts";
import { hasChanged, readSignature, type Signature } from "./signature.ts";
import { OriginalsStore } from "./store.ts";
import { Topology } from "../topology.ts";

export type { Domain } from "./domain.ts";

/** The host's cpufreq domains as of the last scan. */
export class Cpufreq {
  readonly topology: Topology;
  readonly #roots: Roots;
  readonly #store: OriginalsStore;
  #domains: readonly Domain[] = [];
  #byId: ReadonlyMap<DomainId, Domain> = new Map();
  #problems: readonly SysfsError[] = [];
  #stale: readonly DomainId[] = [];
  #signature: Signature = new Map();
  #edition = 0;
  readonly #change = () => void this.#edition++;
  readonly #byPcpu = new Map<Pcpu, Domain>();
  readonly #groups = new Map<DomainId, readonly Domain[]>();

  constructor(roots: Roots) {
    this.#roots = roots;
    this.topology = new Topology(roots.sysfsRoot);
    this.#store = new OriginalsStore(roots.stateDir, roots.procRoot);
  }

  /** By number. */
  get domains(): readonly Domain[] {
    return this.#domains;
  }

  /** Another number whenever what some domain can be set to has changed: what was worked out from that is void. */
  get edition(): number {
    return this.#edition;
  }

  /** What could not be read in the last scan: domains left out, siblings not known, originals that can't be understood. */
  get problems(): readonly SysfsError[] {
    return this.#problems;
  }

  /** Domains whose saved originals were of another boot when this was opened: they have been forgotten. */
  get stale(): readonly DomainId[] {
    return this.#stale;
  }

  /** Returns the domain that sets this CPU's clock; undefined when it has none. */
  domainOf(cpu: Pcpu): Domain | undefined {
    return this.#byPcpu.get(cpu);
  }

  /** Returns domain `id`; undefined when there is none. */
  domainById(id: DomainId): Domain | undefined {
    return this.#byId.get(id);
  }

  /** Returns whether this CPU's clock is left alone, because a call on it did not return: it has no domain then. */
  isHung(cpu: Pcpu): boolean {
    return isClockAlone(cpuRootOf(this.#roots), cpu);
  }

  /** Returns the domains whose CPUs share cores with those of domain `id`, itself included, by number: they must be decided together. */
  group(id: DomainId): readonly Domain[] {
    return this.#groups.get(id) ?? [];
  }

  /**
   * Scans again, as after hotplug. A domain whose driver and CPUs are unchanged stays the same object and takes up what else is new; one
   * that can't be read for now stays as it is. Errors: only when there is no folder of CPUs at all.
   */
  refresh(): Result<void, SysfsError> {
    const cpuRoot = cpuRootOf(this.#roots);
    // Before the scan, so that what changes meanwhile is seen next time.
    this.#signature = readSignature(cpuRoot);
    const ids = this.#scan(cpuRoot);
    if (!ids.ok) return ids;
    const problems: SysfsError[] = [];
    const domains: Domain[] = [];
    for (const id of ids.value) {
      const found = readHardware(cpuRoot, id);
      const old = this.#byId.get(id);
      if (!found.ok && found.error.code !== LEFT_ALONE) problems.push(found.error);
      if (old && (!found.ok || isSame(old, found.value))) {
        old.reread(found);
        domains.push(old);
      } else if (found.ok)
        domains.push(new Domain(id, domainDir(cpuRoot, id), found.value, this.#store, this.#change));
    }
    for (const old of this.#domains) if (!domains.includes(old)) old.close();
    if (domains.some((domain) => !this.#domains.includes(domain))) this.#change();
    this.#domains = domains;
    this.#byId = new Map(domains.map((domain) => [domain.id, domain]));
    this.#byPcpu.clear();
    for (const domain of domains) for (const cpu of domain.pcpus) this.#byPcpu.set(cpu, domain);
    this.#regroup(problems);
    this.#problems = problems;
    return DONE;
  }

  /** Reads whether CPUs, drivers or frequencies may have changed since the last scan: a few files, whatever the number of CPUs. */
  changed(): boolean {
    return hasChanged(cpuRootOf(this.#roots), this.#signature);
  }

  /** Forgets originals of another boot; those that can't be understood become problems. */
  forgetStale(): void {
    const stale: DomainId[] = [];
    const ids = this.#store.list();
    const problems: SysfsError[] = ids.ok ? [] : [ids.error];
    for (const id of ids.ok ? ids.value : []) {
      const saved = this.#store.load(id);
      const forgotten = saved.ok && saved.value.state === "stale" ? this.#store.forget(id) : saved;
      if (!forgotten.ok) problems.push(forgotten.error);
      else if (saved.ok && saved.value.state === "stale") stale.push(id);
    }
    this.#stale = stale;
    this.#problems = [...this.#problems, ...problems];
  }

  /** Gives all files back. */
  close(): void {
    for (const domain of this.#domains) domain.close();
  }

  #scan(cpuRoot: string): Result<DomainId[], SysfsError> {
    try {
      statSync(cpuRoot);
    } catch (thrown) {
      return err(sysfsError("read", cpuRoot, thrown));
    }
    return listDomains(cpuRoot);
  }

  /** Domains that share a core end in one group, also through a third one. */
  #regroup(problems: SysfsError[]): void {
    const groupOf = new Map<Domain, Set<Domain>>(this.#domains.map((domain) => [domain, new Set([domain])]));
    for (const domain of this.#domains)
      for (const cpu of domain.pcpus) {
        const siblings = this.topology.siblings(cpu);
        if (!siblings.ok) problems.push(siblings.error);
        for (const sibling of siblings.ok ? siblings.value : []) {
          const [mine, theirs] = [groupOf.get(domain), groupOf.get(this.#byPcpu.get(sibling) ?? domain)];
          if (!mine || !theirs || mine === theirs) continue;
          for (const other of theirs) {
            mine.add(other);
            groupOf.set(other, mine);
          }
        }
      }
    this.#groups.clear();
    for (const [domain, group] of groupOf)
      this.#groups.set(
        domain.id,
        [...group].sort((a, b) => a.id - b.id),
      );
  }
}

/**
 * Returns the host's domains; none on a machine without cpufreq. Originals of another boot are forgotten. Nothing else is written.
 * Errors: ENOENT and the like when there is no folder of CPUs at `sysfsRoot`; a single broken domain is in `problems` instead.
 */
export function openCpufreq(roots: Roots): Result<Cpufreq, SysfsError> {
  const cpufreq = new Cpufreq(roots);
  const scanned = cpufreq.refresh();
  if (!scanned.ok) return scanned;
  cpufreq.forgetStale();
  return ok(cpufreq);
}

const isSame = (old: Domain, found: Hardware): boolean =>
  old.driver === found.driver &&
  old.pcpus.join() === found.pcpus.join() &&
  old.lacksUserspace === lacksUserspace(found);
