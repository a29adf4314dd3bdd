// Our own guest's requests: every one gets exactly one answer, done or why not.

import {
  authorizeKhz,
  type Grant,
  refuseCommand,
  refuseQuery,
  refuseStated,
} from "../../claims/authorize.ts";
import {
  type AnswerOf,
  type AskOf,
  type Clocks,
  type ExtensionCommand,
  EXTENSION_VERSION,
  type ExtensionAnswer,
} from "../../values/extension.ts";
import { highest, roundUp, type Step } from "../../values/frequency.ts";
import { encodeAnswer } from "../../packet/extension.ts";
import { PAGE } from "../../packet/extension-table.ts";
import type { Refusal } from "../../values/refusal.ts";
import type { Request } from "../../values/request.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { khz } from "../../values/units.ts";
import type { Domain } from "../../sysfs/cpufreq/cpufreq.ts";
import type { Outcome } from "../outcome.ts";
import type { Vm } from "../vm.ts";
import type { Caller, Desk, Serve } from "./serve.ts";
import { tellGuest } from "./guest-words.ts";
import { capsOf, domainOf, toldKhz } from "./query.ts";
import { move, standing } from "./scale.ts";
import { stateOf } from "./state.ts";

type ExtensionRequest = Extract<Request, { kind: "extension" }>;
/** What came of a request: an answer to it, a refusal, or a failure of the kernel's. */
type Said<A = ExtensionAnswer> = A | { readonly refusal: Refusal } | { readonly error: SysfsError };

/** Who asks, for which vCPU, and what answering may use. */
interface Asking extends Caller {
  readonly desk: Desk;
  readonly request: ExtensionRequest;
}

/** One entry a command; the compiler holds it complete. */
const ANSWER: { readonly [C in ExtensionCommand]: (by: Asking, ask: AskOf<C>) => Said<AnswerOf<C>> } = {
  hello({ lease, vm }, ask) {
    lease.agree(Math.min(ask.version, EXTENSION_VERSION), ask.leaseS, ask.notices === true);
    lease.renew(performance.now());
    vm.leased ||= lease.seconds > 0;
    return { do: "hello", version: lease.version, leaseS: lease.seconds, vcpus: vm.knownVcpus() };
  },
  ping: ({ lease }) => ({ do: "ping", lapses: lease.lapses }),
  scale: (by, ask) => claim(by, () => step(by, ask.step)) ?? { do: "scale", ...clocks(by) },
  "set-khz": (by, ask) => claim(by, () => setKhz(by, ask)) ?? { do: "set-khz", ...clocks(by) },
  release(by, ask) {
    const { desk, vm, claimant, lease, request } = by;
    const [error] = lease.fallBack(desk.ledger, claimant, vm.vm, ask.all ? undefined : request.vcpu);
    return error === undefined ? { do: "release", ...clocks(by) } : { error };
  },
  freqs: (by, { first }) =>
    told(by, ({ table: { steps, nominal }, turboAtStart }) => {
      const khz = steps.slice(first, first + PAGE.FREQS);
      const turbo = by.claimant.turbo && turboAtStart;
      return { do: "freqs", total: steps.length, first, nominal, turboAtStart: turbo, khz };
    }),
  state: (by) =>
    told(by, (domain) => ({
      do: "state",
      ...stateOf(by.desk, by, by.request.vcpu, domain),
    })),
  list({ desk, vm, request }, { first }) {
    const refusal = refuseQuery(vm, request);
    if (refusal !== undefined) return { refusal };
    const total = vm.knownVcpus();
    const count = Math.max(0, Math.min(PAGE.VCPUS, total - first));
    const vcpus = Array.from({ length: count }, (_, i) => {
      const domain = domainOf(desk, vm, first + i);
      return domain === undefined ? NOT_KNOWN : { khz: toldKhz(desk, domain), ...capsOf(desk, domain) };
    });
    return { do: "list", total, first, vcpus };
  },
  "policy-remove": ({ desk, vm }) => ({
    do: "policy-remove",
    removed: desk.policies.remove({ vm: vm.vm }, "guest"),
  }),
  energy({ desk, vm, request }) {
    const refusal = refuseQuery(vm, request);
    if (refusal !== undefined) return { refusal };
    const used = desk.energy.used(vm);
    return used.ok ? { do: "energy", ...used.value } : { refusal: used.error };
  },
};

const NOT_KNOWN = { khz: 0, turbo: false, priority: false };

/** Serves an extension request; each one renews the lease, whatever comes of it. */
export const extension: Serve<"extension"> = (desk, caller, request) => {
  caller.lease.renew(performance.now());
  return outcomeOf(caller.vm, request, answer(desk, caller, request));
};

/** Returns the refusal of an extension request that was not looked at, as when its VM asks too often. */
export function refuseExtension(caller: Caller, request: ExtensionRequest, refusal: Refusal): Outcome {
  caller.lease.renew(performance.now());
  return outcomeOf(caller.vm, request, { refusal });
}

function outcomeOf(vm: Vm, request: ExtensionRequest, said: Said): Outcome {
  const { vcpu, sequence, ask } = request;
  const reply = (answered: ExtensionAnswer) =>
    encodeAnswer({ vcpu, sequence, vmName: vm.wireName, ask }, answered);
  if ("refusal" in said) {
    const { refusal } = said;
    const bytes = reply({ do: "no", no: refusal.kind, text: tellGuest(refusal) });
    return { kind: "refused", refusal, silent: false, reply: bytes };
  }
  if ("error" in said) {
    const { error } = said;
    const text = `The host's kernel did not take it: ${error.code}.`;
    return { kind: "failed", error, reply: reply({ do: "no", no: "failed", text }) };
  }
  return { kind: "answered", reply: reply(said) };
}

function answer(desk: Desk, caller: Caller, request: ExtensionRequest): Said {
  const { ask } = request;
  const { vm, lease } = caller;
  if (ask.do === "not-understood") return { do: "no", no: ask.why, text: ask.detail };
  const refusal = refuseStated(vm, request);
  if (refusal !== undefined) return { refusal };
  if (lease.version === 0 && ask.do !== "hello") {
    return {
      do: "no",
      no: "no-hello",
      text: "Say HELLO first: the host has seen none since the port was opened.",
    };
  }
  return ANSWER[ask.do]({ ...caller, desk, request }, ask as never);
}

/** Makes or moves a claim that the lease answers for. Returns why not, or undefined when it stands. */
function claim<T>({ desk, vm, lease, request }: Asking, make: () => T | undefined): T | undefined {
  const before = standing(desk, vm, request.vcpu);
  const no = make();
  if (no === undefined) lease.note(request.vcpu, before);
  return no;
}

function step(by: Asking, wanted: Step) {
  const { vcpu, vmName } = by.request;
  const outcome = move(by.desk, by, { kind: "scale", vcpu, vmName, physical: false, step: wanted });
  if (outcome.kind === "refused") return { refusal: outcome.refusal };
  return outcome.kind === "failed" ? { error: outcome.error } : undefined;
}

function setKhz({ desk, vm, claimant, request }: Asking, ask: AskOf<"set-khz">) {
  const grant = authorizeKhz(vm, request.vcpu);
  if (!grant.ok) return { refusal: grant.error };
  const { table } = grantedDomain(desk, grant.value);
  const base = highest(table, false);
  const above = roundUp(table, khz(ask.khz));
  // A leave that is not needed is not refused, and not given: a guest says it with each claim of a vCPU that had it.
  const no = ask.turbo && above > base ? refuseCommand(vm, "turbo-on") : undefined;
  if (no !== undefined) return { refusal: no };
  const turbo = ask.turbo && claimant.turbo;
  const wanted = turbo ? above : khz(Math.min(above, base));
  const done = desk.ledger.wish(grant.value, claimant, { khz: wanted, turbo });
  return done.ok ? undefined : { error: done.error };
}

/** A VM that may not query learns what it wished, not what others made of it. */
function clocks({ desk, vm, request: { vcpu } }: Asking): Clocks {
  const wishKhz = desk.ledger.claim("guest", vm.vm, vcpu)?.level.khz ?? 0;
  return { wishKhz, targetKhz: vm.queries ? (domainOf(desk, vm, vcpu)?.target ?? 0) : 0 };
}

/** Answers what only a VM that may query is told of one vCPU's clock. */
function told<A>({ desk, vm, request }: Asking, say: (domain: Domain) => A): Said<A> {
  const refusal = refuseQuery(vm, request);
  if (refusal !== undefined) return { refusal };
  const grant = vm.granted(request.vcpu);
  if (!grant.ok) return { refusal: grant.error };
  return say(grantedDomain(desk, grant.value));
}

function grantedDomain({ cpufreq }: Desk, { domains: [first] }: Grant): Domain {
  const domain = first === undefined ? undefined : cpufreq.domainById(first);
  if (domain === undefined) throw new Error(`a grant names domain ${first}, which is not there`);
  return domain;
}
