// Every attribute that a profile can set: whose it is, what it is for, and its path there and back.

import { type DomainId, domainId, type Pcpu, pcpu } from "../values/units.ts";
import { domainFolder, FILE } from "./cpufreq/files.ts";
import { idleStatePath } from "./cpuidle.ts";
import type { TurboFile } from "./driver/driver.ts";
import { DRIVERS } from "./driver/index.ts";
import { epbPath } from "./energy-bias.ts";
import { IRQ_DEFAULT, irqPath } from "./irq.ts";
import { PLATFORM_FILE } from "./platform.ts";
import { type PstateDriver, pstateModePath } from "./driver/pstate-mode.ts";
import { resumeLatencyPath } from "./resume-latency.ts";
import { isUncore, uncorePath } from "./uncore.ts";

/** Files that the machine has once, from the folder of CPUs on. */
const MACHINE_FILE = { ...PLATFORM_FILE, "irq default": IRQ_DEFAULT } as const;

const CLOCK_KNOBS = ["governor", "floor", "ceiling", "speed", "epp"] as const;

/** One attribute; `file` is a switch of the whole machine, from the folder of CPUs on. */
export type Attribute =
  | { readonly knob: "boost"; readonly file: string }
  | { readonly knob: "boost"; readonly domain: DomainId }
  | { readonly knob: (typeof CLOCK_KNOBS)[number]; readonly domain: DomainId }
  | { readonly knob: "epb" | "latency"; readonly cpu: Pcpu }
  | { readonly knob: "idle state"; readonly cpu: Pcpu; readonly state: number }
  | { readonly knob: "uncore floor" | "uncore ceiling"; readonly uncore: string }
  | { readonly knob: "irq"; readonly irq: number }
  | { readonly knob: "pstate mode"; readonly driver: PstateDriver }
  | { readonly knob: keyof typeof MACHINE_FILE };

export type BoostAttribute = Extract<Attribute, { readonly knob: "boost" }>;

/** What an attribute is for. */
export type Knob = Attribute["knob"];

/** Returns a driver's switch of turbo, the one for `domain` where each has its own. */
export const boostAttribute = ({ file }: TurboFile, domain: DomainId): BoostAttribute =>
  file === undefined ? { knob: "boost", domain } : { knob: "boost", file };

/** Returns where `attribute` is, from the folder of CPUs on; no two have the same place. */
export function pathOf(attribute: Attribute): string {
  if ("file" in attribute) return attribute.file;
  if ("domain" in attribute) return `${domainFolder(attribute.domain)}/${FILE[attribute.knob]}`;
  if ("uncore" in attribute)
    return uncorePath(attribute.uncore, attribute.knob === "uncore floor" ? "min" : "max");
  if ("state" in attribute) return `${idleStatePath(attribute.cpu, attribute.state)}/disable`;
  if ("irq" in attribute) return irqPath(attribute.irq);
  if ("driver" in attribute) return pstateModePath(attribute.driver);
  if (!("cpu" in attribute)) return MACHINE_FILE[attribute.knob];
  return attribute.knob === "epb" ? epbPath(attribute.cpu) : resumeLatencyPath(attribute.cpu);
}

/** Returns the attribute at `path`, from the folder of CPUs on; undefined for any other file: a saved path leads nowhere else. */
export function parseAttribute(path: string): Attribute | undefined {
  const [first = 0, second = 0] = (path.match(/\d+/g) ?? []).map(Number);
  const [, uncore = ""] = path.split("/");
  const cpu = pcpu(first);
  const domain = domainId(first);
  const candidates: Attribute[] = [
    ...DRIVERS.flatMap(({ turbo }) => turbo.map((one) => boostAttribute(one, domain))),
    ...CLOCK_KNOBS.map((knob) => ({ knob, domain })),
    { knob: "epb", cpu },
    { knob: "latency", cpu },
    { knob: "idle state", cpu, state: second },
    { knob: "platform profile" },
    { knob: "halt poll" },
    { knob: "irq", irq: first },
    { knob: "irq default" },
    { knob: "pstate mode", driver: "intel_pstate" },
    { knob: "pstate mode", driver: "amd_pstate" },
  ];
  if (isUncore(uncore)) candidates.push({ knob: "uncore floor", uncore }, { knob: "uncore ceiling", uncore });
  return candidates.find((one) => pathOf(one) === path);
}
