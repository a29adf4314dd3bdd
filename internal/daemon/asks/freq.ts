// An operator's own hand on the clocks: set, released and explained by CPU number.

import { authorizeOperator } from "../../claims/authorize.ts";
import { highest, roundUp } from "../../values/frequency.ts";
import type { Step } from "../../values/request.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { khz, pcpu } from "../../values/units.ts";
import { type Answer, no, type Numbers, yes } from "../../values/answer.ts";
import { explainCpu } from "./explain.ts";
import type { Host } from "../host.ts";
import type { Claimant } from "../../claims/claim.ts";
import { freqReport } from "./report.ts";

export class FreqOperations {
  readonly #host: Host;
  /** The operator's claims have no limits of their own: the site's hold. */
  readonly #operator: Claimant = { slot: "operator", by: "operator", limitsIn: () => ({}) };

  constructor(host: Host) {
    this.#host = host;
  }

  freq(cpus: Numbers) {
    const found = this.#domains(cpus);
    return found.ok ? yes(found.value.map(([cpu, domain]) => freqReport(this.#host, cpu, domain))) : found;
  }

  setFreq(cpus: readonly number[], target: Step | number) {
    const found = this.#domains(cpus);
    if (!found.ok) return found;
    for (const [cpu, domain] of found.value) {
      if (target === "turbo-on" && !domain.hasTurbo) {
        return no("unsupported", `CPU ${cpu} has no turbo frequencies.`);
      }
    }
    for (const [cpu, domain] of found.value) {
      const grant = authorizeOperator(pcpu(cpu), domain.id);
      const { ledger } = this.#host;
      const done =
        typeof target === "number"
          ? ledger.wish(grant, this.#operator, this.#level(domain, target))
          : ledger.step(grant, this.#operator, target);
      if (!done.ok) return no("failed", explainSysfs(done.error));
    }
    return this.freq(cpus);
  }

  releaseFreq(cpus: Numbers) {
    const found = this.#domains(cpus);
    if (!found.ok) return found;
    const released = new Set(found.value.map(([cpu]) => cpu));
    const failed = this.#host.ledger.withdraw((claim) => claim.operator && released.has(claim.grant.vcpu));
    return failed[0] === undefined ? this.freq(cpus) : no("failed", explainSysfs(failed[0]));
  }

  explain(cpu: number) {
    const found = this.#domains([cpu]);
    const [first] = found.ok ? found.value : [];
    if (!found.ok) return found;
    return first === undefined
      ? no("not-found", `There is no CPU ${cpu}.`)
      : yes(explainCpu(this.#host, ...first));
  }

  /** A kHz is rounded as the kernel would; one above nominal needs turbo and takes it. */
  #level(domain: Domain, wanted: number) {
    const target = roundUp(domain.table, khz(wanted));
    return { khz: target, turbo: target > highest(domain.table, false) };
  }

  #domains(cpus: Numbers): Answer<readonly (readonly [number, Domain])[]> {
    const { cpufreq } = this.#host;
    const numbers =
      cpus === "all" ? cpufreq.domains.flatMap(({ pcpus }) => [...pcpus]).sort((a, b) => a - b) : cpus;
    const found: (readonly [number, Domain])[] = [];
    for (const cpu of numbers) {
      const domain = cpufreq.domainOf(pcpu(cpu));
      if (domain === undefined) return no("not-found", `CPU ${cpu} is not there, or has no cpufreq domain.`);
      found.push([cpu, domain]);
    }
    return yes(found);
  }
}
