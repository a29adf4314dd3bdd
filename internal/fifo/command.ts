// What a JSON object of a FIFO asks: without it a typo in a script would be guessed at, or passed over.

import { nearest } from "../values/nearest.ts";
import {
  hourWindow,
  type Policy,
  POLICY_DEFAULTS,
  type PolicyRule,
  type TrafficRule,
} from "../values/policy.ts";
import type { Step } from "../values/request.ts";
import { err, ok, type Result } from "../values/result.ts";

/** What can be asked through a FIFO; the core is the FIFO's. */
export type FifoCommand =
  | { readonly kind: "scale"; readonly step: Step }
  | { readonly kind: "policy"; readonly policy: Policy }
  | { readonly kind: "policy-remove" };

const UNITS: Readonly<Record<string, Step>> = {
  scale_up: "up",
  scale_down: "down",
  scale_max: "max",
  scale_min: "min",
  enable_turbo: "turbo-on",
  disable_turbo: "turbo-off",
};
const POLICY_KEYS = [
  "command",
  "policy_type",
  "workload",
  "busy_hours",
  "quiet_hours",
  "mac_list",
  "avg_packet_thresh",
  "max_packet_thresh",
];
const TYPES = ["time", "traffic", "workload", "branch_ratio"] as const;
const WORKLOADS = ["high", "medium", "low"] as const;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const MAX_MACS = 64;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns what one object asks, or the sentence that says what is wrong with it. Keys and words may be upper or lower case.
 * Source: DPDK examples/vm_power_manager/channel_monitor.c, parse_json_to_pkt; doc/guides/sample_app_ug/vm_power_management.rst.
 */
export function parseFifoCommand(text: string): Result<FifoCommand, string> {
  try {
    return ok(commandOf(text));
  } catch (cause) {
    if (cause instanceof Wrong) return err(cause.message);
    throw cause;
  }
}

/** Carries a sentence up from the depth of an object. */
class Wrong extends Error {}

function commandOf(text: string): FifoCommand {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new Wrong(`Not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const fields = fieldsOf(raw, "The object");
  refuseUnknown(fields, ["instruction", "policy"], "");
  const [name, more] = Object.keys(fields);
  if (name === undefined || more !== undefined)
    throw new Wrong('Write one of "instruction" and "policy" in an object.');
  const inner = fieldsOf(fields[name], `"${name}"`);
  return name === "instruction" ? instructionOf(inner) : policyOf(inner);
}

function instructionOf(fields: Fields): FifoCommand {
  refuseUnknown(fields, ["command", "unit"], " in an instruction");
  oneOf(fields, "command", ["power"]);
  const step = UNITS[oneOf(fields, "unit", Object.keys(UNITS))];
  if (step === undefined) throw new Error("UNITS lost a key");
  return { kind: "scale", step };
}

function policyOf(fields: Fields): FifoCommand {
  refuseUnknown(fields, POLICY_KEYS, " in a policy");
  if (oneOf(fields, "command", ["create", "destroy"]) === "destroy") return { kind: "policy-remove" };
  return { kind: "policy", policy: { rule: ruleOf(fields), vcpus: "all", turbo: false } };
}

function ruleOf(fields: Fields): PolicyRule {
  const { fallPercent, threshold, quietSamples } = POLICY_DEFAULTS;
  const traffic: TrafficRule = {
    macs:
      "mac_list" in fields
        ? listOf(fields, "mac_list", MAX_MACS, "MAC addresses such as 52:54:00:12:34:56", macOf)
        : [],
    interfaces: [],
    mediumPps: "avg_packet_thresh" in fields ? rateOf(fields, "avg_packet_thresh") : 0,
    maxPps: "max_packet_thresh" in fields ? rateOf(fields, "max_packet_thresh") : 0,
    fallPercent,
  };
  switch (oneOf(fields, "policy_type", TYPES)) {
    case "time": {
      require(fields, ["busy_hours", "quiet_hours"], "time");
      const windows = [
        ...hoursOf(fields, "busy_hours").map((hour) => hourWindow(hour, "max")),
        ...hoursOf(fields, "quiet_hours").map((hour) => hourWindow(hour, "min")),
      ];
      return { type: "time", timeZone: undefined, windows, otherwise: undefined, traffic };
    }
    case "traffic":
      for (const key of ["mac_list", "avg_packet_thresh", "max_packet_thresh"])
        require(fields, [key], "traffic");
      return { type: "traffic", traffic };
    case "workload":
      return { type: "workload", workload: oneOf(fields, "workload", WORKLOADS) };
    case "branch_ratio":
      return { type: "branch-ratio", threshold, quietSamples };
  }
}

/** Returns the members of `value` with keys in lower case. */
function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Wrong(`${what} is ${shown(value)}; it must be an object.`);
  }
  const fields: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) fields[key.toLowerCase()] = member;
  return fields;
}

function refuseUnknown(fields: Fields, known: readonly string[], where: string): void {
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const right = near === undefined ? `the keys are ${known.join(", ")}` : `did you mean "${near}"?`;
    throw new Wrong(`Unknown key ${shown(key)}${where}: ${right}`);
  }
}

function require(fields: Fields, keys: readonly string[], type: string): void {
  if (!keys.some((key) => key in fields))
    throw new Wrong(`A policy of type ${type} needs ${keys.join(" or ")}.`);
}

function oneOf<const T extends string>(fields: Fields, key: string, words: readonly T[]): T {
  const value = fields[key];
  const word = typeof value === "string" ? words.find((one) => one === value.toLowerCase()) : undefined;
  if (word !== undefined) return word;
  const right = words.map((one) => one.toUpperCase()).join(", ");
  throw new Wrong(
    value === undefined
      ? `"${key}" is missing; it may be ${right}.`
      : `"${key}" is ${shown(value)}; it may be ${right}.`,
  );
}

function hoursOf(fields: Fields, key: string): readonly number[] {
  if (!(key in fields)) return [];
  const hour = (value: unknown) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) < 24
      ? (value as number)
      : undefined;
  return [...new Set(listOf(fields, key, 24, "hours from 0 to 23", hour))];
}

function macOf(value: unknown): string | undefined {
  const mac = typeof value === "string" ? value.toLowerCase() : "";
  return MAC.test(mac) ? mac : undefined;
}

function rateOf(fields: Fields, key: string): number {
  const value = fields[key];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Wrong(`"${key}" is ${shown(value)}; it must be a whole number of packets per second, 0 or more.`);
}

function listOf<T>(
  fields: Fields,
  key: string,
  most: number,
  what: string,
  read: (value: unknown) => T | undefined,
): T[] {
  const value = fields[key];
  const right = `it must be a list of at most ${most} ${what}`;
  if (!Array.isArray(value) || value.length > most) throw new Wrong(`"${key}" is ${shown(value)}; ${right}.`);
  return value.map((member: unknown, at) => {
    const good = read(member);
    if (good === undefined) throw new Wrong(`"${key}"[${at}] is ${shown(member)}; ${right}.`);
    return good;
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
