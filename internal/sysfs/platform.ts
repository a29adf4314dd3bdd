// Power settings that the machine has beside its CPUs: the firmware's own profile, and how long KVM polls before a vCPU sleeps.

import { all, type Result } from "../values/result.ts";
import { AttrDir } from "./attr.ts";
import { readWords } from "./choice.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** Where they are, from the folder of CPUs on. Source: Documentation/userspace-api/sysfs-platform_profile.rst; Documentation/virt/kvm/halt-polling.rst. */
export const PLATFORM_FILE = {
  "platform profile": "../../../firmware/acpi/platform_profile",
  "halt poll": "../../../module/kvm/parameters/halt_poll_ns",
} as const;

/** What this machine has of them; undefined where it has none. */
export interface Platform {
  /** Words that the firmware takes, such as low-power, balanced, performance. */
  readonly profiles: readonly string[];
  readonly profile: string | undefined;
  /** Most nanoseconds that KVM polls after a vCPU has halted; 0 for not at all. Undefined without KVM. */
  readonly haltPollNs: number | undefined;
}

/** Reads what the machine has. Errors: as AttrDir.read. */
export function readPlatform(cpuRoot: string): Result<Platform, SysfsError> {
  const dir = new AttrDir(cpuRoot);
  return all({
    profiles: readWords(dir, `${PLATFORM_FILE["platform profile"]}_choices`),
    profile: dir.read(PLATFORM_FILE["platform profile"]),
    haltPollNs: dir.readNumber(PLATFORM_FILE["halt poll"]),
  });
}
