// One VM as the host knows it: its name is its channels', its pinning is read, nothing is believed from a packet.

import type { Placement, Standing } from "../arbiter/authorize.ts";
import { findVmProcess } from "../pinning/peer.ts";
import type { PinSource, PinSubject } from "../pinning/pins.ts";
import { MAX_V1_VCPUS } from "../request.ts";
import type { Cpufreq } from "../sysfs/cpufreq.ts";
import type { DomainId, Pcpu } from "../units.ts";

/** What to do with a vCPU that may run on several pCPUs. */
export const FLOATING_RULES = ["refuse", "all"] as const;
export type FloatingRule = (typeof FLOATING_RULES)[number];

/** How all VMs of a host are placed. */
export interface PlacementRules {
  readonly cpufreq: Cpufreq;
  readonly sources: readonly PinSource[];
  readonly floating: FloatingRule;
  readonly procRoot: string;
}

/** A connected channel's descriptor and the path it is connected to. */
export interface Connection {
  readonly fd: number;
  readonly path: string;
}

/** A placement is trusted this long, in ms: a re-pinned vCPU is followed within it. */
const FRESH_MS = 400;
/** Largest vCPU index looked at. */
const MAX_VCPU = 8191;
/** Names in a packet are cut here. Source: RTE_POWER_VM_MAX_NAME_SZ 32, with its NUL. */
const MAX_CLAIM_BYTES = 31;

export class Vm implements Standing, PinSubject {
  readonly vm: string;
  readonly claimName: string;
  readonly queries: boolean;
  readonly #rules: PlacementRules;
  readonly #connections = new Set<Connection>();
  readonly #placements = new Map<number, { placement: Placement; until: number }>();
  #pid: number | undefined;

  constructor(name: string, queries: boolean, rules: PlacementRules) {
    this.vm = name;
    this.claimName = Buffer.from(name).subarray(0, MAX_CLAIM_BYTES).toString();
    this.queries = queries;
    this.#rules = rules;
  }

  /** Pid of the VM's process, looked for when first asked. */
  get pid(): number | undefined {
    if (this.#pid === undefined) {
      for (const { fd, path } of this.#connections) {
        this.#pid = findVmProcess(this.#rules.procRoot, fd, path);
        if (this.#pid !== undefined) break;
      }
    }
    return this.#pid;
  }

  connected(connection: Connection): void {
    this.#connections.add(connection);
    this.#forget();
  }

  disconnected(connection: Connection): void {
    this.#connections.delete(connection);
    this.#forget();
  }

  placement(index: number): Placement {
    const now = performance.now();
    const known = this.#placements.get(index);
    if (known !== undefined && now < known.until) return known.placement;
    if (!Number.isInteger(index) || index > MAX_VCPU) {
      return { kind: "unpinned", why: `vCPU numbers end at ${MAX_VCPU}` };
    }
    const found = this.#place(index);
    // The same object as before when nothing changed: claims are compared by it.
    const placement = known !== undefined && same(known.placement, found) ? known.placement : found;
    this.#placements.set(index, { placement, until: now + FRESH_MS });
    return placement;
  }

  /** Returns how many vCPUs a v1 reply should list: those with a known place, counted up to the last, 8 at most. */
  listedVcpus(): number {
    for (let count = MAX_V1_VCPUS; count > 0; count--) {
      const place = this.placement(count - 1);
      if (place.kind === "absent") return Math.min(place.count, MAX_V1_VCPUS);
      if (place.kind !== "unpinned") return count;
    }
    return 0;
  }

  #place(index: number): Placement {
    const whys: string[] = [];
    for (const source of this.#rules.sources) {
      const pins = source.pins(this, index);
      if (pins.kind === "known") return this.#domains(pins.pcpus);
      if (pins.kind === "absent") return pins;
      whys.push(pins.why);
    }
    return { kind: "unpinned", why: whys.join("; ") };
  }

  #domains(pcpus: readonly Pcpu[]): Placement {
    if (pcpus.length > 1 && this.#rules.floating === "refuse") {
      return { kind: "floating", pcpus: pcpus.join(",") };
    }
    const domains = new Set<DomainId>();
    for (const cpu of pcpus) {
      const domain = this.#rules.cpufreq.domainOf(cpu);
      if (domain === undefined) return { kind: "no-cpufreq", pcpu: cpu };
      domains.add(domain.id);
    }
    return { kind: "placed", pcpus, domains: [...domains] };
  }

  #forget(): void {
    this.#pid = undefined;
    for (const entry of this.#placements.values()) entry.until = 0;
  }
}

function same(a: Placement, b: Placement): boolean {
  return a.kind === "placed" && b.kind === "placed" && a.pcpus.join() === b.pcpus.join();
}
