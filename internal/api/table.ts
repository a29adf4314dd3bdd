// What can be asked of a running powermon, a row each. What does not ask the host, or does not answer with one JSON document, is no row:
// GET /metrics, GET /v1/events (event.ts has what it sends), GET /v1 and GET /v1/openapi.json.

import * as v from "valibot";
import type { Answer } from "../values/answer.ts";
import { BUDGET } from "./budget.ts";
import { dryRunAlone, type DryRunReport } from "./dry-run.ts";
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
import { done, type Row } from "./row.ts";
import { VM_ROWS } from "./vm-rows.ts";

const vm = { vm: place.vm };
const cpus = { cpus: place.cpus };

export const API = {
  status: {
    about: "How powermon is, at one glance.",
    method: "GET",
    path: "status",
    places: {},
    answer: statusReport,
  },
  ...VM_ROWS,
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
    body: dryRunAlone,
    answer: freqReports,
  },
  retryFreq: {
    about: "Tries what of these CPUs is left alone since a call on it did not return; may take seconds.",
    no: ["not-found"],
    method: "POST",
    path: "freq/{cpus}/retry",
    places: cpus,
    body: dryRunAlone,
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
    about:
      "Every clock and VM with their counters, and what the CPUs do. The machine is read at most once a second, however many ask.",
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
  ...BUDGET,
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
    body: dryRunAlone,
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
    body: dryRunAlone,
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
 * without an answer. `user` is who asked over the control socket.
 */
export type Handlers = {
  readonly [K in Name]: (
    asked: Asked<K>,
    gone?: AbortSignal,
    user?: string,
  ) => Answer<Told<K>> | Promise<Answer<Told<K>>>;
};

/** What looks and changes nothing. */
type Reading = { [K in Name]: Api[K]["method"] extends "GET" ? K : never }[Name];
/** What tells of its dry run by its own answer; that of every other change is a document of its own. */
const SELF_TOLD = ["changeVm", "applyProfile", "suspend", "reload"] as const satisfies readonly Name[];
/** A change whose dry run is a document of its own. */
export type Rehearsed = Exclude<Name, Reading | (typeof SELF_TOLD)[number]>;
export const isRehearsed = (name: Name): name is Rehearsed =>
  API[name].method !== "GET" && !SELF_TOLD.some((other) => other === name);

/** Whoever tells what would happen: a function a change. It changes nothing, and refuses what the change's handler would. */
export type Rehearsals = {
  readonly [K in Rehearsed]: (asked: Asked<K>) => Answer<DryRunReport> | Promise<Answer<DryRunReport>>;
};
