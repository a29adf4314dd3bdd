// An operator's own hand on the clocks: shown, set and released by CPU number.

import type { Change } from "../../api/dry-run.ts";
import type { FreqReport, FreqTarget } from "../../api/freq.ts";
import type { Handlers, Rehearsals } from "../../api/table.ts";
import { authorizeOperator } from "../../claims/authorize.ts";
import type { Claimant } from "../../claims/claim.ts";
import type { Ledger } from "../../claims/ledger.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { HungCall } from "../../sysfs/hung.ts";
import { type Answer, no } from "../../values/answer.ts";
import { cpusText } from "../../values/cpulist.ts";
import { highest, roundUp } from "../../values/frequency.ts";
import type { Numbers } from "../../values/numbers.ts";
import { DONE, ok } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { khz, pcpu } from "../../values/units.ts";
import { tellHung } from "../hung-calls.ts";
import type { Host } from "../host.ts";
import { changed, rehearse } from "../rehearsal/rehearsal.ts";

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
      const why = !present.ok
        ? "is not there, or has no cpufreq domain"
        : lists(present)
          ? "has no cpufreq domain: no driver sets its clock"
          : `is not there; this machine has ${cpusText(present.value)}`;
      return no("not-found", `CPU ${cpu} ${why}.`);
    }
    found.push([cpu, domain]);
  }
  return ok(found);
}

/** The operator's claims have no limits of their own: the site's hold. */
const operator = (user: string | undefined): Claimant => ({
  ...{ slot: "operator", by: "operator", user, turbo: true },
  limitsIn: () => ({}),
});

/** CPUs and their clocks. */
type Found = readonly (readonly [number, Domain])[];

/** Returns what an operator can set to `target`. */
function settable(host: Host, cpus: Numbers, target: FreqTarget): Answer<Found> {
  const found = domainsOf(host, cpus);
  const cold =
    found.ok && target === "turbo-on" ? found.value.find(([, { hasTurbo }]) => !hasTurbo) : undefined;
  return cold === undefined ? found : no("unsupported", `CPU ${cold[0]} has no turbo frequencies.`);
}

/** Makes the operator's claims in `ledger`, until one can't be. */
function claim(ledger: Ledger, found: Found, target: FreqTarget, user?: string): Answer {
  const claimant = operator(user);
  for (const [cpu, domain] of found) {
    const grant = authorizeOperator(pcpu(cpu), domain.id);
    const done =
      typeof target === "number"
        ? ledger.wish(grant, claimant, levelOf(domain, target, ledger.mayTurbo(grant, claimant)))
        : ledger.step(grant, claimant, target);
    if (!done.ok) return no("failed", explainSysfs(done.error));
  }
  return DONE;
}

/** Ends the operator's claims in `ledger`. */
function release(ledger: Ledger, found: Found): Answer {
  const released = new Set(found.map(([cpu]) => cpu));
  const [failed] = ledger.withdraw(({ operator, grant }) => operator && released.has(grant.vcpu));
  return failed === undefined ? DONE : no("failed", explainSysfs(failed));
}

/** Returns the calls on files of these CPUs that hang. */
function hanging({ hung }: Host, cpus: Numbers): Answer<readonly HungCall[]> {
  const all = hung?.all ?? [];
  if (cpus === "all") return ok(all);
  const calls = all.filter((call) => call.cpus.some((cpu) => cpus.includes(cpu)));
  if (calls.length > 0) return ok(calls);
  return no("not-found", `Nothing of ${cpusText(cpus)} is left alone: no call on it hangs.`);
}

export function freqAsks(host: Host) {
  const { ledger } = host;
  const freq = ({ cpus }: { readonly cpus: Numbers }) => {
    const found = domainsOf(host, cpus);
    return found.ok ? ok(found.value.map(([cpu, domain]) => freqReport(host, cpu, domain))) : found;
  };
  return {
    freq,

    allFreq: () => freq({ cpus: "all" }),

    setFreq({ cpus, target }, _gone?: AbortSignal, user?: string) {
      const found = settable(host, cpus, target);
      const done = found.ok ? claim(ledger, found.value, target, user) : found;
      return done.ok ? freq({ cpus }) : done;
    },

    releaseFreq({ cpus }) {
      const found = domainsOf(host, cpus);
      const done = found.ok ? release(ledger, found.value) : found;
      return done.ok ? freq({ cpus }) : done;
    },

    async retryFreq({ cpus }) {
      const calls = hanging(host, cpus);
      if (!calls.ok) return calls;
      const answers = (await host.hung?.retry(calls.value)) ?? [];
      return ok(
        calls.value.map(({ path, cpus: own }, at) => ({ path, cpus: own, answers: answers[at] === true })),
      );
    },
  } satisfies Pick<Handlers, "freq" | "allFreq" | "setFreq" | "releaseFreq" | "retryFreq">;
}

/** Returns who tells what would happen to the clocks. */
export function freqRehearsals(host: Host) {
  /** Tells of the operator's claims on these CPUs once `act` has changed them on paper. */
  const tell = (found: Answer<Found>, act: (paper: Ledger, found: Found) => Answer) =>
    found.ok
      ? rehearse(host, ({ ledger }) => {
          const done = act(ledger, found.value);
          return done.ok ? ok(claimChanges(found.value, host.ledger, ledger)) : done;
        })
      : found;
  return {
    setFreq: ({ cpus, target }) =>
      tell(settable(host, cpus, target), (paper, found) => claim(paper, found, target)),

    releaseFreq: ({ cpus }) => tell(domainsOf(host, cpus), release),

    retryFreq({ cpus }) {
      const calls = hanging(host, cpus);
      if (!calls.ok) return calls;
      const changes = calls.value.map(({ path }) => ({
        what: path,
        before: "left alone",
        after: "tried again",
      }));
      return rehearse(host, () => ok(changes));
    },
  } satisfies Pick<Rehearsals, "setFreq" | "releaseFreq" | "retryFreq">;
}

function claimChanges(found: Found, before: Ledger, after: Ledger): readonly Change[] {
  const wish = (ledger: Ledger, cpu: number) => ledger.claim("operator", "", cpu)?.level.khz;
  return found.flatMap(([cpu]) => {
    const [was, is] = [wish(before, cpu), wish(after, cpu)];
    return changed(`operator's claim on CPU ${cpu}`, was && `${was} kHz`, is && `${is} kHz`);
  });
}

/** A kHz is rounded as the kernel would; one above nominal needs turbo and takes it. @param turbo whether steps from there may lead into turbo */
function levelOf(domain: Domain, wanted: number, turbo: boolean) {
  const target = roundUp(domain.table, khz(wanted));
  return { khz: target, turbo: turbo || target > highest(domain.table, false) };
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
