// What a JSON object of a FIFO asks, in DPDK's words; what is wrong with one is said, never guessed at.
// Source: DPDK examples/vm_power_manager/channel_monitor.c, parse_json_to_pkt; doc/guides/sample_app_ug/vm_power_management.rst.

import * as v from "valibot";
import { nearest } from "../values/nearest.ts";
import { hourWindow, type Policy, POLICY_DEFAULTS, type PolicyRule } from "../values/policy.ts";
import type { Step } from "../values/frequency.ts";
import { WORKLOADS } from "../values/request.ts";
import { err, ok, type Result } from "../values/result.ts";

/** What can be asked through a FIFO; the core is the FIFO's. */
type FifoCommand =
  | { readonly kind: "scale"; readonly step: Step }
  | { readonly kind: "policy"; readonly policy: Policy }
  | { readonly kind: "policy-remove" };

/** An object with these keys, in upper or lower case, and no other. A missing one counts as undefined, so that its own message tells. */
const objectOf = <const T extends v.ObjectEntries>(entries: T, where: string) => {
  const known = Object.keys(entries);
  return v.pipe(
    v.custom<object>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "it must be an object",
    ),
    v.transform((value) => ({
      ...Object.fromEntries(known.map((key) => [key, undefined])),
      ...Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toLowerCase(), member])),
    })),
    // Without a prototype: the names of Object's own members are no keys either.
    v.strictObject(Object.assign(Object.create(null), entries) as T, ({ input }) => {
      const near = nearest(String(input), known);
      const right = near === undefined ? `the keys are ${known.join(", ")}` : `did you mean "${near}"?`;
      return `Unknown key ${shown(input)}${where}: ${right}`;
    }),
  );
};

const word = <const T extends string>(words: readonly T[]) =>
  v.pipe(
    v.custom<string>(
      (value) => typeof value === "string" && words.some((one) => one === value.toLowerCase()),
      `it may be ${words.join(", ").toUpperCase()}`,
    ),
    v.transform((value) => value.toLowerCase() as T),
  );

const HOURS = "it must be a list of at most 24 hours from 0 to 23";
const hour = v.pipe(v.number(HOURS), v.integer(HOURS), v.minValue(0, HOURS), v.maxValue(23, HOURS));
const hours = v.optional(v.pipe(v.array(hour, HOURS), v.maxLength(24, HOURS)));
const MACS = "it must be a list of at most 64 MAC addresses such as 52:54:00:12:34:56";
const mac = v.pipe(v.string(MACS), v.toLowerCase(), v.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, MACS));
const macs = v.optional(v.pipe(v.array(mac, MACS), v.maxLength(64, MACS)));
const RATE = "it must be a whole number of packets per second, 0 or more";
const rate = v.optional(v.pipe(v.number(RATE), v.safeInteger(RATE), v.minValue(0, RATE)));

const SHARE = "it must be a percentage of branches, above 0 and at most 100";
const NAME = "it must be a text of at most 255 characters";
const CORE = "it must be a CPU number, 0 or more";
const CORES = "it must be a list of CPU numbers such as [10, 11]";

const UNITS = {
  scale_up: "up",
  scale_down: "down",
  scale_max: "max",
  scale_min: "min",
  enable_turbo: "turbo-on",
  disable_turbo: "turbo-off",
} as const satisfies Record<string, Step>;
const whole = v.optional(v.pipe(v.number(CORE), v.safeInteger(CORE), v.minValue(0, CORE)));
/** DPDK's parser looks for any of its keys in either object; its guide knows core_list, name and resource_id besides. */
const KEYS = {
  unit: v.optional(word(Object.keys(UNITS) as (keyof typeof UNITS)[])),
  policy_type: v.optional(word(["time", "traffic", "workload", "branch_ratio"])),
  workload: v.optional(word(WORKLOADS)),
  busy_hours: hours,
  quiet_hours: hours,
  mac_list: macs,
  avg_packet_thresh: rate,
  max_packet_thresh: rate,
  branch_ratio: v.optional(v.pipe(v.number(SHARE), v.gtValue(0, SHARE), v.maxValue(100, SHARE))),
  name: v.optional(v.pipe(v.string(NAME), v.maxLength(255, NAME))),
  resource_id: whole,
  core_list: v.optional(v.pipe(v.array(whole, CORES), v.minLength(1, CORES), v.maxLength(8192, CORES))),
};
const instruction = objectOf({ command: word(["power"]), ...KEYS }, " in an instruction");
const policy = objectOf({ command: word(["create", "destroy"]), ...KEYS }, " in a policy");
const wrapped = objectOf({ instruction: v.optional(instruction), policy: v.optional(policy) }, "");
/** DPDK's parser takes the keys without the object around them, too. */
const bare = objectOf({ command: word(["power", "create", "destroy"]), ...KEYS }, "");
const BARE_KEYS: readonly string[] = ["command", ...Object.keys(KEYS)];
const ONE_OF = 'Write one of "instruction" and "policy" in an object.';
/** What each asks for by its keys; of the others those that are there mean nothing. */
const OF_POWER = ["command", "unit"];
const OF_DESTROY = ["command"];
const OF_CREATE = {
  time: ["command", "policy_type", "busy_hours", "quiet_hours"],
  traffic: ["command", "policy_type", "mac_list", "avg_packet_thresh", "max_packet_thresh"],
  workload: ["command", "policy_type", "workload"],
  branch_ratio: ["command", "policy_type", "branch_ratio"],
};

/** What was asked, and what of it was passed over. */
export interface FifoRequest {
  readonly command: FifoCommand;
  /** The keys that mean nothing here, in a sentence. */
  readonly ignored: string | undefined;
}

/**
 * Returns what one object asks of CPU `core`, or the sentence that says what is wrong with it. Keys and words may be upper or lower case;
 * a comma before a closing bracket is passed over, for DPDK's guide has one in its sample of destroy.
 */
export function parseFifoRequest(text: string, core: number): Result<FifoRequest, string> {
  const raw = parseJson(text);
  if (!raw.ok) return raw;
  const asked = saidIn(raw.value);
  if (!asked.ok) return asked;
  const said = asked.value;
  const elsewhere = otherCore(said, core);
  if (elsewhere !== undefined) return err(elsewhere);
  const command = said.command === "power" ? stepOf(said) : policyOf(said);
  return command.ok ? ok({ command: command.value, ignored: passedOver(said, core) }) : command;
}

type Said = v.InferOutput<typeof bare>;

/** Returns what stands in the one instruction or policy of an object, or in the object itself. */
function saidIn(value: unknown): Result<Said, string> {
  const keys = Object.keys(Object(value)).map((key) => key.toLowerCase());
  const isBare = keys.some((key) => BARE_KEYS.includes(key));
  if (isBare && !keys.includes("instruction") && !keys.includes("policy")) {
    const asked = v.safeParse(bare, value, { abortEarly: true });
    return asked.success ? ok(asked.output) : err(sentenceOf(asked.issues[0]));
  }
  const asked = v.safeParse(wrapped, value, { abortEarly: true });
  if (!asked.success) return err(sentenceOf(asked.issues[0]));
  const { instruction, policy } = asked.output;
  if (instruction === undefined) {
    return policy === undefined ? err(ONE_OF) : ok(policy);
  }
  return policy === undefined ? ok(instruction) : err(ONE_OF);
}

function parseJson(text: string): Result<unknown, string> {
  const closed = text.replaceAll(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/gs, (found) =>
    found === "," ? "" : found,
  );
  try {
    return ok(JSON.parse(closed));
  } catch (cause) {
    return err(`Not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function stepOf({ unit }: Said): Result<FifoCommand, string> {
  if (unit === undefined)
    return err(`"unit" is missing; it may be ${Object.keys(UNITS).join(", ").toUpperCase()}.`);
  return ok({ kind: "scale", step: UNITS[unit] });
}

function policyOf(said: Said): Result<FifoCommand, string> {
  if (said.command === "destroy") return ok({ kind: "policy-remove" });
  const rule = ruleOf(said);
  return rule.ok
    ? ok({ kind: "policy", policy: { rule: rule.value, vcpus: "all", turbo: undefined } })
    : rule;
}

/** Returns what is wrong where an object names another core than that of its FIFO. */
function otherCore({ resource_id: id, core_list: cores }: Said, core: number): string | undefined {
  const own = `this FIFO drives CPU ${core} alone; write to fifo`;
  if (id !== undefined && id !== core)
    return `"resource_id" is ${id}, and ${own}${id}, or leave the key out.`;
  if (cores === undefined || cores.includes(core)) return undefined;
  return `"core_list" is ${shown(cores)}, and ${own}${cores[0]}, or leave the key out.`;
}

/** Returns the sentence of what is said and means nothing on the FIFO of `core`. */
function passedOver(said: Said, core: number): string | undefined {
  const meant =
    said.command === "power"
      ? OF_POWER
      : said.command === "destroy" || said.policy_type === undefined
        ? OF_DESTROY
        : OF_CREATE[said.policy_type];
  const idle = Object.entries(said).filter(
    ([key, value]) => value !== undefined && ![...meant, "resource_id", "core_list"].includes(key),
  );
  const others = said.core_list?.filter((one) => one !== core) ?? [];
  const parts = [
    ...idle.map(([key]) => `"${key}"`),
    ...(others.length > 0 ? [`CPU ${others.slice(0, 8).join(", ")} of "core_list"`] : []),
  ];
  return parts.length === 0
    ? undefined
    : `Ignored ${parts.join(", ")}: without meaning on the FIFO of CPU ${core}.`;
}

function ruleOf(asked: Said): Result<PolicyRule, string> {
  const { mac_list: list, avg_packet_thresh: mediumPps, max_packet_thresh: maxPps } = asked;
  const { fallPercent, threshold, quietSamples } = POLICY_DEFAULTS;
  const traffic = {
    macs: list ?? [],
    interfaces: [],
    mediumPps: mediumPps ?? 0,
    maxPps: maxPps ?? 0,
    fallPercent,
  };
  switch (asked.policy_type) {
    case undefined:
      return err('"policy_type" is missing; it may be TIME, TRAFFIC, WORKLOAD, BRANCH_RATIO.');
    case "time": {
      const { busy_hours: busy, quiet_hours: quiet } = asked;
      if (busy === undefined && quiet === undefined)
        return err("A policy of type time needs busy_hours or quiet_hours.");
      const windows = [
        ...[...new Set(busy)].map((hour) => hourWindow(hour, "max")),
        ...[...new Set(quiet)].map((hour) => hourWindow(hour, "min")),
      ];
      return ok({ type: "time", timeZone: undefined, windows, otherwise: undefined, traffic });
    }
    case "traffic":
      return list === undefined || mediumPps === undefined || maxPps === undefined
        ? err("A policy of type traffic needs mac_list, avg_packet_thresh and max_packet_thresh.")
        : ok({ type: "traffic", traffic });
    case "workload":
      return asked.workload === undefined
        ? err('"workload" is missing; it may be HIGH, MEDIUM, LOW.')
        : ok({ type: "workload", workload: asked.workload });
    case "branch_ratio":
      return ok({
        type: "branch-ratio",
        threshold: asked.branch_ratio === undefined ? threshold : asked.branch_ratio / 100,
        quietSamples,
      });
  }
}

/** Returns what is wrong: the message goes on after `"key" is VALUE; `, but for that of an unknown key, which tells all. */
function sentenceOf({ type, path, input, message }: v.BaseIssue<unknown>): string {
  if (type === "strict_object") return message;
  const [key = "", at] = (path ?? []).map((item) => item.key as string | number).slice(-2);
  const where = typeof at === "number" ? `"${key}"[${at}]` : `"${at ?? key}"`;
  return `${path === undefined ? "The object" : where} is ${input === undefined ? "missing" : shown(input)}; ${message}.`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
