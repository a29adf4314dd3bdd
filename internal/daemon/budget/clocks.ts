// The machine's clocks as the budget sees them: whose they are, what they may come to, how busy their CPUs were.

import type { BudgetClock } from "../../budget/clock.ts";
import type { Vm } from "../../channels/vm.ts";
import { busyShares, readBusyTicks } from "../../sysfs/cpu-time.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { type DomainId, khz, type Pcpu } from "../../values/units.ts";
import { PRIORITIES, type Priority } from "../../values/vm-settings.ts";
import type { Host } from "../host.ts";

/** VMs whose places are looked up at one look; those that are new go first, the others in turn. */
const VMS_A_LOOK = 32;
/** CPUs' times are read again after this, ms: they count hundredths of a second. */
const BUSY_MS = 200;

/** What was found of a VM's places. */
interface Home {
  readonly domains: ReadonlySet<DomainId>;
  /** What it was found under. */
  readonly settings: unknown;
  readonly edition: number;
}

export class BudgetClocks {
  readonly #host: Host;
  readonly #procRoot: string;
  readonly #homes = new Map<string, Home>();
  /** Whose turn it is. */
  #next = 0;
  #busy: ReadonlyMap<Pcpu, number> = new Map();
  #ticks: { readonly atMs: number; readonly busy: ReadonlyMap<Pcpu, number> } | undefined;
  #vmsOn = new Map<DomainId, Set<Vm>>();

  /** @param procRoot stands for /proc */
  constructor(host: Host, procRoot: string) {
    this.#host = host;
    this.#procRoot = procRoot;
  }

  /** Returns the VMs that run on a clock, as of the last look. */
  vmsOn(domain: DomainId): ReadonlySet<Vm> {
    return this.#vmsOn.get(domain) ?? new Set();
  }

  /** Looks at the machine. @param nowMs from a clock that never goes back @param hostPriority of CPUs without a VM */
  read(nowMs: number, hostPriority: Priority): readonly BudgetClock[] {
    this.#findVms();
    this.#readBusy(nowMs);
    const { cpufreq } = this.#host;
    const own = new Map(cpufreq.domains.map((domain) => [domain.id, this.#priorityOf(domain.id)]));
    return cpufreq.domains.map((domain) => {
      // Siblings share a core: what one of them may use the other draws as well.
      const ranks = cpufreq.group(domain.id).flatMap(({ id }) => own.get(id) ?? []);
      const priority = PRIORITIES[Math.min(...ranks)] ?? hostPriority;
      return this.#clockOf(domain, priority);
    });
  }

  #clockOf(domain: Domain, priority: Priority): BudgetClock {
    const { steps } = domain.allowed;
    const top = steps[0] ?? khz(0);
    const decision = this.#host.ledger.decide(domain);
    const floors = [...this.vmsOn(domain.id)].map((vm) => vm.limitsIn(domain.id).floor ?? 0);
    const least = Math.max(
      steps.at(-1) ?? 0,
      domain.range.min,
      this.#host.siteLimits(domain).floor ?? 0,
      ...floors,
    );
    const busy = domain.pcpus.reduce((sum, cpu) => sum + (this.#busy.get(cpu) ?? this.#unknown), 0);
    return {
      id: domain.id,
      priority,
      steps,
      floor: khz(Math.min(top, least)),
      wish: decision?.wished ?? top,
      cpus: domain.pcpus.length,
      busy,
    };
  }

  /** A CPU of which nothing is known works; one that is not listed beside others is offline. */
  get #unknown(): number {
    return this.#busy.size === 0 ? 1 : 0;
  }

  /** Returns the rank of the highest priority on a clock; undefined where no VM is. */
  #priorityOf(domain: DomainId): number | undefined {
    const ranks = [...this.vmsOn(domain)].map(({ settings }) => PRIORITIES.indexOf(settings.priority));
    return ranks.length === 0 ? undefined : Math.min(...ranks);
  }

  #findVms(): void {
    const { channels, ledger, cpufreq } = this.#host;
    const vms = [...channels.vms];
    const names = new Set(vms.map(({ vm }) => vm));
    for (const name of this.#homes.keys()) if (!names.has(name)) this.#homes.delete(name);
    const isKnown = (vm: Vm) => {
      const home = this.#homes.get(vm.vm);
      return home?.settings === vm.settings && home.edition === cpufreq.edition;
    };
    let left = VMS_A_LOOK;
    for (const vm of vms) if (left > 0 && !isKnown(vm)) left -= this.#findHome(vm);
    for (const _ of vms) {
      if (left <= 0) break;
      this.#next = (this.#next + 1) % vms.length;
      const vm = vms[this.#next];
      if (vm !== undefined) left -= this.#findHome(vm);
    }
    this.#vmsOn = new Map();
    const add = (domain: DomainId, vm: Vm) => {
      const on = this.#vmsOn.get(domain);
      if (on === undefined) this.#vmsOn.set(domain, new Set([vm]));
      else on.add(vm);
    };
    for (const vm of vms) {
      for (const domain of this.#homes.get(vm.vm)?.domains ?? []) add(domain, vm);
      // A claim follows its vCPU within a second.
      for (const { grant } of ledger.claimsOf(vm.vm)) for (const domain of grant.domains) add(domain, vm);
    }
  }

  #findHome(vm: Vm): number {
    const domains = new Set<DomainId>();
    const count = vm.knownVcpus();
    for (let vcpu = 0; vcpu < count; vcpu++) {
      const place = vm.placement(vcpu);
      if (place.kind === "placed") for (const domain of place.domains) domains.add(domain);
      else if (place.kind === "floating")
        for (const domain of this.#floating(place.pcpus)) domains.add(domain);
    }
    this.#homes.set(vm.vm, { domains, settings: vm.settings, edition: this.#host.cpufreq.edition });
    // A VM of many vCPUs costs as much as several.
    return Math.max(1, count / 8);
  }

  /** A vCPU that floats is on all of its CPUs. */
  #floating(pcpus: string): readonly DomainId[] {
    return pcpus.split(",").flatMap((cpu) => {
      const domain = this.#host.cpufreq.domainOf(Number(cpu) as Pcpu);
      return domain === undefined ? [] : [domain.id];
    });
  }

  #readBusy(nowMs: number): void {
    if (this.#ticks !== undefined && nowMs - this.#ticks.atMs < BUSY_MS) return;
    const read = readBusyTicks(this.#procRoot);
    if (!read.ok) {
      this.#busy = new Map();
      this.#ticks = undefined;
      return;
    }
    if (this.#ticks !== undefined)
      this.#busy = busyShares(this.#ticks.busy, read.value, nowMs - this.#ticks.atMs);
    this.#ticks = { atMs: nowMs, busy: read.value };
  }
}
