// What no single key shows: bounds that cross, limits that overlap, pins that float.

import { DEFAULTS, VM_DEFAULTS } from "./defaults.ts";
import { pcpusOf, vmConfig } from "./effective.ts";
import type { Merged } from "./merge.ts";
import { fleetFindings } from "./fleet-schema.ts";
import { policyOf, refuseZone } from "./policy.ts";
import { isLoopback, parseListen } from "../values/listen.ts";
import { type Finding, tomlKey } from "./problem.ts";
import type { Bound, VmSection } from "./schema.ts";
import { NAMED_BOUNDS } from "./shapes.ts";

/** Names longer than this can't stand whole in a guest's packet, in bytes. Source: DPDK RTE_POWER_VM_MAX_NAME_SZ, less the NUL. */
const MAX_WIRE_NAME = 31;

/** VMs with settings of their own, of all files together. */
const MAX_VMS = 4096;

/** Returns what is wrong with the files taken together. */
export function findErrors(merged: Merged): Finding[] {
  const { says } = merged;
  const vms = Object.keys(says.vm ?? {}).length;
  if (vms > MAX_VMS) {
    const right = `Keep them at ${MAX_VMS} at most; vm-defaults holds for all others.`;
    return [{ path: ["vm"], wrong: `has ${vms} VMs, all files together`, right }];
  }
  const found: Finding[] = [];
  for (const [list, { floor, ceiling }] of Object.entries(says.limits ?? {})) {
    found.push(...crossed(["limits", list], floor ?? "min", ceiling ?? "max", ceiling !== undefined));
  }
  for (const [name, { cpus = {} }] of Object.entries(says.profile ?? {})) {
    for (const [list, { floor, ceiling }] of Object.entries(cpus)) {
      if (floor === undefined || ceiling === undefined) continue;
      found.push(...crossed(["profile", name, "cpus", list], floor, ceiling, true));
    }
  }
  for (const section of ["profile-schedule", "budget"] as const) {
    const zone = says[section]?.timezone;
    for (const one of zone === undefined ? [] : refuseZone(zone))
      found.push({ ...one, path: [section, ...one.path] });
  }
  const shared = says["vm-defaults"] ?? {};
  const { floor = VM_DEFAULTS.floor, ceiling = VM_DEFAULTS.ceiling } = shared;
  found.push(...crossed(["vm-defaults"], floor, ceiling, shared.ceiling !== undefined));
  for (const [name, own] of Object.entries(says.vm ?? {})) {
    if (own.floor === undefined && own.ceiling === undefined) continue;
    const { floor, ceiling } = vmConfig(merged, name);
    found.push(...crossed(["vm", name], floor, ceiling, own.ceiling !== undefined));
  }
  for (const [name, { policy }] of Object.entries(says.vm ?? {})) {
    const judged = policy && policyOf(policy);
    if (judged?.ok !== false) continue;
    found.push(...judged.error.map((one) => ({ ...one, path: ["vm", name, "policy", ...one.path] })));
  }
  found.push(...fleetFindings(says.fleet));
  const address = parseListen(says.http?.listen ?? "");
  if (address !== undefined && !isLoopback(address.host) && says.http?.remote !== true) {
    found.push({
      path: ["http", "listen"],
      wrong: `is ${JSON.stringify(says.http?.listen)}, which other machines can reach, and nobody is asked who they are`,
      right: 'Write a loopback address, such as "127.0.0.1:9560", or set remote = true beside it.',
    });
  }
  return [...found, ...overlaps(Object.keys(says.limits ?? {})), ...floats(merged)];
}

/** Returns what is allowed and probably not meant. */
export function findWarnings({ says }: Merged): Finding[] {
  const found: Finding[] = [];
  const sources = says.pinning?.sources ?? DEFAULTS.pinning.sources;
  for (const [name, section] of Object.entries(says.vm ?? {})) {
    const bytes = Buffer.byteLength(name);
    if (bytes > MAX_WIRE_NAME) {
      found.push({
        path: ["vm", name],
        wrong: `has ${bytes} bytes, and a guest's packet carries ${MAX_WIRE_NAME}`,
        right:
          "Guests that name themselves are known by the beginning alone; a shorter name leaves no doubt.",
      });
    }
    if (section.pins !== undefined && !sources.includes("static")) {
      found.push({
        path: ["vm", name, "pins"],
        wrong: `is not looked at: pinning.sources is ${JSON.stringify(sources)}`,
        right: 'Add "static" to pinning.sources.',
      });
    }
  }
  return found;
}

function crossed(path: readonly string[], floor: Bound, ceiling: Bound, atCeiling: boolean): Finding[] {
  if (!isAbove(floor, ceiling)) return [];
  const [key, wrong] = atCeiling
    ? ["ceiling", `is ${JSON.stringify(ceiling)}, below the floor of ${JSON.stringify(floor)}`]
    : ["floor", `is ${JSON.stringify(floor)}, above the ceiling of ${JSON.stringify(ceiling)}`];
  return [{ path: [...path, key], wrong, right: "Write a floor that is not above its ceiling." }];
}

/** kHz and a name can be compared only on the machine itself. */
function isAbove(floor: Bound, ceiling: Bound): boolean {
  if (typeof floor === "number" && typeof ceiling === "number") return floor > ceiling;
  if (typeof floor === "number" || typeof ceiling === "number") return false;
  return NAMED_BOUNDS.indexOf(floor) > NAMED_BOUNDS.indexOf(ceiling);
}

function overlaps(lists: readonly string[]): Finding[] {
  const found: Finding[] = [];
  const first = new Map<number, string>();
  for (const list of lists) {
    const shared = pcpusOf(list).find((cpu) => first.has(cpu));
    if (shared !== undefined) {
      found.push({
        path: ["limits", list],
        wrong: `names CPU ${shared}, which limits.${tomlKey([first.get(shared) ?? ""])} names too`,
        right: "Name each CPU in one limit.",
      });
    }
    for (const cpu of pcpusOf(list)) first.set(cpu, first.get(cpu) ?? list);
  }
  return found;
}

function floats({ says }: Merged): Finding[] {
  if ((says.pinning?.floating ?? DEFAULTS.pinning.floating) === "all") return [];
  const found: Finding[] = [];
  const look = (path: readonly string[], { pins = {} }: VmSection) => {
    for (const [index, cpus] of Object.entries(pins)) {
      if (pcpusOf(cpus).length < 2) continue;
      found.push({
        path: [...path, "pins", index],
        wrong: `is ${JSON.stringify(cpus)}, and a vCPU that floats over several pCPUs is refused`,
        right: 'Pin it to one pCPU, or set pinning.floating = "all".',
      });
    }
  };
  look(["vm-defaults"], says["vm-defaults"] ?? {});
  for (const [name, section] of Object.entries(says.vm ?? {})) look(["vm", name], section);
  return found;
}
