// A change tried on paper: by the code that makes it, on copies of the claims and policies, over clocks that are only written down.

import type { Change, ClockChange, DryRunReport } from "../../api/dry-run.ts";
import type { Limits } from "../../claims/arbitrate.ts";
import { refuseCommand } from "../../claims/authorize.ts";
import type { Claimant } from "../../claims/claim.ts";
import type { DomainClock } from "../../claims/clock.ts";
import type { Ledger } from "../../claims/ledger.ts";
import { EventFeed } from "../../events.ts";
import { Log } from "../../log.ts";
import type { PolicyEngine } from "../../rules/engine.ts";
import { LedgerDesk, type PolicyVm } from "../../rules/ledger-desk.ts";
import type { Answer } from "../../values/answer.ts";
import { explainProblem } from "../../values/problem.ts";
import type { FrequencyTable } from "../../values/frequency.ts";
import { ok } from "../../values/result.ts";
import type { Khz } from "../../values/units.ts";
import type { Host } from "../host.ts";

/** Where a change is tried. */
export interface Paper {
  readonly ledger: Ledger;
  readonly policies: PolicyEngine;
  readonly events: EventFeed;
  readonly log: Log;
  /** What is to be said beside what happens, a sentence each. */
  readonly warnings: string[];
  policyLost(vm: string): void;
}

/** What would be another from the start. */
interface Otherwise {
  /** VMs; undefined for one that would not be there. */
  readonly vms?: ReadonlyMap<string, PolicyVm | undefined>;
  readonly site?: (domain: DomainClock) => Limits;
  /** What could be set of each clock; then all are given back at first. */
  readonly given?: (domain: DomainClock) => FrequencyTable;
}

/** What a change comes to. */
export interface Foreseen {
  readonly clocks: readonly ClockChange[];
  readonly warnings: readonly string[];
}

/**
 * Lets `act` make a change on paper and returns what it says and what follows for the clocks. Nothing is written, told or kept.
 * @param otherwise VMs and limits as they would be after it
 */
export function foresee<T>(
  host: Host,
  act: (paper: Paper) => Answer<T>,
  { vms: others = new Map(), site, given }: Otherwise = {},
): Answer<Foreseen & { readonly value: T }> {
  const { cpufreq } = host;
  const events = new EventFeed();
  const log = new Log("error", "text", false, () => {});
  const vm = (name: string) => (others.has(name) ? others.get(name) : host.channels.vm(name));
  const desk: LedgerDesk = new LedgerDesk(
    {
      cpufreq,
      log,
      events,
      vm,
      get ledger() {
        return ledger;
      },
    },
    host.desk,
  );
  const ledger: Ledger = host.ledger.rehearsal(
    ({ claimant, grant }) => {
      const other = others.get(grant.vm);
      return desk.twinOf(claimant) ?? (other && under(other, claimant)) ?? claimant;
    },
    site,
    given,
  );
  const policies = host.policies.rehearsal(desk);
  const warnings: string[] = [];
  const policyLost = (name: string) => policies.vmChanged(name);
  try {
    const done = act({ ledger, policies, events, log, warnings, policyLost });
    if (!done.ok) return done;
    const said = new Set([...warnings, ...warningsOf(events, host.policies)]);
    return ok({ value: done.value, clocks: clocksOf(host, ledger), warnings: [...said] });
  } finally {
    policies.release();
  }
}

/** Returns `what` as a change, if it is one. */
export const changed = (
  what: string,
  before: string | undefined,
  after: string | undefined,
): readonly Change[] => (before === after ? [] : [{ what, before, after }]);

/** Returns a dry run's report. @param act makes the change on paper, and returns what else would be another */
export function rehearse(
  host: Host,
  act: (paper: Paper) => Answer<readonly Change[]>,
  otherwise?: Otherwise,
): Answer<DryRunReport> {
  const seen = foresee(host, act, otherwise);
  if (!seen.ok) return seen;
  const { value: changes, clocks, warnings } = seen.value;
  return ok({ dryRun: true, changes, clocks, warnings });
}

/** Returns a guest's claimant as it is under another VM's limits. */
function under(vm: PolicyVm, claimant: Claimant): Claimant {
  return {
    slot: claimant.slot,
    by: claimant.by,
    get gone() {
      return claimant.gone === true;
    },
    get turbo() {
      return refuseCommand(vm, "turbo-on") === undefined;
    },
    limitsIn: (domain) => vm.limitsIn(domain),
  };
}

function clocksOf(host: Host, paper: Ledger): readonly ClockChange[] {
  return host.cpufreq.domains.flatMap((domain) => {
    const before = told(domain, host.ledger, domain.target);
    const after = told(domain, paper, paper.targetOf(domain.id));
    return Bun.deepEquals(before, after) ? [] : [{ domain: domain.id, cpus: domain.pcpus, before, after }];
  });
}

function told(domain: DomainClock, ledger: Ledger, khz: Khz | undefined): ClockChange["before"] {
  const decision = ledger.decide(domain);
  if (decision === undefined) return { khz };
  const { winner, clippedBy } = decision;
  const { vm, vcpu } = winner.grant;
  return { khz, by: winner.claimant.by, ...(vm !== "" && { vm, vcpu }), clippedBy };
}

/** Returns what was told on paper of what is not in effect, but for what is so already. */
function* warningsOf(events: EventFeed, policies: PolicyEngine): Generator<string> {
  const known = new Set([...policies.list()].map(({ problem }) => problem && explainProblem(problem)));
  for (let n = events.first; n <= events.last; n++) {
    const happened = events.at(n);
    const message = String(happened?.["message"]);
    if (happened?.event === "policy-waits" && !known.has(message)) yield `Policy waits: ${message}`;
    if (happened?.event === "claim-withdrawn") yield message;
  }
}
