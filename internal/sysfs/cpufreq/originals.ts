// Putting a machine back as it was: without it the end of powermon would not be the end of its settings.

import { DONE, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import { domainDir, FILE } from "./files.ts";
import { writeLimits } from "./limits.ts";
import { type Originals, OriginalsStore } from "./store.ts";

/** Where the machine and the saved originals are. */
export interface Roots {
  /** Stands for /sys. */
  readonly sysfsRoot: string;
  /** Stands for /proc. */
  readonly procRoot: string;
  /** Where originals and whatever else means nothing after a reboot are kept, such as /run/powermon. */
  readonly stateDir: string;
}

/** Where the machine is. */
export type MachineRoots = Pick<Roots, "sysfsRoot" | "procRoot">;

/** What restoreAll did. */
export interface Restored {
  readonly restored: readonly DomainId[];
  readonly failed: readonly SysfsError[];
  /** Saved in another boot: the kernel has set them anew since, so they are forgotten. */
  readonly stale: readonly DomainId[];
}

/** Returns the folder that stands for /sys/devices/system/cpu. */
export const cpuRootOf = ({ sysfsRoot }: Pick<Roots, "sysfsRoot">): string =>
  `${sysfsRoot}/devices/system/cpu`;

/** Puts back every domain whose originals are saved; a file goes only after its domain is restored, so this may be repeated. */
export function restoreAll(roots: Roots): Restored {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  const restored: DomainId[] = [];
  const failed: SysfsError[] = [];
  const stale: DomainId[] = [];
  const ids = store.list();
  if (!ids.ok) return { restored, failed: [ids.error], stale };
  for (const id of ids.value) {
    const saved = store.load(id);
    const done =
      saved.ok && saved.value.state === "saved"
        ? restoreDomain(domainDir(cpuRootOf(roots), id), saved.value.originals)
        : saved;
    const forgotten = done.ok ? store.forget(id) : done;
    if (!forgotten.ok) failed.push(forgotten.error);
    else if (saved.ok) (saved.value.state === "stale" ? stale : restored).push(id);
  }
  return { restored, failed, stale };
}

/**
 * Writes `originals` to the domain in `dir`: limits, governor, then the speed, which only governor userspace takes. A failed step
 * doesn't stop the next ones; returns the first failure.
 */
export function restoreDomain(dir: AttrDir, originals: Originals): Result<void, SysfsError> {
  // The kernel made the domain anew for another driver, whose governors and limits mean something else.
  const driver = dir.peek(FILE.driver);
  if (originals.driver !== undefined && driver !== undefined && driver !== originals.driver) return DONE;
  const limits = writeLimits(dir, originals);
  const governor = dir.write(FILE.governor, originals.governor);
  const speed = originals.setspeed !== undefined ? dir.write(FILE.speed, `${originals.setspeed}`) : DONE;
  return [limits, governor, speed].find((step) => !step.ok) ?? DONE;
}
