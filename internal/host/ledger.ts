// Every wish that stands, and what came of it: without it a shared clock would belong to the last writer.

import { arbitrate, type Decision, type Limits, type Wish } from "../arbiter/arbitrate.ts";
import type { Grant } from "../arbiter/authorize.ts";
import { highest, type Level, move } from "../frequency.ts";
import type { Step } from "../request.ts";
import { DONE, type Result } from "../result.ts";
import type { Cpufreq, Domain } from "../sysfs/cpufreq.ts";
import type { SysfsError } from "../sysfs/error.ts";
import type { DomainId, Khz, Vcpu } from "../units.ts";

/** Whoever can hold a wish and go away: a channel, an operator, a policy. */
export type Owner = object;

/** A wish as it stands in the ledger. */
export interface Claim extends Wish {
  readonly vm: string;
  readonly vcpu: Vcpu;
  readonly owner: Owner;
  readonly domains: readonly DomainId[];
  level: Level;
}

/** Told after a domain was written, or was given back (`target` undefined). */
export type OnChange = (domain: Domain, target: Khz | undefined, winner: Claim | undefined) => void;

const NO_CLAIMS: ReadonlySet<Claim> = new Set();

export class Ledger {
  readonly #cpufreq: Cpufreq;
  readonly #limitsOf: (vm: string) => Limits;
  readonly #site: (domain: DomainId) => Limits;
  readonly #onChange: OnChange;
  /** Per VM, per vCPU: one claim, whoever made it last. */
  readonly #claims = new Map<string, Map<number, Claim>>();
  readonly #byDomain = new Map<DomainId, Set<Claim>>();

  constructor(
    cpufreq: Cpufreq,
    limitsOf: (vm: string) => Limits,
    site: (domain: DomainId) => Limits,
    onChange: OnChange,
  ) {
    this.#cpufreq = cpufreq;
    this.#limitsOf = limitsOf;
    this.#site = site;
    this.#onChange = onChange;
  }

  /** Returns the claim on a vCPU, if one stands. */
  claim(vm: string, vcpu: number): Claim | undefined {
    return this.#claims.get(vm)?.get(vcpu);
  }

  /** Returns all claims on a domain. */
  claimsOn(domain: DomainId): ReadonlySet<Claim> {
    return this.#byDomain.get(domain) ?? NO_CLAIMS;
  }

  /** Returns every claim that stands. */
  *claims(): Generator<Claim> {
    for (const vm of this.#claims.values()) yield* vm.values();
  }

  /** Returns what a domain should get now, and from whom; undefined when nobody claims it. */
  decide(domain: Domain): Decision<Claim> | undefined {
    if (this.claimsOn(domain.id).size === 0) return undefined;
    const group = this.#cpufreq.group(domain.id);
    // Siblings share the core's clock, so the highest wish on any of them holds for each that is claimed.
    return arbitrate(
      group.length === 1 ? this.claimsOn(domain.id) : this.#claimsOnGroup(group),
      this.#site(domain.id),
    );
  }

  /**
   * Moves a vCPU's wish by one step and writes what follows from it. A vCPU without a wish starts from its highest
   * non-turbo frequency, as DPDK's host does at start. When a write fails the old wish stands again.
   */
  step(grant: Grant, owner: Owner, step: Step): Result<void, SysfsError> {
    const domain = this.#cpufreq.domainById(grant.domains[0] as DomainId);
    if (domain === undefined) throw new Error(`a grant names policy${grant.domains[0]}, which is not there`);
    const old = this.claim(grant.vm, grant.vcpu);
    const from = old?.level ?? { khz: highest(domain.table, false), turbo: false };
    return this.wish(grant, owner, move(domain.table, from, step));
  }

  /** Sets a vCPU's wish and writes what follows from it. When a write fails the old wish stands again. */
  wish(grant: Grant, owner: Owner, level: Level): Result<void, SysfsError> {
    const old = this.claim(grant.vm, grant.vcpu);
    if (old !== undefined && old.owner === owner && old.domains === grant.domains) {
      const before = old.level;
      old.level = level;
      const applied = this.#apply(old.domains);
      if (!applied.ok) {
        old.level = before;
        this.#apply(old.domains);
      }
      return applied;
    }
    const claim: Claim = {
      vm: grant.vm,
      vcpu: grant.vcpu,
      owner,
      domains: grant.domains,
      level,
      limits: this.#limitsOf(grant.vm),
    };
    if (old !== undefined) this.#remove(old);
    this.#add(claim);
    const applied = this.#apply(claim.domains);
    if (!applied.ok) {
      this.#remove(claim);
      if (old !== undefined) this.#add(old);
      this.#apply(claim.domains);
    }
    if (old !== undefined) this.#apply(old.domains);
    return applied;
  }

  /** Takes back every wish of `owner` and writes what follows. Returns the failures. */
  withdraw(owner: Owner): readonly SysfsError[] {
    return this.#withdraw((claim) => claim.owner === owner);
  }

  /** Takes back one vCPU's wish, whoever has it. Returns the failures. */
  withdrawVcpu(vm: string, vcpu: number): readonly SysfsError[] {
    return this.#withdraw((claim) => claim.vm === vm && claim.vcpu === vcpu);
  }

  /** Writes every claimed domain again where it differs from what it should be. Returns the failures. */
  settle(): readonly SysfsError[] {
    const failed: SysfsError[] = [];
    for (const domain of this.#byDomain.keys()) {
      const applied = this.#apply([domain]);
      if (!applied.ok) failed.push(applied.error);
    }
    return failed;
  }

  #withdraw(gone: (claim: Claim) => boolean): readonly SysfsError[] {
    const touched = new Set<DomainId>();
    for (const claim of [...this.claims()]) {
      if (!gone(claim)) continue;
      this.#remove(claim);
      for (const domain of claim.domains) touched.add(domain);
    }
    const failed: SysfsError[] = [];
    for (const domain of touched) {
      const applied = this.#apply([domain]);
      if (!applied.ok) failed.push(applied.error);
    }
    return failed;
  }

  #add(claim: Claim): void {
    let vm = this.#claims.get(claim.vm);
    if (vm === undefined) this.#claims.set(claim.vm, (vm = new Map()));
    vm.set(claim.vcpu, claim);
    for (const id of claim.domains) {
      let domain = this.#byDomain.get(id);
      if (domain === undefined) this.#byDomain.set(id, (domain = new Set()));
      domain.add(claim);
    }
  }

  #remove(claim: Claim): void {
    const vm = this.#claims.get(claim.vm);
    vm?.delete(claim.vcpu);
    if (vm?.size === 0) this.#claims.delete(claim.vm);
    for (const id of claim.domains) this.#byDomain.get(id)?.delete(claim);
  }

  *#claimsOnGroup(group: readonly Domain[]): Generator<Claim> {
    for (const domain of group) yield* this.claimsOn(domain.id);
  }

  /** Writes what the wishes come to on `domains` and their siblings; a domain that nobody claims is given back. */
  #apply(domains: readonly DomainId[]): Result<void, SysfsError> {
    let first: Result<void, SysfsError> = DONE;
    for (const id of domains) {
      for (const domain of this.#cpufreq.group(id)) {
        const applied = this.#applyOne(domain);
        if (!applied.ok && first.ok) first = applied;
      }
    }
    return first;
  }

  #applyOne(domain: Domain): Result<void, SysfsError> {
    const decision = this.decide(domain);
    if (decision === undefined) {
      if (domain.target === undefined) return DONE;
      const restored = domain.restore();
      if (restored.ok) this.#onChange(domain, undefined, undefined);
      return restored;
    }
    if (decision.target === domain.target) return DONE;
    const set = domain.set(decision.target);
    if (!set.ok) return set;
    this.#onChange(domain, set.value, decision.winner);
    return DONE;
  }
}
