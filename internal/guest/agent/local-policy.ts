// A policy as a program writes it to the agent: keys and words as the flags of `vmpower-guest policy send`.

import { formatCpuList, parseCpuList } from "../../values/cpulist.ts";
import { type GuestPolicy, MAX_V1_VCPUS, POLICY_TYPES, WORKLOADS } from "../../values/request.ts";
import { err, ok, type Result } from "../../values/result.ts";
import { guestPolicy, MAC, MAX_MACS, MAX_RATE, type SaidPolicy } from "../guest-policy.ts";
import { type Fields, parseVcpus, parseWhole, parseWord, parseYes, show } from "./local-word.ts";

type Reader<T> = (key: string, said: unknown) => Result<T, string>;
const orNone =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (key, said) =>
    said === undefined ? ok(undefined) : read(key, said);

/** How each key is read. The compiler holds it complete. */
const READERS: { readonly [K in keyof SaidPolicy]-?: Reader<SaidPolicy[K]> } = {
  type: (key, said) =>
    parseWord(key, typeof said === "string" ? said.toLowerCase().replace("_", "-") : said, POLICY_TYPES),
  vcpus: parsePolicyVcpus,
  busyHours: orNone(parseHours),
  quietHours: orNone(parseHours),
  trafficHours: orNone(parseHours),
  mac: orNone(parseMacs),
  avg: orNone((key, said) => parseWhole(key, said, 0, MAX_RATE)),
  max: orNone((key, said) => parseWhole(key, said, 0, MAX_RATE)),
  workload: orNone((key, said) => parseWord(key, said, WORKLOADS)),
  turbo: parseYes,
};

/** Returns the policy that `said`, a member of a line, describes. Errors: the sentence that says what is wrong in it. */
export function parseLocalPolicy(said: unknown): Result<GuestPolicy, string> {
  if (typeof said !== "object" || said === null || Array.isArray(said))
    return err('"policy" must be an object.');
  const given = said as Fields;
  const stray = Object.keys(given).find((key) => !Object.hasOwn(READERS, key));
  if (stray !== undefined)
    return err(`${show(stray)} is unknown in "policy"; it takes ${Object.keys(READERS).join(", ")}.`);
  const read: Record<string, unknown> = {};
  for (const [key, reader] of Object.entries(READERS)) {
    const value = (reader as Reader<unknown>)(key, given[key]);
    if (!value.ok) return value;
    read[key] = value.value;
  }
  const policy = read as unknown as SaidPolicy;
  return guestPolicy(policy, { key: (key) => `"${key}"`, kind: `"type" ${show(policy.type)}` });
}

function parsePolicyVcpus(key: string, said: unknown): Result<readonly number[], string> {
  const vcpus = parseVcpus(said, false);
  if (!vcpus.ok) return vcpus;
  if (vcpus.value.length > MAX_V1_VCPUS)
    return err(`"${key}" has ${vcpus.value.length} entries; a policy has room for ${MAX_V1_VCPUS}.`);
  if ((vcpus.value.at(-1) ?? 0) > 255)
    return err(`"${key}" is ${formatCpuList(vcpus.value)}; a policy takes 0 to 255.`);
  return vcpus;
}

/** Hours as a list of numbers, or as the flag takes them. */
function parseHours(key: string, said: unknown): Result<readonly number[], string> {
  const text = Array.isArray(said) ? said.join(",") : said;
  const list = typeof text === "string" ? parseCpuList(text) : err("");
  if (list.ok && list.value.length > 0 && (list.value.at(-1) ?? 0) <= 23) return list;
  return err(`"${key}" is ${show(said)}; write hours from 0 to 23 such as [17,18] or "8-11,13-17".`);
}

/** Addresses as a list, or as the flag takes them. */
function parseMacs(key: string, said: unknown): Result<readonly string[], string> {
  const list: readonly unknown[] =
    typeof said === "string" ? said.split(",") : Array.isArray(said) ? said : [];
  const macs = list.map((mac) => String(mac).toLowerCase());
  if (macs.length > 0 && macs.length <= MAX_MACS && macs.every((mac) => MAC.test(mac))) return ok(macs);
  return err(`"${key}" is ${show(said)}; write 1 to ${MAX_MACS} such as "52:54:00:12:34:56".`);
}
