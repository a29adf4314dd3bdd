// What can be asked of a running powermon, a row each. What does not ask the host, or does not answer with one JSON document, is no row:
// GET /metrics, GET /v1/events (event.ts has what it sends), GET /v1 and GET /v1/openapi.json.

import * as v from "valibot";
import type { Answer } from "../values/answer.ts";
import { channelChange, channelReports } from "./channels.ts";
import { explainReport, freqChange, freqReports, retryReport } from "./freq.ts";
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
import type { Row } from "./row.ts";
import { list } from "./words.ts";

/** The answer of what has nothing to tell. */
const done = v.object({ done: v.literal(true) });

const vm = { vm: place.vm };
const vmChannels = { ...vm, channels: place.channels };
const cpus = { cpus: place.cpus };

export const API = {
  status: {
    about: "How powermon is, at one glance.",
    method: "GET",
    path: "status",
    places: {},
    answer: statusReport,
  },
  vms: {
    about: "All VMs.",
    method: "GET",
    path: "vms",
    places: {},
    answer: list(vmReport),
  },
  vm: {
    about: "One VM: its vCPUs, and its settings with where each comes from.",
    no: ["not-found"],
    method: "GET",
    path: "vms/{vm}",
    places: vm,
    answer: vmReport,
  },
  addVm: {
    about: "Takes up a VM that was removed; channels found in the folders are taken up by themselves.",
    no: ["not-found"],
    method: "PUT",
    path: "vms/{vm}",
    places: vm,
    answer: done,
  },
  removeVm: {
    about: "Closes a VM's channels, ends its claims, and ignores it until it is taken up again.",
    no: ["not-found"],
    method: "DELETE",
    path: "vms/{vm}",
    places: vm,
    answer: done,
  },
  changeVm: {
    about: "Changes settings of a VM. Claims that stand already are clipped at once.",
    no: ["not-found", "failed"],
    method: "PATCH",
    path: "vms/{vm}",
    places: vm,
    body: vmChange,
    answer: vmReport,
  },
  pinVcpu: {
    about: "Pins a vCPU.",
    no: ["not-found", "failed"],
    method: "PUT",
    path: "vms/{vm}/vcpus/{vcpu}/pin",
    places: { ...vm, vcpu: place.vcpu },
    body: pin,
    answer: vcpuReport,
  },
  channels: { about: "All channels.", method: "GET", path: "channels", places: {}, answer: channelReports },
  addChannels: {
    about: "Takes up channels that were removed, and answers with the VM's channels.",
    no: ["not-found"],
    method: "PUT",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    answer: channelReports,
  },
  removeChannels: {
    about: "Closes channels and ignores them until they are taken up again.",
    no: ["not-found"],
    method: "DELETE",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    answer: done,
  },
  enableChannels: {
    about: "Lets channels' packets be served, or read and ignored.",
    no: ["not-found"],
    method: "PATCH",
    path: "vms/{vm}/channels/{channels}",
    places: vmChannels,
    body: channelChange,
    answer: done,
  },
  allFreq: {
    about: "Every CPU that has a clock.",
    method: "GET",
    path: "freq",
    places: {},
    answer: freqReports,
  },
  freq: {
    about: "Some CPUs' clocks.",
    no: ["not-found"],
    method: "GET",
    path: "freq/{cpus}",
    places: cpus,
    answer: freqReports,
  },
  setFreq: {
    about: "Sets the operator's claim on CPUs' clocks: while it stands, VMs' wishes there wait.",
    no: ["not-found", "unsupported", "failed"],
    method: "PUT",
    path: "freq/{cpus}",
    places: { cpus: place.namedCpus },
    body: freqChange,
    answer: freqReports,
  },
  releaseFreq: {
    about: "Ends the operator's claims.",
    no: ["not-found", "failed"],
    method: "DELETE",
    path: "freq/{cpus}",
    places: cpus,
    answer: freqReports,
  },
  retryFreq: {
    about: "Tries what of these CPUs is left alone since a call on it did not return; may take seconds.",
    no: ["not-found"],
    method: "POST",
    path: "freq/{cpus}/retry",
    places: cpus,
    answer: retryReport,
  },
  explain: {
    about: "Why a clock is what it is.",
    no: ["not-found"],
    method: "GET",
    path: "explain/{cpu}",
    places: { cpu: place.cpu },
    answer: explainReport,
  },
  live: {
    about: "Every clock and VM with their counters. No file is read for it, so it can be asked every second.",
    method: "GET",
    path: "live",
    places: {},
    answer: liveReport,
  },
  policies: {
    about: "All policies.",
    method: "GET",
    path: "policies",
    places: {},
    answer: policyReports,
  },
  policy: {
    about: "A VM's policies.",
    no: ["not-found"],
    method: "GET",
    path: "vms/{vm}/policy",
    places: vm,
    answer: policyReports,
  },
  setPolicy: {
    about: "Puts an operator's policy in force, in place of the one before.",
    no: ["refused", "failed"],
    method: "PUT",
    path: "vms/{vm}/policy",
    places: vm,
    body: policyChange,
    answer: policyReports,
  },
  removePolicy: {
    about: "Ends the operator's policy; the guest's own takes over.",
    no: ["not-found", "failed"],
    method: "DELETE",
    path: "vms/{vm}/policy",
    places: vm,
    body: policyEnd,
    answer: done,
  },
  capabilities: {
    about: "What the host can do: sleep, clocks, idle states, hints, uncore, meters and topology.",
    no: ["failed"],
    method: "GET",
    path: "capabilities",
    places: {},
    answer: capabilitiesReport,
  },
  profiles: {
    about: "The host's profiles, and which is in force.",
    method: "GET",
    path: "profiles",
    places: {},
    answer: profileReports,
  },
  applyProfile: {
    about: "Puts a profile in force, whole or not at all.",
    no: ["refused", "unsupported", "failed", "busy"],
    method: "PUT",
    path: "profile",
    places: {},
    body: profileChange,
    answer: appliedReport,
  },
  profileOff: {
    about: "Puts back what was there before the first profile.",
    no: ["failed", "busy"],
    method: "DELETE",
    path: "profile",
    places: {},
    answer: offReport,
  },
  verifyProfile: {
    about: "What is in force, and what has drifted from it.",
    no: ["failed"],
    method: "GET",
    path: "profile/verify",
    places: {},
    answer: profileStateReport,
  },
  suspend: {
    about: "Puts the host to sleep; answers when it is awake again, which may be days later.",
    no: ["refused", "unsupported", "failed", "busy"],
    method: "POST",
    path: "suspend",
    places: {},
    body: sleepAsk,
    answer: sleepReport,
    isEndless: true,
  },
  resumed: {
    about: "The machine slept: what the kernel forgot is written again.",
    method: "POST",
    path: "resumed",
    places: {},
    answer: done,
  },
  reload: {
    about: "Reads the configuration again; a bad one is refused whole.",
    method: "POST",
    path: "reload",
    places: {},
    body: reloadAsk,
    answer: reloadReport,
  },
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
/**
 * Whoever answers: a function a row. Reads are immediate; what takes time returns a promise. `gone` aborts when who asked has left
 * without an answer.
 */
export type Handlers = {
  readonly [K in Name]: (asked: Asked<K>, gone?: AbortSignal) => Answer<Told<K>> | Promise<Answer<Told<K>>>;
};
