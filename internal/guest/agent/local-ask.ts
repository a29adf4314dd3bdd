// What a program may ask the agent, checked: without it any word on the socket could reach the host.

import { formatCpuList, MAX_CPUS, parseCpuList } from "../../values/cpulist.ts";
import {
  type GuestPolicy,
  MAX_V1_VCPUS,
  POLICY_TYPES,
  type Step,
  STEPS,
  WORKLOADS,
} from "../../values/request.ts";
import { err, ok, type Result } from "../../values/result.ts";

/** One line of a program. `keep` makes the claim outlive the connection: the one-shot commands' claims are one holder's. */
export type LocalAsk =
  | { readonly do: "scale"; readonly vcpus: readonly number[]; readonly step: Step; readonly keep: boolean }
  | {
      readonly do: "set";
      readonly vcpus: readonly number[];
      readonly khz: number;
      readonly turbo: boolean;
      readonly keep: boolean;
    }
  | { readonly do: "release"; readonly vcpus: readonly number[]; readonly keep: boolean }
  /** `vcpus` chooses the port: the first of them that has one. */
  | { readonly do: "freq" | "caps"; readonly vcpus: readonly number[] }
  | { readonly do: "freqs" | "state"; readonly vcpus: readonly number[] }
  | { readonly do: "policy"; readonly policy: GuestPolicy }
  | { readonly do: "policy-remove" }
  /** The agent sends what the host says unasked, a line each, until the connection ends. */
  | { readonly do: "listen" }
  | { readonly do: "status" };

const NAMES: readonly LocalAsk["do"][] = [
  "scale",
  "set",
  "release",
  "freq",
  "caps",
  "freqs",
  "state",
  "policy",
  "policy-remove",
  "listen",
  "status",
];
/** Highest frequency taken, in kHz. */
const MAX_KHZ = 100_000_000;

type Fields = Readonly<Record<string, unknown>>;

/** Returns what a JSON object asks, or the sentence that says what is wrong in it. */
export function parseLocalAsk(said: Fields): Result<LocalAsk, string> {
  const { do: what } = said;
  const name = NAMES.find((one) => one === what);
  if (name === undefined) return err(`"do" is ${show(what)}; it may be ${NAMES.join(", ")}.`);
  const allowed = ["id", "do", ...KEYS[name]];
  const stray = Object.keys(said).find((key) => !allowed.includes(key));
  if (stray !== undefined)
    return err(`${show(stray)} is unknown in "${name}"; it takes ${allowed.join(", ")}.`);
  switch (name) {
    case "status":
    case "listen":
    case "policy-remove":
      return ok({ do: name });
    case "policy": {
      const policy = parsePolicy(said["policy"]);
      return policy.ok ? ok({ do: name, policy: policy.value }) : policy;
    }
  }
  const vcpus = parseVcpus(said["vcpus"], name === "freq" || name === "caps" || name === "release");
  if (!vcpus.ok) return vcpus;
  if (name === "freq" || name === "caps" || name === "freqs" || name === "state") {
    return ok({ do: name, vcpus: vcpus.value });
  }
  const keep = parseYes("keep", said["keep"]);
  if (!keep.ok) return keep;
  if (name === "release") return ok({ do: name, vcpus: vcpus.value, keep: keep.value });
  if (name === "scale") {
    const step = STEPS.find((one) => one === said["step"]);
    if (step === undefined) return err(`"step" is ${show(said["step"])}; it may be ${STEPS.join(", ")}.`);
    return ok({ do: name, vcpus: vcpus.value, step, keep: keep.value });
  }
  const turbo = parseYes("turbo", said["turbo"]);
  if (!turbo.ok) return turbo;
  const khz = parseWhole("khz", said["khz"], 1, MAX_KHZ);
  return khz.ok
    ? ok({ do: name, vcpus: vcpus.value, khz: khz.value, turbo: turbo.value, keep: keep.value })
    : khz;
}

/** All vCPUs a release can name. */
const EVERY = Array.from({ length: MAX_CPUS }, (_, i) => i);

const KEYS: Readonly<Record<LocalAsk["do"], readonly string[]>> = {
  scale: ["vcpus", "step", "keep"],
  set: ["vcpus", "khz", "turbo", "keep"],
  release: ["vcpus", "keep"],
  freq: ["vcpus"],
  caps: ["vcpus"],
  freqs: ["vcpus"],
  state: ["vcpus"],
  policy: ["policy"],
  "policy-remove": [],
  listen: [],
  status: [],
};

/** A number, a list of them, or a list as the kernel writes it; `optional` when leaving it out means all. */
function parseVcpus(said: unknown, optional: boolean): Result<readonly number[], string> {
  if (said === undefined && optional) return ok(EVERY);
  const text = Array.isArray(said) ? said.join(",") : typeof said === "number" ? String(said) : said;
  const list = typeof text === "string" ? parseCpuList(text) : err("");
  if (list.ok && list.value.length > 0) return ok(list.value);
  return err(`"vcpus" is ${show(said)}; write a number, [0,2] or "0,2-3".`);
}

function parseYes(key: string, said: unknown): Result<boolean, string> {
  if (said === undefined || typeof said === "boolean") return ok(said === true);
  return err(`"${key}" is ${show(said)}; it may be true or false.`);
}

function parseWhole(key: string, said: unknown, min: number, max: number): Result<number, string> {
  if (typeof said === "number" && Number.isInteger(said) && said >= min && said <= max) return ok(said);
  return err(`"${key}" is ${show(said)}; it may be a whole number from ${min} to ${max}.`);
}

function parsePolicy(said: unknown): Result<GuestPolicy, string> {
  if (typeof said !== "object" || said === null) return err('"policy" must be an object.');
  const given = said as Fields;
  const type = POLICY_TYPES.find((one) => one === given["type"]);
  if (type === undefined)
    return err(`"type" is ${show(given["type"])}; it may be ${POLICY_TYPES.join(", ")}.`);
  const workload = WORKLOADS.find((one) => one === (given["workload"] ?? "high"));
  if (workload === undefined)
    return err(`"workload" is ${show(given["workload"])}; it may be ${WORKLOADS.join(", ")}.`);
  const vcpus = parseVcpus(given["vcpus"], false);
  if (!vcpus.ok) return vcpus;
  if (vcpus.value.length > MAX_V1_VCPUS)
    return err(`"vcpus" has ${vcpus.value.length} entries; a policy has room for ${MAX_V1_VCPUS}.`);
  if ((vcpus.value.at(-1) ?? 0) > 255)
    return err(`"vcpus" is ${formatCpuList(vcpus.value)}; a policy takes 0 to 255.`);
  const hours: number[][] = [];
  for (const key of ["busyHours", "quietHours", "trafficHours"]) {
    const list = parseHours(key, given[key]);
    if (!list.ok) return list;
    hours.push(list.value);
  }
  const [busyHours = [], quietHours = [], trafficHours = []] = hours;
  const macs = given["macs"] ?? [];
  if (
    !Array.isArray(macs) ||
    macs.length > 10 ||
    !macs.every((mac) => typeof mac === "string" && MAC.test(mac))
  )
    return err(`"macs" is ${show(macs)}; write at most 10 such as "52:54:00:12:34:56".`);
  const avg = parseWhole("avg", given["avg"] ?? 0, 0, 0xffff_ffff);
  if (!avg.ok) return avg;
  const max = parseWhole("max", given["max"] ?? 0, 0, 0xffff_ffff);
  if (!max.ok) return max;
  return ok({
    type,
    vcpus: vcpus.value,
    macs: macs.map((mac: string) => mac.toLowerCase()),
    traffic: { min: 0, avg: avg.value, max: max.value },
    busyHours,
    quietHours,
    trafficHours,
    workload,
    turbo: given["turbo"] === true,
  });
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

function parseHours(key: string, said: unknown): Result<number[], string> {
  if (said === undefined) return ok([]);
  const whole = (hour: unknown) => Number.isInteger(hour) && Number(hour) >= 0 && Number(hour) <= 23;
  if (Array.isArray(said) && said.every(whole)) return ok(said.map(Number));
  return err(`"${key}" is ${show(said)}; write hours from 0 to 23 such as [17,18].`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 80);
}
