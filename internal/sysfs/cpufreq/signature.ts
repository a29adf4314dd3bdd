// What tells by itself that CPUs, drivers or frequencies may have changed, few enough files to be read every other second.

import { AttrDir } from "../attr.ts";
import { PERCENT } from "../driver/intel.ts";
import { domainFolder, FILE, listDomains } from "./files.ts";

/** Files of the whole machine that move those of its domains. */
const MACHINE = [
  "online",
  "intel_pstate/status",
  "intel_pstate/no_turbo",
  ...Object.values(PERCENT),
  "amd_pstate/status",
  "cpufreq/boost",
] as const;

/** Files that are there and what they said. */
export type Signature = ReadonlyMap<string, string>;

/** Reads the signature of a machine; a domain's own switch of turbo is no part of it. */
export function readSignature(cpuRoot: string): Signature {
  const ids = listDomains(cpuRoot);
  const domains = ids.ok ? ids.value : [];
  const [first] = domains;
  const files: string[] = [...MACHINE];
  if (first !== undefined) files.push(`${domainFolder(first)}/${FILE.driver}`);
  const said = readAll(cpuRoot, files);
  return new Map([["domains", domains.join()], ...said]);
}

/** Returns whether the machine no longer says `signature`. A file that was absent is not looked for again: it comes with a driver or a domain. */
export function hasChanged(cpuRoot: string, signature: Signature): boolean {
  const ids = listDomains(cpuRoot);
  if ((ids.ok ? ids.value : []).join() !== signature.get("domains")) return true;
  const files = [...signature.keys()].filter((file) => file !== "domains");
  const now = new Map(readAll(cpuRoot, files));
  return files.some((file) => now.get(file) !== signature.get(file));
}

/** An unreadable file, as an offline CPU's, has nothing to say. */
function readAll(cpuRoot: string, files: readonly string[]): [string, string][] {
  const dir = new AttrDir(cpuRoot);
  return files.flatMap((file): [string, string][] => {
    const line = dir.read(file);
    if (line.ok && line.value === undefined) return [];
    return [[file, line.ok ? (line.value ?? "") : line.error.code]];
  });
}
