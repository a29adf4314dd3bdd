// What a program may ask the agent: a line of its socket is read here, and nothing that is wrong in it goes further.

import { formatCpuList, MAX_CPUS, parseCpuList } from "../../values/cpulist.ts";
import { type Step, STEPS } from "../../values/frequency.ts";
import { type GuestPolicy, MAX_V1_VCPUS, POLICY_TYPES, WORKLOADS } from "../../values/request.ts";
import { err, ok, type Result } from "../../values/result.ts";

/** What one line of a program asks, and how long the host may take for an answer, in ms, where it says that. */
export type LocalAsk = Asked & { readonly timeoutMs?: number };

/** `keep` makes the claim outlive the connection: the one-shot commands' claims are one holder's. */
type Asked =
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

/** Highest frequency taken, in kHz. */
const MAX_KHZ = 100_000_000;

/** Longest wait for an answer, in ms. */
const MAX_TIMEOUT_MS = 60_000;

type Fields = Readonly<Record<string, unknown>>;
type Part<T> = (said: unknown) => Result<T, string>;
/** What is asked by the word `D`. */
type AskOf<D, A = LocalAsk> = A extends { readonly do: infer Word } ? (D extends Word ? A : never) : never;
/** How each member of an ask is read. */
type Parts<A> = { readonly [K in Exclude<keyof A, "do" | "timeoutMs">]: Part<A[K]> };

const some: Part<readonly number[]> = (said) => parseVcpus(said, false);
const any: Part<readonly number[]> = (said) => parseVcpus(said, true);
const keep: Part<boolean> = (said) => parseYes("keep", said);
/** The compiler holds it complete. */
const ASKS: { readonly [D in LocalAsk["do"]]: Parts<AskOf<D>> } = {
  scale: { vcpus: some, step: (said) => parseWord("step", said, STEPS), keep },
  set: {
    vcpus: some,
    khz: (said) => parseWhole("khz", said, 1, MAX_KHZ),
    turbo: (said) => parseYes("turbo", said),
    keep,
  },
  release: { vcpus: any, keep },
  freq: { vcpus: any },
  caps: { vcpus: any },
  freqs: { vcpus: some },
  state: { vcpus: some },
  policy: { policy: parsePolicy },
  "policy-remove": {},
  listen: {},
  status: {},
};

/** Returns what a JSON object asks, or the sentence that says what is wrong in it. */
export function parseLocalAsk(said: Fields): Result<LocalAsk, string> {
  const name = parseWord("do", said["do"], Object.keys(ASKS) as LocalAsk["do"][]);
  if (!name.ok) return name;
  const parts: Readonly<Record<string, Part<unknown>>> = ASKS[name.value];
  const allowed = ["id", "do", "timeoutMs", ...Object.keys(parts)];
  const stray = Object.keys(said).find((key) => !allowed.includes(key));
  if (stray !== undefined)
    return err(`${show(stray)} is unknown in "${name.value}"; it takes ${allowed.join(", ")}.`);
  const asked: Record<string, unknown> = { do: name.value };
  if (said["timeoutMs"] !== undefined) {
    const wait = parseWhole("timeoutMs", said["timeoutMs"], 1, MAX_TIMEOUT_MS);
    if (!wait.ok) return wait;
    asked["timeoutMs"] = wait.value;
  }
  for (const [key, read] of Object.entries(parts)) {
    const part = read(said[key]);
    if (!part.ok) return part;
    asked[key] = part.value;
  }
  return ok(asked as LocalAsk);
}

/** All vCPUs a release can name. */
const EVERY = Array.from({ length: MAX_CPUS }, (_, i) => i);

/** A number, a list of them, or a list as the kernel writes it; `optional` when leaving it out means all. */
function parseVcpus(said: unknown, optional: boolean): Result<readonly number[], string> {
  if (said === undefined && optional) return ok(EVERY);
  const text = Array.isArray(said) ? said.join(",") : typeof said === "number" ? String(said) : said;
  const list = typeof text === "string" ? parseCpuList(text) : err("");
  if (list.ok && list.value.length > 0) return ok(list.value);
  return err(`"vcpus" is ${show(said)}; write a number, [0,2] or "0,2-3".`);
}

function parseWord<const T extends string>(
  key: string,
  said: unknown,
  words: readonly T[],
): Result<T, string> {
  const word = words.find((one) => one === said);
  return word === undefined ? err(`"${key}" is ${show(said)}; it may be ${words.join(", ")}.`) : ok(word);
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
  const type = parseWord("type", given["type"], POLICY_TYPES);
  if (!type.ok) return type;
  const workload = parseWord("workload", given["workload"] ?? "high", WORKLOADS);
  if (!workload.ok) return workload;
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
    type: type.value,
    vcpus: vcpus.value,
    macs: macs.map((mac: string) => mac.toLowerCase()),
    traffic: { min: 0, avg: avg.value, max: max.value },
    busyHours,
    quietHours,
    trafficHours,
    workload: workload.value,
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
