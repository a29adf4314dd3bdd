// Our own guest's requests: every one gets exactly one answer, done or why not.

import { authorizeKhz, refuseStated, refuseQuery } from "../../claims/authorize.ts";
import { EXTENSION_VERSION, type ExtensionAnswer, type ExtensionNo } from "../../values/extension.ts";
import { highest, roundUp } from "../../values/frequency.ts";
import { encodeAnswer } from "../../packet/extension-answer.ts";
import { PAGE } from "../../packet/extension-layout.ts";
import type { Refusal } from "../../values/refusal.ts";
import type { Request } from "../../values/request.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { khz } from "../../values/units.ts";
import type { Outcome } from "../outcome.ts";
import type { Vm } from "../vm.ts";
import type { Caller, Desk, Serve } from "./serve.ts";
import { tellGuest } from "./guest-words.ts";
import { capsOf, domainOf, toldKhz } from "./query.ts";
import { move } from "./scale.ts";
import { stateOf } from "./state.ts";

type ExtensionRequest = Extract<Request, { kind: "extension" }>;
/** What came of a request: an answer to it, a refusal, or a failure of the kernel's. */
type Said = ExtensionAnswer | { readonly refusal: Refusal } | { readonly error: SysfsError } | NotServed;
/** A no that concerns the frame alone. */
type NotServed = { readonly do: "no"; readonly no: ExtensionNo; readonly text: string };

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
  const { vm, claimant, lease } = caller;
  if (ask.do === "not-understood") return { do: "no", no: ask.why, text: ask.detail };
  const no = refuseStated(vm, request);
  if (no !== undefined) return { refusal: no };
  if (ask.do === "hello") {
    lease.agree(Math.min(ask.version, EXTENSION_VERSION), ask.leaseS, ask.notices === true);
    lease.renew(performance.now());
    vm.leased ||= lease.seconds > 0;
    return { do: "hello", version: lease.version, leaseS: lease.seconds, vcpus: vm.knownVcpus() };
  }
  if (lease.version === 0) {
    return { do: "no", no: "no-hello", text: "Say HELLO first: the host has seen none on this connection." };
  }
  switch (ask.do) {
    case "ping":
      return { do: "ping", lapses: lease.lapses };
    case "scale":
    case "set-khz":
      return claim(desk, caller, request);
    case "release": {
      const [error] = lease.fallBack(desk.ledger, claimant, vm.vm, ask.all ? undefined : request.vcpu);
      return error === undefined ? { do: "release", ...clocks(desk, vm, request.vcpu) } : { error };
    }
    case "policy-remove":
      return { do: "policy-remove", removed: desk.policies.remove({ vm: vm.vm }, "guest") };
    case "freqs":
    case "state":
    case "list":
      return tell(desk, caller, request, ask);
  }
}

/** Makes or moves a claim that the lease answers for. */
function claim(desk: Desk, caller: Caller, request: ExtensionRequest): Said {
  const { vm, lease } = caller;
  const { vcpu, ask } = request;
  const standing = desk.ledger.claim("guest", vm.vm, vcpu);
  const before = standing && { claimant: standing.claimant, level: standing.level };
  const no = ask.do === "scale" ? step(desk, caller, request) : setKhz(desk, caller, request);
  if (no !== undefined) return no;
  lease.note(vcpu, before);
  return { do: ask.do === "scale" ? "scale" : "set-khz", ...clocks(desk, vm, vcpu) };
}

function step(desk: Desk, caller: Caller, request: ExtensionRequest): Said | undefined {
  const { vcpu, vmName, ask } = request;
  if (ask.do !== "scale") return undefined;
  const outcome = move(desk, caller, { kind: "scale", vcpu, vmName, physical: false, step: ask.step });
  if (outcome.kind === "refused") return { refusal: outcome.refusal };
  return outcome.kind === "failed" ? { error: outcome.error } : undefined;
}

function setKhz(desk: Desk, { vm, claimant }: Caller, request: ExtensionRequest): Said | undefined {
  const { ask } = request;
  if (ask.do !== "set-khz") return undefined;
  const grant = authorizeKhz(vm, request.vcpu, ask.turbo);
  if (!grant.ok) return { refusal: grant.error };
  const first = grant.value.domains[0];
  const domain = first === undefined ? undefined : desk.cpufreq.domainById(first);
  if (domain === undefined) throw new Error(`a grant names policy${first}, which is not there`);
  const turbo = ask.turbo && domain.hasTurbo;
  const wanted = khz(Math.min(roundUp(domain.table, khz(ask.khz)), highest(domain.table, turbo)));
  const done = desk.ledger.wish(grant.value, claimant, { khz: wanted, turbo });
  return done.ok ? undefined : { error: done.error };
}

/** A VM that may not query learns what it wished, not what others made of it. */
function clocks(desk: Desk, vm: Vm, vcpu: number) {
  const wishKhz = desk.ledger.claim("guest", vm.vm, vcpu)?.level.khz ?? 0;
  return { wishKhz, targetKhz: vm.queries ? (domainOf(desk, vm, vcpu)?.target ?? 0) : 0 };
}

/** Answers what only a VM that may query is told. */
function tell(
  desk: Desk,
  caller: Caller,
  request: ExtensionRequest,
  ask: Extract<ExtensionRequest["ask"], { do: "freqs" | "state" | "list" }>,
): Said {
  const { vm } = caller;
  const no = refuseQuery(vm, request);
  if (no !== undefined) return { refusal: no };
  if (ask.do === "list") {
    const total = vm.knownVcpus();
    const count = Math.max(0, Math.min(PAGE.VCPUS, total - ask.first));
    const vcpus = Array.from({ length: count }, (_, i) => {
      const domain = domainOf(desk, vm, ask.first + i);
      return domain === undefined ? NOT_KNOWN : { khz: toldKhz(desk, domain), ...capsOf(desk, domain) };
    });
    return { do: "list", total, first: ask.first, vcpus };
  }
  const grant = vm.granted(request.vcpu);
  if (!grant.ok) return { refusal: grant.error };
  const domain = domainOf(desk, vm, request.vcpu);
  if (domain === undefined)
    throw new Error(`a grant names policy${grant.value.domains[0]}, which is not there`);
  if (ask.do === "freqs") {
    const { steps, nominal } = domain.table;
    const page = steps.slice(ask.first, ask.first + PAGE.FREQS);
    return { do: "freqs", total: steps.length, first: ask.first, nominal, khz: page };
  }
  return { do: "state", ...stateOf(desk, caller, request.vcpu, domain) };
}

const NOT_KNOWN = { khz: 0, turbo: false, priority: false };
