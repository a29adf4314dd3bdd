// What a VM brings along in its libvirt definition: settings that follow it from host to host, under this host's own words on it.

import * as v from "valibot";
import { err, ok, type Result } from "../values/result.ts";
import type { Layer } from "./merge.ts";
import type { ConfigProblem } from "./problem.ts";
import { judge, readTable } from "./read.ts";
import type { VmSection } from "./schema.ts";

/** What may be brought along. What a guest may ask and how often is for each host to say, and where it runs is libvirt's. */
const CARRIED_KEYS = [
  "floor",
  "ceiling",
  "turbo",
  "lease_s",
  "priority",
] as const satisfies readonly (keyof VmSection)[];

/**
 * Returns what the attributes of a VM's element say, as a layer of settings. Errors: each problem, and then nothing of it is to be taken.
 * @param said names as the configuration has them; numbers are digits, yes and no are true and false
 */
export function readCarried(vm: string, said: ReadonlyMap<string, string>): Result<Layer, ConfigProblem[]> {
  const file = `libvirt's definition of ${JSON.stringify(vm)}`;
  const unknown = [...said.keys()].find((key) => !CARRIED_KEYS.some((one) => one === key));
  if (unknown !== undefined) {
    const right = `It may say ${CARRIED_KEYS.join(", ")}.`;
    return err([{ file, key: unknown.slice(0, 64), wrong: "is nothing that a VM can bring along", right }]);
  }
  const section = Object.fromEntries([...said].map(([key, text]) => [key, valueOf(text)]));
  const judged = judge(file, { vm: { [vm]: section } });
  return judged.ok ? ok({ from: "carried", read: judged.value }) : judged;
}

function valueOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^\d{1,10}$/.test(text) ? Number(text) : text;
}

const cacheSchema = v.record(v.string(), v.record(v.string(), v.string()));

/** Returns the text of a cache of what VMs brought along, for readCache(). */
export function cacheOf(said: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  return JSON.stringify(Object.fromEntries([...said].map(([vm, one]) => [vm, Object.fromEntries(one)])));
}

/** Returns what the cache in `file` holds, nothing where there is none or it is broken. */
export function readCache(file: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const written = readTable(file);
  const parsed = v.safeParse(cacheSchema, written.ok ? written.value.raw : {});
  const cached = parsed.success ? parsed.output : {};
  return new Map(Object.entries(cached).map(([vm, said]) => [vm, new Map(Object.entries(said))]));
}
