// What planning a profile gathers: attributes to set, what moves with them, and what can't be had.

import type { Attribute } from "../../../sysfs/attribute.ts";
import { explainSysfs, type SysfsError } from "../../../values/sysfs-error.ts";
import type { DomainId } from "../../../values/units.ts";
import type { Setting } from "../setting.ts";

/** A value that the kernel holds otherwise. */
export interface Rounded {
  readonly path: string;
  /** What was asked; "no limit" for none. */
  readonly asked: string;
  readonly held: string;
}

/** Something of the profile that can't be had. */
export interface Lack {
  readonly knob: string;
  /** Such as domain 0, CPU 3 or the machine. */
  readonly where: string;
  readonly why: string;
  /** The kernel keeps it for good reason: it is told, and speaks against no profile. */
  readonly stays?: true;
}

/** What is found out about one profile on one machine. */
export class Draft {
  readonly settings: Setting[] = [];
  /** Attributes that change by themselves when the settings are written: saved with them. */
  readonly sideEffects: Attribute[] = [];
  /** Domains whose governor-to-be keeps EPP where it is. */
  readonly holdsEpp = new Set<DomainId>();
  /** Turbo is turned on before all else, so that no number above what the hardware has now can be judged yet. */
  turboRises = false;
  /** Limits that were brought within the driver's for all CPUs. */
  readonly rounded: Rounded[] = [];
  /** Knobs that this machine lacks. */
  readonly lacking: Lack[] = [];
  /** What makes the profile impossible, whatever may be left out. */
  readonly problems: Lack[] = [];

  set(attribute: Attribute, text: string | number, unlimited = false): void {
    this.settings.push({ attribute, text: `${text}`, ...(unlimited && { unlimited }) });
  }

  lacks(knob: string, where: string, why: string): void {
    this.lacking.push({ knob, where, why });
  }

  fails(knob: string, where: string, why: string | SysfsError): void {
    this.problems.push({ knob, where, why: typeof why === "string" ? why : explainSysfs(why) });
  }
}

/** Returns what moves with a domain's governor and limits; its speed is one of them under governor userspace only. */
export const movesWith = (domain: DomainId, governor: string | undefined): Attribute[] => [
  { knob: "governor", domain },
  { knob: "floor", domain },
  { knob: "ceiling", domain },
  ...(governor === "userspace" ? [{ knob: "speed", domain } as const] : []),
];
