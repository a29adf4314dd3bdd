// An operator's own hand on the clocks: shown, set and released by CPU number.

import type { FreqReport } from "../../api/freq.ts";
import type { Handlers } from "../../api/table.ts";
import { authorizeOperator } from "../../claims/authorize.ts";
import type { Claimant } from "../../claims/claim.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import { type Answer, no } from "../../values/answer.ts";
import { highest, roundUp } from "../../values/frequency.ts";
import type { Numbers } from "../../values/numbers.ts";
import { ok } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { khz, pcpu } from "../../values/units.ts";
import { tellHung } from "../hung-calls.ts";
import type { Host } from "../host.ts";

/** Returns each CPU with its domain; all are those that have one. */
export function domainsOf(
  { cpufreq, upkeep, hung }: Host,
  cpus: Numbers,
): Answer<readonly (readonly [number, Domain])[]> {
  const numbers =
    cpus === "all" ? cpufreq.domains.flatMap(({ pcpus }) => [...pcpus]).sort((a, b) => a - b) : cpus;
  const found: (readonly [number, Domain])[] = [];
  for (const cpu of numbers) {
    const domain = cpufreq.domainOf(pcpu(cpu)) ?? upkeep.seek(pcpu(cpu));
    if (domain === undefined) {
      const hangs = hung?.ofClock(cpu);
      if (hangs !== undefined) return no("failed", `${tellHung(hangs)}.`);
      const [present, online] = [cpufreq.topology.present(), cpufreq.topology.online()];
      const lists = (found: typeof present) => found.ok && found.value.includes(pcpu(cpu));
      if (lists(present) && online.ok && !lists(online))
        return no("not-found", `CPU ${cpu} is offline: it has no clock until it is online.`);
      return no("not-found", `CPU ${cpu} is not there, or has no cpufreq domain.`);
    }
    found.push([cpu, domain]);
  }
  return ok(found);
}

export function freqAsks(host: Host) {
  const { ledger } = host;
  /** The operator's claims have no limits of their own: the site's hold. */
  const operator: Claimant = { slot: "operator", by: "operator", limitsIn: () => ({}) };
  const freq = ({ cpus }: { readonly cpus: Numbers }) => {
    const found = domainsOf(host, cpus);
    return found.ok ? ok(found.value.map(([cpu, domain]) => freqReport(host, cpu, domain))) : found;
  };
  return {
    freq,

    allFreq: () => freq({ cpus: "all" }),

    setFreq({ cpus, target }) {
      const found = domainsOf(host, cpus);
      if (!found.ok) return found;
      for (const [cpu, domain] of found.value) {
        if (target === "turbo-on" && !domain.hasTurbo)
          return no("unsupported", `CPU ${cpu} has no turbo frequencies.`);
      }
      for (const [cpu, domain] of found.value) {
        const grant = authorizeOperator(pcpu(cpu), domain.id);
        const done =
          typeof target === "number"
            ? ledger.wish(grant, operator, levelOf(domain, target))
            : ledger.step(grant, operator, target);
        if (!done.ok) return no("failed", explainSysfs(done.error));
      }
      return freq({ cpus });
    },

    releaseFreq({ cpus }) {
      const found = domainsOf(host, cpus);
      if (!found.ok) return found;
      const released = new Set(found.value.map(([cpu]) => cpu));
      const [failed] = ledger.withdraw((claim) => claim.operator && released.has(claim.grant.vcpu));
      return failed === undefined ? freq({ cpus }) : no("failed", explainSysfs(failed));
    },

    async retryFreq({ cpus }) {
      const all = host.hung?.all ?? [];
      const calls = cpus === "all" ? all : all.filter((call) => call.cpus.some((cpu) => cpus.includes(cpu)));
      if (calls.length === 0 && cpus !== "all") {
        const what = `Nothing of CPU ${cpus.join(",")} is left alone: no call on it hangs.`;
        return no("not-found", what);
      }
      const answers = (await host.hung?.retry(calls)) ?? [];
      return ok(calls.map(({ path, cpus: own }, at) => ({ path, cpus: own, answers: answers[at] === true })));
    },
  } satisfies Pick<Handlers, "freq" | "allFreq" | "setFreq" | "releaseFreq" | "retryFreq">;
}

/** A kHz is rounded as the kernel would; one above nominal needs turbo and takes it. */
function levelOf(domain: Domain, wanted: number) {
  const target = roundUp(domain.table, khz(wanted));
  return { khz: target, turbo: target > highest(domain.table, false) };
}

/** Returns a pCPU's clock as it stands. */
export function freqReport({ ledger }: Host, cpu: number, domain: Domain): FreqReport {
  const current = domain.current();
  return {
    cpu,
    domain: domain.id,
    driver: domain.driver,
    governor: domain.governor(),
    targetKhz: domain.target,
    currentKhz: current.ok ? current.value : undefined,
    ...rangeOf(domain),
    turbo: domain.hasTurbo,
    frequenciesKhz: domain.table.steps,
    operatorClaim: ledger.claim("operator", "", cpu) !== undefined,
  };
}

/** Returns the lowest frequency of a clock's hardware, its highest without turbo and its highest, kHz. */
export function rangeOf({ table: { steps, nominal } }: Domain) {
  return {
    minKhz: steps.at(-1) as number,
    nominalKhz: steps[nominal] as number,
    maxKhz: steps[0] as number,
  };
}
