// Schemas of the API as JSON Schema; what only a sentence can say is said by its description.

import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { channelReport } from "../../internal/api/channels.ts";
import { dryRunReport } from "../../internal/api/dry-run.ts";
import { event } from "../../internal/api/event.ts";
import { claimReport, freqReport } from "../../internal/api/freq.ts";
import { policyReport } from "../../internal/api/policies.ts";
import { problemReport } from "../../internal/api/problem.ts";
import { appliedReport } from "../../internal/api/profiles.ts";
import { sleepReport } from "../../internal/api/sleep.ts";
import { vcpuReport, vmReport } from "../../internal/api/vms.ts";
import { policySection } from "../../internal/config/policy-schema.ts";

/** What stands in several places, by the name that it has in all of them. */
const NAMED = {
  Problem: problemReport,
  Event: event,
  DryRun: dryRunReport,
  Vm: vmReport,
  Vcpu: vcpuReport,
  Channel: channelReport,
  Freq: freqReport,
  Claim: claimReport,
  Policy: policyReport,
  AppliedProfile: appliedReport,
  Sleep: sleepReport,
};

const config = (side: "input" | "output"): ConversionConfig => ({
  target: "draft-2020-12",
  typeMode: side,
  // A sentence has to say these.
  ignoreActions: ["check", "raw_transform", "transform", "readonly"],
  // A policy is judged by the configuration: it has that schema.
  overrideSchema: ({ valibotSchema, jsonSchema: so }) =>
    valibotSchema.type === "custom" ? { ...so, ...jsonSchema(policySection, "input") } : undefined,
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
});

/** Returns `schema` as JSON Schema of 2020-12. @param side what is sent, or what comes back */
export function jsonSchema(schema: v.GenericSchema, side: "input" | "output"): object {
  const { $schema: _, $defs: _defs, ...made } = toJsonSchema(schema, { ...config(side), definitions: NAMED });
  return made;
}

/** Returns what the others name. */
export function namedSchemas(): object {
  return toJsonSchemaDefs(NAMED, config("output"));
}
