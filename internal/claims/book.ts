// The claims that stand: found by who made them and by the clock that they are on.

import type { DomainId } from "../values/units.ts";
import { Claim, type Claimant, type Slot, SLOTS } from "./claim.ts";
import { newPage, type Page } from "./page.ts";

const NO_CLAIMS: readonly Claim[] = [];

/** Nothing but what stands: nobody decides or writes here. */
export class Book {
  readonly #slots: Readonly<Record<Slot, Map<string, Map<number, Claim>>>> = {
    guest: new Map(),
    policy: new Map(),
    operator: new Map(),
  };
  readonly #pages = new Map<DomainId, Page>();
  /** VMs that stand still. */
  #paused: ReadonlySet<string> = new Set();

  /** Returns a book of the same claims, of which nothing is shared. @param claimantOf whoever stands for a claim's claimant there */
  copy(claimantOf: (claim: Claim) => Claimant): Book {
    const copy = new Book();
    const twins = new Map<Claim, Claim>();
    for (const claim of this.claims()) {
      const twin = new Claim(claim.grant, claimantOf(claim), claim.level);
      twin.superseded = claim.superseded;
      twins.set(claim, twin);
      copy.#put(twin);
    }
    for (const [id, page] of this.#pages)
      copy.#pages.set(id, { ...page, claims: page.claims.map((claim) => twins.get(claim) ?? claim) });
    copy.#paused = this.#paused;
    return copy;
  }

  /** Returns the claim in a slot of a vCPU (for `operator`: VM "" and the pCPU), if one stands. */
  claim(slot: Slot, vm: string, vcpu: number): Claim | undefined {
    return this.#slots[slot].get(vm)?.get(vcpu);
  }

  /** Returns all claims on a domain. */
  claimsOn(domain: DomainId): readonly Claim[] {
    return this.#pages.get(domain)?.claims ?? NO_CLAIMS;
  }

  /** True when nobody claims anything. */
  get empty(): boolean {
    return SLOTS.every((slot) => this.#slots[slot].size === 0);
  }

  /** Returns every claim that stands. */
  *claims(): Generator<Claim> {
    for (const slot of SLOTS) for (const vm of this.#slots[slot].values()) yield* vm.values();
  }

  /** Returns every claim that stands for a VM. */
  *claimsOf(vm: string): Generator<Claim> {
    for (const slot of SLOTS) yield* this.#slots[slot].get(vm)?.values() ?? [];
  }

  /** The clocks that anybody has claimed yet. */
  get domains(): Iterable<DomainId> {
    return this.#pages.keys();
  }

  /** Returns a clock's page, if there is one yet. */
  seen(id: DomainId): Page | undefined {
    return this.#pages.get(id);
  }

  /** Returns a clock's page, a new one where there is none yet. */
  page(id: DomainId): Page {
    let page = this.#pages.get(id);
    if (page === undefined) {
      page = newPage();
      this.#pages.set(id, page);
    }
    return page;
  }

  add(claim: Claim): void {
    const { vm, vcpu, domains } = claim.grant;
    this.#put(claim);
    this.#supersede(vm, vcpu);
    for (const id of domains) this.page(id).claims.push(claim);
  }

  remove(claim: Claim): void {
    const { vm, vcpu, domains } = claim.grant;
    const claims = this.#slots[claim.claimant.slot].get(vm);
    claims?.delete(vcpu);
    if (claims?.size === 0) this.#slots[claim.claimant.slot].delete(vm);
    this.#supersede(vm, vcpu);
    for (const id of domains) {
      const { claims: onDomain } = this.page(id);
      onDomain.splice(onDomain.indexOf(claim), 1);
    }
  }

  /** Lets the wishes of these VMs wait and those of all others count. Returns the clocks of those whose fate changed. */
  pause(vms: ReadonlySet<string>): ReadonlySet<DomainId> {
    const before = this.#paused;
    this.#paused = vms;
    const touched = new Set<DomainId>();
    for (const { grant } of this.claims()) {
      if (vms.has(grant.vm) === before.has(grant.vm)) continue;
      this.#supersede(grant.vm, grant.vcpu);
      for (const domain of grant.domains) touched.add(domain);
    }
    return touched;
  }

  #put(claim: Claim): void {
    const { vm, vcpu } = claim.grant;
    const book = this.#slots[claim.claimant.slot];
    let claims = book.get(vm);
    if (claims === undefined) book.set(vm, (claims = new Map()));
    claims.set(vcpu, claim);
  }

  #supersede(vm: string, vcpu: number): void {
    const paused = this.#paused.has(vm);
    const policy = this.claim("policy", vm, vcpu);
    const guest = this.claim("guest", vm, vcpu);
    if (policy !== undefined) policy.superseded = paused;
    if (guest !== undefined) guest.superseded = paused || policy !== undefined;
  }
}
