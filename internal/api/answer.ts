// What powermon's answers hold: a client of another version learns at the door that it can't read them. Unknown keys pass.

import * as v from "valibot";
import type {
  ChannelReport,
  ClaimReport,
  ExplainReport,
  FreqReport,
  HappenedEvent,
  LiveDomain,
  LiveReport,
  LiveVm,
  PolicyReport,
  StatusReport,
  VcpuReport,
  VmReport,
} from "./operations.ts";

/** `T` as JSON brings it back: a key that held undefined is absent. */
export type Json<T> = T extends readonly (infer U)[]
  ? readonly Json<U>[]
  : T extends object
    ? {
        readonly [K in keyof T as undefined extends T[K] ? (unknown extends T[K] ? K : never) : K]: Json<
          T[K]
        >;
      } & { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Json<T[K]> }
    : T;

/** A schema that proves at least `T`. */
export type Answer<T> = v.GenericSchema<unknown, T>;

const text = v.string();
const number = v.number();
const maybeNumber = v.optional(v.number());
const maybeText = v.optional(v.string());
const numbers = v.array(number);
const counts = v.record(v.string(), v.number());
const sourced = <const S extends v.GenericSchema>(value: S) => v.object({ value, from: text });
const bound = v.union([number, v.picklist(["min", "base", "max"])]);

/** GET /v1/status. */
export const status: Answer<Json<StatusReport>> = v.object({
  version: text,
  pid: number,
  uptimeS: number,
  configFiles: v.array(text),
  dirs: v.array(text),
  stateDir: text,
  domains: number,
  drivers: v.array(text),
  problems: v.array(text),
  vms: number,
  channels: v.object({ total: number, connected: number }),
  claims: number,
  counts,
});

const refusal = { at: text, message: text };

/** One vCPU. */
export const vcpu: Answer<Json<VcpuReport>> = v.object({
  vcpu: number,
  pcpus: numbers,
  why: maybeText,
  source: maybeText,
  domains: numbers,
  wishKhz: maybeNumber,
  targetKhz: maybeNumber,
  lastRefusal: v.optional(v.object(refusal)),
});

/** One VM. */
export const vm: Answer<Json<VmReport>> = v.object({
  vm: text,
  pid: maybeNumber,
  channels: numbers,
  vcpus: v.array(vcpu),
  counts,
  settings: v.object({
    queries: sourced(v.boolean()),
    turbo: sourced(v.boolean()),
    floor: sourced(bound),
    ceiling: sourced(bound),
    commands: sourced(v.array(text)),
    requestsPerSecond: sourced(number),
    burst: sourced(number),
    wire: sourced(text),
    leaseS: sourced(number),
  }),
});

/** All VMs. */
export const vms = v.array(vm);

const channel: Answer<Json<ChannelReport>> = v.object({
  vm: text,
  channel: number,
  path: text,
  state: v.picklist(["connecting", "connected", "waiting", "closed"]),
  enabled: v.boolean(),
  generation: maybeText,
  counts,
});

/** Channels. */
export const channels = v.array(channel);

const by = v.picklist(["guest", "policy", "fifo", "operator"]);
const claim: Answer<Json<ClaimReport>> = v.object({
  by,
  vm: maybeText,
  vcpu: maybeNumber,
  wishKhz: number,
  turbo: v.boolean(),
  clippedKhz: number,
});

const freqEntries = {
  cpu: number,
  policy: number,
  driver: text,
  governor: maybeText,
  targetKhz: maybeNumber,
  currentKhz: maybeNumber,
  minKhz: number,
  nominalKhz: number,
  maxKhz: number,
  turbo: v.boolean(),
  frequenciesKhz: numbers,
  operatorClaim: v.boolean(),
};
const freq: Answer<Json<FreqReport>> = v.object(freqEntries);

/** CPUs and their clocks. */
export const freqs = v.array(freq);

/** GET /v1/explain/{cpu}. */
export const explained: Answer<Json<ExplainReport>> = v.object({
  ...freqEntries,
  sharedWith: numbers,
  siblingPolicies: numbers,
  claims: v.array(claim),
  siblingClaims: v.array(claim),
  winner: v.optional(claim),
  clippedBy: v.optional(v.picklist(["vm", "site"])),
  site: v.object({ floorKhz: maybeNumber, ceilingKhz: maybeNumber }),
  why: v.array(text),
  lastRefusals: v.array(v.object({ ...refusal, vm: text, vcpu: number })),
  lastWrite: v.optional(v.object({ at: text, khz: maybeNumber, error: maybeText })),
});

const liveDomain: Answer<Json<LiveDomain>> = v.object({
  policy: number,
  cpus: numbers,
  minKhz: number,
  nominalKhz: number,
  maxKhz: number,
  floorKhz: number,
  ceilingKhz: number,
  targetKhz: maybeNumber,
  claims: number,
  holder: v.optional(v.object({ by, vm: maybeText, vcpu: maybeNumber, wishKhz: number })),
  clippedBy: v.optional(v.picklist(["vm", "site"])),
});
const liveVm: Answer<Json<LiveVm>> = v.object({
  vm: text,
  channels: number,
  connected: number,
  requests: number,
  refused: number,
  failed: number,
  policy: v.optional(v.object({ type: text, origin: v.picklist(["guest", "operator"]) })),
});

/** GET /v1/live. */
export const live: Answer<Json<LiveReport>> = v.object({
  at: text,
  uptimeS: number,
  domains: v.array(liveDomain),
  vms: v.array(liveVm),
  refusals: v.array(v.object({ ...refusal, vm: text, vcpu: number })),
});

const policy: Answer<Json<PolicyReport>> = v.object({
  vm: text,
  origin: v.picklist(["operator", "guest"]),
  type: v.picklist(["traffic", "time", "workload", "branch-ratio"]),
  inForce: v.boolean(),
  vcpus: v.union([v.literal("all"), numbers]),
  turbo: v.boolean(),
  wishes: v.array(v.object({ vcpu: number, level: v.union([v.picklist(["min", "medium", "max"]), number]) })),
  dueAt: maybeText,
  pps: maybeNumber,
  problem: maybeText,
  rule: v.looseObject({}),
});

/** Policies. */
export const policies = v.array(policy);

/** POST /v1/reload. */
export const reloaded = v.object({ files: v.array(text) });

/** What a request without an answer of its own brings. */
export const done = v.object({ done: v.literal(true) });

/** One event of the stream. */
export const happened: Answer<HappenedEvent> = v.looseObject({ at: text, event: text });

/** Any error. */
export const failed = v.object({ error: v.object({ code: text, message: text }) });
