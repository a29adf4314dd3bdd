// Who wants what of which vCPU; of several wishes the highest counts.

import { compare, type HostTable, type Wish } from "./wish.ts";

/** A program that holds wishes: a connection, the one-shot commands together, or the governor. */
export interface Holder {
  readonly name: string;
  /** A wish of the last resort counts only while nobody else has one. */
  readonly lastResort: boolean;
}

/** The wishes of all programs by vCPU. */
export class Book {
  readonly #pages = new Map<number, Map<Holder, Wish>>();

  /** Returns what `holder` wants of `vcpu`. */
  wish(holder: Holder, vcpu: number): Wish | undefined {
    return this.#pages.get(vcpu)?.get(holder);
  }

  /** Sets what `holder` wants of `vcpu`; undefined for nothing. */
  set(holder: Holder, vcpu: number, wish: Wish | undefined): void {
    let page = this.#pages.get(vcpu);
    if (page === undefined) this.#pages.set(vcpu, (page = new Map()));
    if (wish === undefined) page.delete(holder);
    else page.set(holder, wish);
    if (page.size === 0) this.#pages.delete(vcpu);
  }

  /** Returns the vCPUs of which `holder` wants something. */
  vcpusOf(holder: Holder): readonly number[] {
    return [...this.#pages].flatMap(([vcpu, page]) => (page.has(holder) ? [vcpu] : []));
  }

  /** Returns the vCPUs of which anybody wants something. */
  get vcpus(): readonly number[] {
    return [...this.#pages.keys()];
  }

  /** Returns the highest wish for `vcpu` and whose it is; the first of equal ones, undefined when nobody has one. */
  highest(
    vcpu: number,
    table: HostTable | undefined,
  ): { readonly holder: Holder; readonly wish: Wish } | undefined {
    let best: { readonly holder: Holder; readonly wish: Wish } | undefined;
    for (const [holder, wish] of this.#pages.get(vcpu) ?? []) {
      if (best === undefined || (best.holder.lastResort && !holder.lastResort)) best = { holder, wish };
      else if (holder.lastResort && !best.holder.lastResort) continue;
      else if (compare(table, wish, best.wish) > 0) best = { holder, wish };
    }
    return best;
  }

  /** Returns every wish for `vcpu`, by its holder's name. */
  wishes(vcpu: number): readonly { readonly holder: Holder; readonly wish: Wish }[] {
    return [...(this.#pages.get(vcpu) ?? [])].map(([holder, wish]) => ({ holder, wish }));
  }
}
