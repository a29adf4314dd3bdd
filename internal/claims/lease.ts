// What a guest agreed with HELLO on one connection: how long it may be silent before its wishes fall back.

import type { Level } from "../values/frequency.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import type { Claimant } from "./claim.ts";
import type { Ledger } from "./ledger.ts";

/** A claim as it stood: the ledger's own changes with the next wish. */
export interface Before {
  readonly claimant: Claimant;
  readonly level: Level;
}

/** An agent is heard in each three leases, one with claims in each: who was silent for so many is taken for gone. */
const SILENT_LEASES = 4;

/** The HELLO of a connection, and what its claims took the place of. */
export class Lease {
  /** The extension's version agreed with the program at the port; 0 before HELLO. */
  version = 0;
  /** How long the guest may be silent, in seconds; 0 for ever. */
  seconds = 0;
  /** How often the claims have fallen back since HELLO. */
  lapses = 0;
  /** The guest takes notices. */
  #notices = false;
  #until = 0;
  /** By vCPU, what stood before this guest's claim; undefined for nothing. */
  readonly #before = new Map<number, Before | undefined>();
  /** The same of v1 requests since CONNECT or the HELLO after it; undefined before a CONNECT. */
  #unleased: Map<number, Before | undefined> | undefined;

  /**
   * Takes a HELLO. One without a lease leaves the lease of claims that stand: who made them may have died. One with a lease takes in what
   * v1 requests have claimed since CONNECT or the HELLO before: a guest whose HELLO was answered late had to claim so.
   */
  agree(version: number, seconds: number, notices: boolean): void {
    this.version = version;
    this.#notices = notices;
    if (seconds > 0 || this.#before.size === 0) this.seconds = seconds;
    this.lapses = 0;
    if (seconds > 0) for (const [vcpu, before] of this.#unleased ?? []) this.note(vcpu, before);
    this.#unleased?.clear();
  }

  /** Takes a CONNECT, which ends HELLO: another program may be at the port, which agreed on nothing. Claims keep their lease. */
  connect(): void {
    this.version = 0;
    this.#notices = false;
    this.#unleased = new Map();
  }

  /** Returns whether the guest asked for notices and is still there to read them. */
  isTold(nowMs: number): boolean {
    const silentMs = (SILENT_LEASES - 1) * this.seconds * 1000;
    return this.#notices && (this.seconds === 0 || nowMs < this.#until + silentMs);
  }

  /** Counts the lease from now on. @param nowMs a clock that never goes back, in ms */
  renew(nowMs: number): void {
    this.#until = nowMs + this.seconds * 1000;
  }

  /** Returns what is left of the lease, in ms; 0 when it ran out or there is none. */
  leftMs(nowMs: number): number {
    return this.seconds === 0 ? 0 : Math.max(0, Math.ceil(this.#until - nowMs));
  }

  /** Returns whether claims stand whose lease has run out. */
  lapsed(nowMs: number): boolean {
    return this.seconds > 0 && this.#before.size > 0 && nowMs >= this.#until;
  }

  /** Remembers what a new claim on `vcpu` takes the place of, unless that is this guest's own. */
  note(vcpu: number, before: Before | undefined): void {
    if (!this.#before.has(vcpu)) this.#before.set(vcpu, before);
  }

  /** Returns whether keep() is to be told what stands before a v1 request for `vcpu`. */
  asksBefore(vcpu: number): boolean {
    return this.#unleased !== undefined && !this.#unleased.has(vcpu);
  }

  /** The claim on `vcpu` is no longer the lease's: the guest moved it with a v1 request, which lasts. @param before where asksBefore() */
  keep(vcpu: number, before?: Before): void {
    if (this.#before.size > 0) this.#before.delete(vcpu);
    if (this.asksBefore(vcpu)) this.#unleased?.set(vcpu, before);
  }

  /** Puts back what stood before the claim on `vcpu`, or before all when undefined, unless who made it is gone. Returns the failures. */
  fallBack(ledger: Ledger, claimant: Claimant, vm: string, vcpu: number | undefined): readonly SysfsError[] {
    const failed: SysfsError[] = [];
    for (const [index, before] of [...this.#before]) {
      if (vcpu !== undefined && index !== vcpu) continue;
      this.#before.delete(index);
      const claim = ledger.claim("guest", vm, index);
      if (claim === undefined || claim.claimant !== claimant) continue;
      if (before === undefined || before.claimant.gone === true)
        failed.push(...ledger.withdraw((other) => other === claim));
      else {
        const done = ledger.wish(claim.grant, before.claimant, before.level);
        if (!done.ok) failed.push(done.error);
      }
    }
    return failed;
  }

  /** Lets all claims fall back because the guest fell silent. Returns the failures. */
  lapse(ledger: Ledger, claimant: Claimant, vm: string): readonly SysfsError[] {
    this.lapses++;
    return this.fallBack(ledger, claimant, vm, undefined);
  }
}
