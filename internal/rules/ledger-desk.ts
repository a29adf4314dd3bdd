// Policies on the real host: the engine's wishes become claims in the ledger, so that they are arbitrated like everybody's.

import type { Limits } from "../claims/arbitrate.ts";
import { authorizeOperator, type Grant, refuseCommand, type Standing } from "../claims/authorize.ts";
import type { Log } from "../log.ts";
import { explainProblem } from "../values/problem.ts";
import type { Refusal } from "../values/refusal.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Cpufreq } from "../sysfs/cpufreq/cpufreq.ts";
import { explainSysfs } from "../values/sysfs-error.ts";
import { type DomainId, type Pcpu, pcpu } from "../values/units.ts";
import type { EventFeed } from "../events.ts";
import type { Claimant } from "../claims/claim.ts";
import type { Ledger } from "../claims/ledger.ts";
import {
  nameOf,
  type Origin,
  type PolicyDesk,
  type PolicyProblem,
  type PolicySubject,
  type PolicyWish,
} from "./desk.ts";
import { placeLevel } from "./level.ts";

/** Whoever claims for a subject's policy of one origin. */
interface Spokesman {
  readonly subject: PolicySubject;
  readonly origin: Origin;
  readonly claimant: Claimant;
}

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

/** Returns the grant to act on a host CPU, for those whom the machine itself lets: operators, writers of its FIFO. */
export function coreGrant(cpufreq: Cpufreq, core: number): Grant | undefined {
  const domain = cpufreq.domainOf(pcpu(core));
  return domain && authorizeOperator(pcpu(core), domain.id);
}

export class LedgerDesk implements PolicyDesk {
  readonly #host: PolicyHost;
  /** One for each subject and origin. */
  readonly #claimants = new Map<string, Spokesman>();
  /** Whoever stands here for a claimant of the desk that this one is a twin of. */
  readonly #twins = new Map<Claimant, Claimant>();

  /** @param twinOf the desk that this one speaks for, at another host */
  constructor(host: PolicyHost, twinOf?: LedgerDesk) {
    this.#host = host;
    for (const { subject, origin, claimant } of twinOf === undefined ? [] : twinOf.#claimants.values())
      this.#twins.set(claimant, this.#claimant(subject, origin));
  }

  /** Returns whoever speaks at this desk for a claimant of the one that it is a twin of; undefined for one that is no policy's. */
  twinOf(claimant: Claimant): Claimant | undefined {
    return this.#twins.get(claimant);
  }

  vcpus(subject: PolicySubject): readonly number[] | undefined {
    if ("fifo" in subject) return [subject.fifo];
    const vm = this.#host.vm(subject.vm);
    return vm && Array.from({ length: vm.knownVcpus() }, (_, vcpu) => vcpu);
  }

  refuse(subject: PolicySubject, vcpu: number): Refusal | undefined {
    const grant = this.#grant(subject, vcpu);
    return grant.ok ? undefined : grant.error;
  }

  wish(
    subject: PolicySubject,
    vcpu: number,
    origin: Origin,
    { level, turbo }: PolicyWish,
  ): Result<void, PolicyProblem> {
    const { cpufreq, ledger } = this.#host;
    const grant = this.#grant(subject, vcpu);
    if (!grant.ok) return grant;
    const { domains, pcpus } = grant.value;
    const domain = cpufreq.domainById(domains[0] as DomainId);
    if (domain === undefined) return err(this.#noClock(subject, vcpu, pcpus[0] ?? pcpu(-1)));
    const claimant = this.#claimant(subject, origin);
    // An operator's policy speaks for itself; a guest's shares the vCPU's turbo with its scale requests and does not change it.
    const own =
      origin === "operator" ? claimant.turbo && domain.turboAtStart : ledger.mayTurbo(grant.value, claimant);
    const place = placeLevel(domain.table, level, (turbo ?? own) && claimant.turbo && domain.hasTurbo);
    return ledger.wish(grant.value, claimant, origin === "operator" ? place : { ...place, turbo: own });
  }

  withdraw(subject: PolicySubject, vcpu: number, origin: Origin): void {
    const mine = this.#claimants.get(keyOf(subject, origin))?.claimant;
    if (mine === undefined) return;
    const failed = this.#host.ledger.withdraw(
      ({ claimant, grant }) => claimant === mine && grant.vcpu === vcpu,
    );
    for (const error of failed) {
      this.#host.log.error(explainSysfs(error), { vm: nameOf(subject), vcpu });
    }
  }

  failed(subject: PolicySubject, origin: Origin, problem: PolicyProblem): void {
    const message = explainProblem(problem);
    const fields = { vm: nameOf(subject), origin };
    this.#host.log.warnFolded(`policy ${origin} ${fields.vm} ${message}`, `Policy waits: ${message}`, fields);
    this.#host.events.emit("policy-waits", { ...fields, message });
  }

  /** Returns where a vCPU runs, for those who count what happens there. */
  pcpusOf(subject: PolicySubject, vcpu: number): Result<readonly Pcpu[], Refusal> {
    const grant = this.#grant(subject, vcpu);
    return grant.ok ? ok(grant.value.pcpus) : grant;
  }

  #grant(subject: PolicySubject, vcpu: number): Result<Grant, Refusal> {
    if ("fifo" in subject) {
      const grant = coreGrant(this.#host.cpufreq, subject.fifo);
      return grant ? ok(grant) : err(this.#noClock(subject, vcpu, pcpu(subject.fifo)));
    }
    const vm = this.#host.vm(subject.vm);
    if (vm !== undefined) return vm.granted(vcpu);
    return err({ kind: "not-pinned", vm: subject.vm, vcpu, why: "the VM has no channel now" });
  }

  #noClock(subject: PolicySubject, vcpu: number, cpu: Pcpu): Refusal {
    const kind = this.#host.cpufreq.isHung(cpu) ? "clock-hung" : "no-cpufreq";
    return { kind, vm: nameOf(subject), vcpu, pcpu: cpu };
  }

  #claimant(subject: PolicySubject, origin: Origin): Claimant {
    const key = keyOf(subject, origin);
    const known = this.#claimants.get(key);
    if (known !== undefined) return known.claimant;
    const limitsIn = (domain: DomainId) =>
      "vm" in subject ? (this.#host.vm(subject.vm)?.limitsIn(domain) ?? {}) : {};
    const mayTurbo = () => {
      const vm = "vm" in subject ? this.#host.vm(subject.vm) : undefined;
      if (vm === undefined) return true;
      return origin === "operator" ? vm.turbo : refuseCommand(vm, "turbo-on") === undefined;
    };
    const claimant: Claimant = {
      slot: origin === "operator" ? "policy" : "guest",
      by: "policy",
      get turbo() {
        return mayTurbo();
      },
      limitsIn,
    };
    this.#claimants.set(key, { subject, origin, claimant });
    return claimant;
  }
}

const keyOf = (subject: PolicySubject, origin: Origin): string => `${origin} ${nameOf(subject)}`;
