// What can be asked of a running powermon, a row each. Two things are no rows, since they don't answer with one JSON document:
// GET /metrics, which is text for Prometheus, and GET /v1/events, which is a stream (event.ts has what it sends).

import * as v from "valibot";
import type { Answer } from "../values/answer.ts";
import { channelChange, channelReports } from "./channels.ts";
import { explainReport, freqChange, freqReports } from "./freq.ts";
import { liveReport } from "./live.ts";
import * as place from "./place.ts";
import { policyChange, policyEnd, policyReports } from "./policies.ts";
import {
  appliedReport,
  capabilitiesReport,
  offReport,
  profileChange,
  profileReports,
  profileStateReport,
} from "./profiles.ts";
import { sleepAsk, sleepReport } from "./sleep.ts";
import { reloadAsk, reloadReport, statusReport } from "./status.ts";
import { pin, vcpuReport, vmChange, vmReport } from "./vms.ts";
import { list } from "./words.ts";

/** A request: its method, its path after /v1, what the path's and the body's parts may be, and the answer. */
export interface Row {
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** {name} stands for one part, which `places` has a schema for. */
  readonly path: string;
  readonly places: Readonly<Record<string, v.GenericSchema<string, unknown>>>;
  /** Strict, so that a typo in a script is an error and not a change that never happens. Absent: no body is taken. */
  readonly body?: v.GenericSchema<unknown, object>;
  /** A client of another version learns by it that it can't read the answer. Unknown keys pass. */
  readonly answer: v.GenericSchema;
  /** It takes as long as it takes. */
  readonly isEndless?: true;
}

/** The answer of what has nothing to tell. */
const done = v.object({ done: v.literal(true) });

const vm = { vm: place.vm };
const vmChannels = { ...vm, channels: place.channels };
const cpus = { cpus: place.cpus };

export const API = {
  status: { method: "GET", path: "status", places: {}, answer: statusReport },
  vms: { method: "GET", path: "vms", places: {}, answer: list(vmReport) },
  vm: { method: "GET", path: "vms/{vm}", places: vm, answer: vmReport },
  /** Takes up a VM that was removed; channels found in the folders are taken up by themselves. */
  addVm: { method: "PUT", path: "vms/{vm}", places: vm, answer: done },
  /** Closes a VM's channels and ignores them until addVm. */
  removeVm: { method: "DELETE", path: "vms/{vm}", places: vm, answer: done },
  changeVm: { method: "PATCH", path: "vms/{vm}", places: vm, body: vmChange, answer: vmReport },
  pinVcpu: {
    method: "PUT",
    path: "vms/{vm}/vcpus/{vcpu}/pin",
    places: { ...vm, vcpu: place.vcpu },
    body: pin,
    answer: vcpuReport,
  },
  channels: { method: "GET", path: "channels", places: {}, answer: channelReports },
  addChannels: {
    method: "PUT",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    answer: channelReports,
  },
  removeChannels: {
    method: "DELETE",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    answer: done,
  },
  enableChannels: {
    method: "PATCH",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    body: channelChange,
    answer: done,
  },
  allFreq: { method: "GET", path: "freq", places: {}, answer: freqReports },
  freq: { method: "GET", path: "freq/{cpus}", places: cpus, answer: freqReports },
  setFreq: {
    method: "PUT",
    path: "freq/{cpus}",
    places: { cpus: place.namedCpus },
    body: freqChange,
    answer: freqReports,
  },
  /** Ends the operator's claims. */
  releaseFreq: { method: "DELETE", path: "freq/{cpus}", places: cpus, answer: freqReports },
  explain: { method: "GET", path: "explain/{cpu}", places: { cpu: place.cpu }, answer: explainReport },
  live: { method: "GET", path: "live", places: {}, answer: liveReport },
  policies: { method: "GET", path: "policies", places: {}, answer: policyReports },
  policy: { method: "GET", path: "vms/{vm}/policy", places: vm, answer: policyReports },
  setPolicy: {
    method: "PUT",
    path: "vms/{vm}/policy",
    places: vm,
    body: policyChange,
    answer: policyReports,
  },
  /** Ends the operator's policy; the guest's own takes over. */
  removePolicy: { method: "DELETE", path: "vms/{vm}/policy", places: vm, body: policyEnd, answer: done },
  capabilities: { method: "GET", path: "capabilities", places: {}, answer: capabilitiesReport },
  profiles: { method: "GET", path: "profiles", places: {}, answer: profileReports },
  applyProfile: { method: "PUT", path: "profile", places: {}, body: profileChange, answer: appliedReport },
  profileOff: { method: "DELETE", path: "profile", places: {}, answer: offReport },
  verifyProfile: { method: "GET", path: "profile/verify", places: {}, answer: profileStateReport },
  /** Answers when the host is awake again, which may be days later. */
  suspend: {
    method: "POST",
    path: "suspend",
    places: {},
    body: sleepAsk,
    answer: sleepReport,
    isEndless: true,
  },
  /** The machine slept: what the kernel forgot is written again. */
  resumed: { method: "POST", path: "resumed", places: {}, answer: done },
  reload: { method: "POST", path: "reload", places: {}, body: reloadAsk, answer: reloadReport },
} as const satisfies Readonly<Record<string, Row>>;

type Api = typeof API;
/** What is asked, by the name of its row. */
export type Name = keyof Api;

type Body<K extends Name> = Api[K] extends { readonly body: infer B extends v.GenericSchema } ? B : undefined;
type Places<K extends Name> = {
  readonly [P in keyof Api[K]["places"]]: v.InferOutput<Api[K]["places"][P] & v.GenericSchema>;
};

/** What a client says: the values of the path, and what the body holds. */
export type Ask<K extends Name> = Places<K> &
  (Body<K> extends v.GenericSchema ? NonNullable<v.InferInput<Body<K>>> : unknown);
/** The same as a handler gets it: held to its schemas, and whole. */
export type Asked<K extends Name> = Places<K> &
  (Body<K> extends v.GenericSchema ? v.InferOutput<Body<K>> : unknown);
/** What a client gets. */
export type Report<K extends Name> = v.InferOutput<Api[K]["answer"]>;

/** What a handler answers; nothing stands for `done`. */
type Told<K extends Name> = Report<K> extends v.InferOutput<typeof done> ? void : Report<K>;
/** Whoever answers: a function a row. Reads are immediate; what takes time returns a promise. */
export type Handlers = {
  readonly [K in Name]: (asked: Asked<K>) => Answer<Told<K>> | Promise<Answer<Told<K>>>;
};
