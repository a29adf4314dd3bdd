// Every wish that stands, what they come to on each clock, and what was written of that.

import { arbitrate, clip, type Decision, type Limits } from "./arbitrate.ts";
import { type Grant, isSamePlace } from "./authorize.ts";
import { type FrequencyTable, highest, type Level, move, type Step } from "../values/frequency.ts";
import { DONE, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import type { DomainId, Khz } from "../values/units.ts";
import type { DomainClock, DomainClocks } from "./clock.ts";
import { Book } from "./book.ts";
import { Claim, type Claimant, type Slot } from "./claim.ts";
import type { LastWrite, Page } from "./page.ts";
import { paperClocks } from "./paper-clocks.ts";

/** Told after each write to a domain, also one that failed. */
export type OnWrite = (domain: DomainClock, write: LastWrite, winner: Claim | undefined) => void;

export class Ledger {
  /** The ceiling that a budget of watts leaves of a domain, claimed or not; it counts from the next settle() on. */
  budget: (domain: DomainClock) => Khz | undefined = () => undefined;
  readonly #clocks: DomainClocks;
  readonly #site: (domain: DomainClock) => Limits;
  readonly #onWrite: OnWrite;
  readonly #book: Book;

  /**
   * @param site the limits that hold for everybody on a domain
   * @param book what stands already
   */
  constructor(
    clocks: DomainClocks,
    site: (domain: DomainClock) => Limits,
    onWrite: OnWrite,
    book = new Book(),
  ) {
    this.#book = book;
    this.#clocks = clocks;
    this.#site = site;
    this.#onWrite = onWrite;
  }

  /**
   * Returns a ledger of the same claims on paper: it decides as this one does, and what it writes goes nowhere.
   * @param claimantOf whoever stands for a claim's claimant there, as where its limits would be others
   * @param site the limits that hold for everybody there
   * @param given what could be set of each clock, where all are given back at first
   */
  rehearsal(
    claimantOf: (claim: Claim) => Claimant,
    site = this.#site,
    given?: (clock: DomainClock) => FrequencyTable,
  ): Ledger {
    const paper = paperClocks(this.#clocks, given);
    const ledger = new Ledger(paper, site, () => {}, this.#book.copy(claimantOf));
    ledger.budget = this.budget;
    return ledger;
  }

  /** Returns the claim in a slot of a vCPU (for `operator`: VM "" and the pCPU), if one stands. */
  claim(slot: Slot, vm: string, vcpu: number): Claim | undefined {
    return this.#book.claim(slot, vm, vcpu);
  }

  /** Returns all claims on a domain. */
  claimsOn(domain: DomainId): readonly Claim[] {
    return this.#book.claimsOn(domain);
  }

  /** True when nobody claims anything. */
  get empty(): boolean {
    return this.#book.empty;
  }

  /** Returns every claim that stands. */
  claims(): Iterable<Claim> {
    return this.#book.claims();
  }

  /** Returns every claim that stands for a VM. */
  claimsOf(vm: string): Iterable<Claim> {
    return this.#book.claimsOf(vm);
  }

  /** Returns what a domain was told last, kHz; undefined while it is as its operator had it. */
  targetOf(domain: DomainId): Khz | undefined {
    return this.#clocks.domainById(domain)?.target;
  }

  /** Returns the limits that hold for everybody on a domain. */
  siteLimits(domain: DomainClock): Limits {
    return this.#site(domain);
  }

  /** Returns what was last written to a domain since the start. */
  lastWrite(domain: DomainId): LastWrite | undefined {
    return this.#book.seen(domain)?.lastWrite;
  }

  /** Returns whether decide() has anything to decide, without going through every claim. */
  decides(domain: DomainClock): boolean {
    const counts = (id: DomainId) => this.claimsOn(id).some(({ superseded }) => !superseded);
    return this.claimsOn(domain.id).length > 0 && this.#clocks.group(domain.id).some(({ id }) => counts(id));
  }

  /** Returns what a domain should get now, and from whom; undefined when nobody claims it. */
  decide(domain: DomainClock): Decision<Claim> | undefined {
    const own = this.claimsOn(domain.id);
    if (own.length === 0) return undefined;
    const group = this.#clocks.group(domain.id);
    // Siblings share the core's clock, so the highest wish on any of them holds for each that is claimed.
    const wishes = group.length === 1 ? own : group.flatMap(({ id }) => this.claimsOn(id));
    return arbitrate(wishes, domain.id, this.#site(domain), this.budget(domain));
  }

  /**
   * Moves a wish by one step and writes what follows from it. Up and down start from what all limits leave of the wish, so that no step is
   * lost to them; to the ends it goes whole, for when they go. One that does not stand yet starts from the highest frequency that
   * it may have, as DPDK's host does at start. When a write fails the old wish stands again.
   */
  step(grant: Grant, claimant: Claimant, step: Step): Result<void, SysfsError> {
    const domain = this.#clocks.domainById(grant.domains[0] as DomainId);
    if (domain === undefined) throw new Error(`a grant names policy${grant.domains[0]}, which is not there`);
    const old = this.claim(claimant.slot, grant.vm, grant.vcpu);
    const turbo = this.mayTurbo(grant, claimant);
    const from = old?.level ?? { khz: highest(domain.table, turbo), turbo };
    if (step !== "up" && step !== "down")
      return this.#wish(grant, claimant, move(domain.table, from, step), old);
    const held = clip(clip(from.khz, claimant.limitsIn(domain.id)), this.#site(domain));
    const moved = move(domain.allowed, { khz: held, turbo: from.turbo }, step);
    const level = (step === "up") === moved.khz < from.khz ? from : moved;
    return this.#wish(grant, claimant, level, old);
  }

  /**
   * Returns whether a claimant's steps may lead into turbo: what the wish that stands says, which ENABLE_TURBO and DISABLE_TURBO set; else
   * what the clock starts with, where the claimant may use turbo.
   */
  mayTurbo({ vm, vcpu, domains }: Grant, { slot, turbo }: Claimant): boolean {
    const held = this.claim(slot, vm, vcpu)?.level.turbo;
    return held ?? (turbo && this.#clocks.domainById(domains[0] as DomainId)?.turboAtStart === true);
  }

  /** Sets a wish and writes what follows from it. When a write fails the old wish stands again. */
  wish(grant: Grant, claimant: Claimant, level: Level): Result<void, SysfsError> {
    return this.#wish(grant, claimant, level, this.claim(claimant.slot, grant.vm, grant.vcpu));
  }

  #wish(grant: Grant, claimant: Claimant, level: Level, old: Claim | undefined): Result<void, SysfsError> {
    if (old !== undefined && old.claimant === claimant && isSamePlace(old.grant, grant)) {
      const before = old.level;
      old.level = level;
      if (this.#stays(old, before)) return DONE;
      const applied = this.#apply(grant.domains);
      if (!applied.ok) {
        old.level = before;
        this.#apply(grant.domains);
      }
      return applied;
    }
    const claim = new Claim(grant, claimant, level);
    if (old !== undefined) this.#book.remove(old);
    this.#book.add(claim);
    const applied = this.#apply(grant.domains);
    if (!applied.ok) {
      this.#book.remove(claim);
      if (old !== undefined) this.#book.add(old);
      this.#apply(grant.domains);
    }
    // Where it stood before, and where the guest's own wish stands that a policy now speaks for.
    for (const other of [old, this.claim("guest", grant.vm, grant.vcpu)]) {
      if (other !== undefined && !isSamePlace(other.grant, grant)) this.#apply(other.grant.domains);
    }
    return applied;
  }

  /** Takes back the claims that `gone` picks and writes what follows. Returns the failures. */
  withdraw(gone: (claim: Claim) => boolean): readonly SysfsError[] {
    const touched = new Set<DomainId>();
    for (const claim of [...this.claims()]) {
      if (!gone(claim)) continue;
      this.#book.remove(claim);
      const { vm, vcpu, domains } = claim.grant;
      for (const domain of domains) touched.add(domain);
      // A guest's own wish that a policy spoke for stands again.
      for (const domain of this.claim("guest", vm, vcpu)?.grant.domains ?? []) touched.add(domain);
    }
    return this.settle(touched);
  }

  /** Lets the wishes of these VMs wait and those of all others count, and writes what follows. Returns the failures. */
  pause(vms: ReadonlySet<string>): readonly SysfsError[] {
    return this.settle(this.#book.pause(vms));
  }

  /** Decides domains anew, all unless named, as after a change of limits, and writes what differs. Returns the failures. */
  settle(ids: Iterable<DomainId> = this.#book.domains): readonly SysfsError[] {
    const failed: SysfsError[] = [];
    for (const id of ids) {
      const applied = this.#apply([id]);
      if (!applied.ok) failed.push(applied.error);
    }
    return failed;
  }

  /**
   * Returns whether every target stays now that `claim` has moved from `before`, and counts on: with many VMs on one clock nearly
   * every wish changes nothing, and needs no look at all the others. False when only that look can tell.
   */
  #stays(claim: Claim, before: Level): boolean {
    const { domains } = claim.grant;
    if (domains.length !== 1 || claim.superseded || claim.operator) return false;
    for (const { id } of this.#clocks.group(domains[0] as DomainId)) {
      const page = this.#book.page(id);
      const limits = claim.limitsIn(id);
      const was = clip(before.khz, limits);
      const is = clip(claim.level.khz, limits);
      if (page.holders === 0 || is > page.highest) return false;
      if (was === page.highest) page.holders--;
      if (is === page.highest) page.holders++;
      if (page.holders === 0) return false;
    }
    return true;
  }

  /** Writes what the wishes come to on `domains` and their siblings; a domain that nobody claims is given back. */
  #apply(domains: readonly DomainId[]): Result<void, SysfsError> {
    let first: Result<void, SysfsError> = DONE;
    for (const id of domains) {
      for (const domain of this.#clocks.group(id)) {
        const applied = this.#applyOne(domain, this.#book.page(domain.id));
        if (!applied.ok && first.ok) first = applied;
      }
    }
    return first;
  }

  #applyOne(domain: DomainClock, page: Page): Result<void, SysfsError> {
    const decision = this.decide(domain);
    page.holders = 0;
    if (decision === undefined) {
      const ceiling = this.budget(domain);
      const claimed = domain.target !== undefined;
      page.decided = undefined;
      if (!claimed && ceiling === domain.ceiling) return DONE;
      const done = ceiling === undefined ? domain.restore() : domain.cap(ceiling);
      if (claimed) this.#wrote(domain, page, undefined, done.ok ? undefined : done.error, undefined);
      return done;
    }
    if (decision.target !== page.decided || domain.target === undefined) {
      const set = domain.set(decision.target);
      page.decided = set.ok ? decision.target : undefined;
      const khz = set.ok ? set.value : undefined;
      this.#wrote(domain, page, khz, set.ok ? undefined : set.error, decision.winner);
      if (!set.ok) return set;
    }
    page.highest = decision.highest;
    page.holders = decision.holders;
    return DONE;
  }

  #wrote(
    domain: DomainClock,
    page: Page,
    khz: Khz | undefined,
    error: SysfsError | undefined,
    winner: Claim | undefined,
  ): void {
    page.lastWrite = { at: Date.now(), khz, error };
    this.#onWrite(domain, page.lastWrite, winner);
  }
}
