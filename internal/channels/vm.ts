// One VM as the host knows it: its name is its channels', its pinning is read, nothing is believed from a packet.

import type { Limits } from "../claims/arbitrate.ts";
import {
  authorizeVcpu,
  type Grant,
  hasNoClock,
  isSamePlace,
  type Placement,
  type Standing,
} from "../claims/authorize.ts";
import { limitsIn } from "../claims/limits.ts";
import { TokenBucket } from "../claims/rate.ts";
import type { VmConfig } from "../config/effective.ts";
import type { Floating } from "../config/schema.ts";
import { Party } from "../os/turns.ts";
import { findVmProcess } from "../pinning/peer.ts";
import type { PinSource, PinSubject } from "../pinning/pins.ts";
import { explain, type Refusal } from "../values/refusal.ts";
import { MAX_V1_VCPUS } from "../values/request.ts";
import type { Result } from "../values/result.ts";
import type { Cpufreq, Domain } from "../sysfs/cpufreq/cpufreq.ts";
import type { DomainId, Pcpu } from "../values/units.ts";
import { countVcpus, MAX_VCPU } from "./count-vcpus.ts";
import type { Peer } from "./peer.ts";
import { VmMeter } from "./vm-meter.ts";

/** How all VMs of a host are placed; a reload may change it. */
export interface PlacementRules {
  readonly cpufreq: Cpufreq;
  sources: readonly PinSource[];
  floating: Floating;
  readonly procRoot: string;
  /** Looks whether the domain of a CPU that has none has come meanwhile. */
  seek(cpu: Pcpu): Domain | undefined;
}

/** By what a vCPU's place is found. */
type Sight = Pick<PlacementRules, "sources" | "floating">;

/** A refusal as it is remembered. */
export interface PastRefusal {
  /** Date.now(). */
  readonly at: number;
  readonly vcpu: number;
  readonly message: string;
  readonly refusal: Refusal;
}

/** A vCPU's place, who told it, and what follows from it: a request that finds the same place takes the same grant. */
export interface Found {
  readonly placement: Placement;
  /** The pinning source. */
  readonly source: string | undefined;
  readonly granted: Result<Grant, Refusal>;
  /** performance.now() up to which it is believed; Infinity where it can't change by itself. */
  until: number;
}

/** A placement is trusted this long, in ms; with the host's own interval a re-pinned vCPU is followed within a second. */
const FRESH_MS = 400;
/** A CPU without a domain is looked for again after this long, in ms. */
const SEEK_MS = 1000;
/** Names in a packet are cut here. Source: RTE_POWER_VM_MAX_NAME_SZ 32, with its NUL. */
const MAX_WIRE_NAME = 31;
/** vCPUs whose last refusal is remembered. */
const MAX_REFUSALS = 64;

export class Vm implements Standing, PinSubject {
  readonly vm: string;
  readonly wireName: string;
  readonly meter = new VmMeter();
  /** Its channels, as they wait to be served. */
  readonly party = new Party();
  /** Whether a guest of its channels has ever agreed a lease. */
  leased = false;
  readonly #rules: PlacementRules;
  readonly #peers = new Set<Peer>();
  readonly #places = new Map<number, Found>();
  /** What mayMove came to; undefined when a place has changed since. */
  #mayMove: boolean | undefined;
  /** Whether places were forgotten since claims were last moved to where their vCPUs run. */
  #forgotten = false;
  readonly #limits = new Map<DomainId, Limits>();
  /** What the machine was when they were worked out. */
  #edition = 0;
  readonly #refusals = new Map<number, PastRefusal>();
  #settings: VmConfig;
  #rate: TokenBucket;
  #pid: number | undefined;

  constructor(rules: PlacementRules, settings: VmConfig) {
    this.vm = settings.vm;
    this.wireName = Buffer.from(this.vm).subarray(0, MAX_WIRE_NAME).toString();
    this.#rules = rules;
    this.#settings = settings;
    this.#rate = bucket(settings);
  }

  get settings(): VmConfig {
    return this.#settings;
  }
  get queries(): boolean {
    return this.#settings.queries;
  }
  get turbo(): boolean {
    return this.#settings.turbo;
  }
  get commands(): ReadonlySet<string> {
    return this.#settings.commands;
  }

  /** Whether claims may end by a lease. */
  get mayLapse(): boolean {
    return this.leased || this.#settings.leaseS > 0;
  }

  /** Takes new settings; what was derived from the old ones is forgotten. */
  configure(settings: VmConfig): void {
    this.#settings = settings;
    this.#rate = bucket(settings);
    this.#limits.clear();
    this.forgetPlaces();
  }

  /** Returns why one more request now is too many, or undefined, and counts it. */
  overRate(nowMs: number): Refusal | undefined {
    return this.#rate.take(nowMs)
      ? undefined
      : { kind: "rate", vm: this.vm, perSecond: this.#rate.perSecond };
  }

  /** Returns the VM's floor and ceiling on a domain. */
  limitsIn(id: DomainId): Limits {
    const { cpufreq } = this.#rules;
    if (this.#edition !== cpufreq.edition) this.#limits.clear();
    this.#edition = cpufreq.edition;
    let limits = this.#limits.get(id);
    if (limits === undefined) {
      const domain = cpufreq.domainById(id);
      const { floor, ceiling, turbo } = this.#settings;
      limits = domain === undefined ? {} : limitsIn(domain.table, floor, ceiling, turbo);
      this.#limits.set(id, limits);
    }
    return limits;
  }

  /** Remembers a refusal for those who ask why. */
  refused(vcpu: number, refusal: Refusal): void {
    this.#refusals.delete(vcpu);
    if (this.#refusals.size >= MAX_REFUSALS) {
      for (const oldest of this.#refusals.keys()) {
        this.#refusals.delete(oldest);
        break;
      }
    }
    this.#refusals.set(vcpu, { at: Date.now(), vcpu, message: explain(refusal), refusal });
  }

  /** The last refusal of each vCPU, oldest first. */
  get refusals(): Iterable<PastRefusal> {
    return this.#refusals.values();
  }

  lastRefusal(vcpu: number): PastRefusal | undefined {
    return this.#refusals.get(vcpu);
  }

  /** Pid of the VM's process, looked for when first asked. */
  get pid(): number | undefined {
    if (this.#pid === undefined) {
      for (const { fd, path } of this.#peers) {
        if (fd !== undefined) this.#pid = findVmProcess(this.#rules.procRoot, fd, path);
        if (this.#pid !== undefined) break;
      }
    }
    return this.#pid;
  }

  connected(peer: Peer): void {
    this.#peers.add(peer);
    this.#pid = undefined;
    this.forgetPlaces();
  }

  disconnected(peer: Peer): void {
    this.#peers.delete(peer);
    this.#pid = undefined;
    this.forgetPlaces();
  }

  placement(index: number): Placement {
    return this.find(index).placement;
  }

  granted(index: number): Result<Grant, Refusal> {
    return this.find(index).granted;
  }

  /** Forgets what the pinning sources said: they are asked anew. */
  forgetPlaces(): void {
    for (const place of this.#places.values()) place.until = 0;
    this.#forgotten = true;
    this.#mayMove = undefined;
  }

  /** Claims are where their vCPUs run now. */
  followed(): void {
    this.#forgotten = false;
  }

  /** Whether a vCPU may run elsewhere than where its claims were last moved to. */
  get mayMove(): boolean {
    if (this.#forgotten) return true;
    this.#mayMove ??= [...this.#places.values()].some(
      ({ until, placement }) => until !== Infinity && !hasNoClock(placement),
    );
    return this.#mayMove;
  }

  /** Returns where a vCPU runs and who says so. */
  find(index: number): Found {
    const known = this.#places.get(index);
    // Most pins can't change by themselves: these need no look at the clock.
    if (known?.until === Infinity) return known;
    const now = performance.now();
    if (known !== undefined && now < known.until) return known;
    if (!Number.isInteger(index) || index > MAX_VCPU) {
      const placement = { kind: "unpinned", why: `vCPU numbers end at ${MAX_VCPU}` } as const;
      const granted = authorizeVcpu(this.vm, index, placement);
      return { placement, granted, source: undefined, until: 0 };
    }
    const { placement, source, live } = this.look(index);
    const stays =
      known?.granted.ok === true &&
      placement.kind === "placed" &&
      isSamePlace(known.granted.value, placement);
    const granted = stays ? known.granted : authorizeVcpu(this.vm, index, placement);
    const lasts = live ? FRESH_MS : hasNoClock(placement) ? SEEK_MS : Infinity;
    const fresh = { placement, source, granted, until: now + lasts };
    this.#places.set(index, fresh);
    this.#mayMove = undefined;
    return fresh;
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

  knownVcpus(): number {
    return countVcpus((index) => this.placement(index));
  }

  /** Asks the pinning sources; `live` says that the answer can change by itself. @param by the rules, where others might come */
  look(
    index: number,
    by: Sight = this.#rules,
  ): Pick<Found, "placement" | "source"> & { readonly live: boolean } {
    const whys: string[] = [];
    let live = false;
    for (const source of by.sources) {
      const pins = source.pins(this, index);
      // What an earlier, live source does not know now it may know later.
      live ||= source.live;
      if (pins.kind === "known")
        return { placement: this.placeOn(pins.pcpus, by.floating), source: source.name, live };
      if (pins.kind === "absent") return { placement: pins, source: source.name, live };
      whys.push(pins.why);
    }
    return { placement: { kind: "unpinned", why: whys.join("; ") }, source: undefined, live };
  }

  /** Returns the place of a vCPU that may run on these CPUs. */
  placeOn(pcpus: readonly Pcpu[], floating = this.#rules.floating): Placement {
    if (pcpus.length > 1 && floating === "refuse") {
      return { kind: "floating", pcpus: pcpus.join(",") };
    }
    const domains = new Set<DomainId>();
    for (const cpu of pcpus) {
      const domain = this.#rules.cpufreq.domainOf(cpu) ?? this.#rules.seek(cpu);
      if (domain === undefined)
        return { kind: this.#rules.cpufreq.isHung(cpu) ? "clock-hung" : "no-cpufreq", pcpu: cpu };
      domains.add(domain.id);
    }
    return { kind: "placed", pcpus, domains: [...domains] };
  }
}

function bucket({ rate }: VmConfig): TokenBucket {
  return new TokenBucket(rate.requestsPerSecond, rate.burst, performance.now());
}
