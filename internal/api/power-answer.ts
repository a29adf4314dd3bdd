// What powermon's answers about the host's own power hold. Unknown keys pass.

import * as v from "valibot";
import type { Answer, Json } from "./answer.ts";
import type {
  AppliedReport,
  CapabilitiesReport,
  OffReport,
  ProfileReport,
  ProfileStateReport,
  SuspendReport,
} from "./power-operations.ts";

const text = v.string();
const number = v.number();
const texts = v.array(text);
const maybeText = v.optional(text);
const maybeNumber = v.optional(number);
const setting = { path: text, knob: text, text };
const settings = v.array(v.object(setting));

/** GET /v1/capabilities. */
export const capabilities: Answer<Json<CapabilitiesReport>> = v.object({ arch: text, problems: texts });

const profile: Answer<Json<ProfileReport>> = v.object({
  name: text,
  from: v.picklist(["built in", "configuration"]),
  summary: text,
  missing: v.picklist(["refuse", "skip"]),
  inForce: v.boolean(),
  boost: v.optional(v.boolean()),
  uncore: v.optional(v.looseObject({})),
  latencyUs: maybeNumber,
  rules: v.array(v.object({ cpus: text })),
});

/** GET /v1/profiles. */
export const profiles = v.array(profile);

/** PUT /v1/profile. */
export const applied: Answer<Json<AppliedReport>> = v.object({
  profile: text,
  applied: v.boolean(),
  changes: v.array(v.object({ ...setting, from: text })),
  left: v.array(v.object({ knob: text, where: text, why: text })),
  rounded: v.array(v.object({ path: text, asked: text, held: text })),
  latencyUs: maybeNumber,
});

/** DELETE /v1/profile. */
export const off: Answer<Json<OffReport>> = v.object({
  profile: maybeText,
  stale: v.boolean(),
  restored: settings,
});

/** GET /v1/profile/verify. */
export const state: Answer<Json<ProfileStateReport>> = v.object({
  state: v.picklist(["none", "applied", "stale"]),
  profile: maybeText,
  cpus: maybeText,
  since: maybeText,
  latencyUs: maybeNumber,
  originals: v.optional(settings),
  wanted: v.optional(settings),
  drift: v.array(v.object({ ...setting, found: maybeText })),
  held: v.array(number),
});

/** POST /v1/suspend. */
export const suspended: Answer<Json<SuspendReport>> = v.object({
  target: v.picklist(["mem", "disk", "hybrid", "freeze"]),
  via: v.picklist(["kernel", "logind"]),
  slept: v.boolean(),
  wakeAt: maybeText,
  clock: maybeText,
  blockers: v.array(v.object({ what: text, forceable: v.boolean() })),
  warnings: texts,
  prepared: texts,
  record: v.optional(v.object({ sleptS: maybeNumber, clockS: maybeNumber, wokenBy: text })),
  notRestored: texts,
});
