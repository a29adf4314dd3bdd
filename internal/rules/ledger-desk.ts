// Policies on the real host: the engine's wishes become claims in the ledger, so that they are arbitrated like everybody's.

import type { Limits } from "../claims/arbitrate.ts";
import { authorizeOperator, authorizeVcpu, type Grant, type Standing } from "../claims/authorize.ts";
import { highest, type Level, lowest, medium, roundUp } from "../values/frequency.ts";
import type { Log } from "../log.ts";
import { explain, type Refusal } from "../values/refusal.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Cpufreq, Domain } from "../sysfs/cpufreq/cpufreq.ts";
import { explainSysfs } from "../values/sysfs-error.ts";
import { type DomainId, type Pcpu, pcpu } from "../values/units.ts";
import type { EventFeed } from "../events.ts";
import type { Claimant } from "../claims/claim.ts";
import type { Ledger } from "../claims/ledger.ts";
import type { Origin, PolicyDesk, PolicyProblem, PolicyWish } from "./desk.ts";

/** What the desk needs of a VM. */
export interface PolicyVm extends Standing {
  /** Returns how many vCPUs are known. */
  knownVcpus(): number;
  limitsIn(domain: DomainId): Limits;
}

/** What the desk needs of the host. */
export interface PolicyHost {
  readonly cpufreq: Cpufreq;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly events: EventFeed;
  vm(name: string): PolicyVm | undefined;
}

/** A FIFO's policies stand under this name, which no VM can have. */
export const fifoName = (core: number): string => `/fifo${core}`;

/** Returns the grant to act on a host CPU, for those whom the machine itself lets: operators, writers of its FIFO. */
export function coreGrant(cpufreq: Cpufreq, core: number): Grant | undefined {
  const domain = cpufreq.domainOf(pcpu(core));
  return domain && authorizeOperator(pcpu(core), domain.id);
}

export class LedgerDesk implements PolicyDesk {
  readonly #host: PolicyHost;
  /** One per VM and origin: the ledger tells wishes apart by who has them. */
  readonly #claimants = new Map<string, Claimant>();

  constructor(host: PolicyHost) {
    this.#host = host;
  }

  vcpus(name: string): readonly number[] | undefined {
    const core = coreOf(name);
    if (core !== undefined) return [core];
    const vm = this.#host.vm(name);
    return vm && Array.from({ length: vm.knownVcpus() }, (_, vcpu) => vcpu);
  }

  refuse(name: string, vcpu: number): Refusal | undefined {
    const grant = this.#grant(name, vcpu);
    return grant.ok ? undefined : grant.error;
  }

  wish(name: string, vcpu: number, origin: Origin, wish: PolicyWish): Result<void, PolicyProblem> {
    const grant = this.#grant(name, vcpu);
    if (!grant.ok) return grant;
    const domain = this.#host.cpufreq.domainById(grant.value.domains[0] as DomainId);
    if (domain === undefined)
      return err({ kind: "no-cpufreq", vm: name, vcpu, pcpu: grant.value.pcpus[0] ?? -1 });
    const mayTurbo = this.#host.vm(name)?.turbo ?? true;
    return this.#host.ledger.wish(grant.value, this.#claimant(name, origin), levelOf(domain, wish, mayTurbo));
  }

  withdraw(name: string, vcpu: number, origin: Origin): void {
    const mine = this.#claimants.get(`${origin} ${name}`);
    if (mine === undefined) return;
    const failed = this.#host.ledger.withdraw(
      ({ claimant, grant }) => claimant === mine && grant.vcpu === vcpu,
    );
    for (const error of failed) this.#host.log.error(explainSysfs(error), { vm: name, vcpu });
  }

  failed(vm: string, origin: Origin, problem: PolicyProblem): void {
    const message = problem.kind === "sysfs" ? explainSysfs(problem) : explain(problem);
    this.#host.log.warnFolded(`policy ${origin} ${vm} ${message}`, `Policy waits: ${message}`, {
      vm,
      origin,
    });
    this.#host.events.emit("policy-waits", { vm, origin, message });
  }

  /** Returns where a vCPU runs, for those who count what happens there. */
  pcpusOf(name: string, vcpu: number): Result<readonly Pcpu[], Refusal> {
    const grant = this.#grant(name, vcpu);
    return grant.ok ? ok(grant.value.pcpus) : grant;
  }

  #grant(name: string, vcpu: number): Result<Grant, Refusal> {
    const core = coreOf(name);
    if (core !== undefined) {
      const grant = coreGrant(this.#host.cpufreq, core);
      return grant ? ok(grant) : err({ kind: "no-cpufreq", vm: name, vcpu, pcpu: core });
    }
    const vm = this.#host.vm(name);
    if (vm === undefined)
      return err({ kind: "not-pinned", vm: name, vcpu, why: "the VM has no channel now" });
    return authorizeVcpu(vm, vcpu);
  }

  #claimant(name: string, origin: Origin): Claimant {
    const key = `${origin} ${name}`;
    let claimant = this.#claimants.get(key);
    if (claimant === undefined) {
      const limitsIn = (domain: DomainId) => this.#host.vm(name)?.limitsIn(domain) ?? {};
      claimant = { slot: origin === "operator" ? "policy" : "guest", by: "policy", owner: this, limitsIn };
      this.#claimants.set(key, claimant);
    }
    return claimant;
  }
}

function coreOf(name: string): number | undefined {
  const digits = /^\/fifo(\d+)$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Returns what a policy's level is on a domain; turbo only where policy, VM and machine all have it. */
function levelOf(domain: Domain, wish: PolicyWish, mayTurbo: boolean): Level {
  const turbo = wish.turbo && mayTurbo && domain.hasTurbo;
  const { table } = domain;
  const top = highest(table, turbo);
  switch (wish.level) {
    case "max":
      return { khz: top, turbo };
    case "medium":
      return { khz: medium(table), turbo };
    case "min":
      return { khz: lowest(table), turbo };
    default: {
      const wanted = roundUp(table, wish.level);
      return { khz: wanted > top ? top : wanted, turbo };
    }
  }
}
