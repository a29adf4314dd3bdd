// Putting a machine's clocks back as they were before powermon.

import { DONE, err, ok, type Result } from "../../values/result.ts";
import type { DomainId, Khz } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import { notKept, type SysfsError } from "../../values/sysfs-error.ts";
import { domainDir, FILE } from "./files.ts";
import { readLimits, writeLimits } from "./limits.ts";
import { type Originals, OriginalsStore, type Saved } from "./store.ts";

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
    const done = restoreOne(roots, id, store);
    if (!done.ok) failed.push(done.error);
    else (done.value === "stale" ? stale : restored).push(id);
  }
  return { restored, failed, stale };
}

/** Puts back domain `id` where its originals are saved, and forgets them. Returns what was saved. Errors: as restoreDomain(). */
export function restoreOne(
  roots: Roots,
  id: DomainId,
  store = new OriginalsStore(roots.stateDir, roots.procRoot),
): Result<Saved["state"], SysfsError> {
  const saved = store.load(id);
  if (!saved.ok) return saved;
  const done =
    saved.value.state === "saved"
      ? restoreDomain(domainDir(cpuRootOf(roots), id), saved.value.originals)
      : DONE;
  const forgotten = done.ok ? store.forget(id) : done;
  return forgotten.ok ? ok(saved.value.state) : forgotten;
}

/**
 * Writes `originals` to the domain in `dir`: limits, governor, then the speed, which only governor userspace takes. A failed step
 * doesn't stop the next ones; returns the first failure. Errors: whatever the kernel answers; EIO for what it took and does not show.
 * @param told the kHz at which a claim held the limits, where that is known
 */
export function restoreDomain(dir: AttrDir, originals: Originals, told?: Khz): Result<void, SysfsError> {
  // The kernel made the domain anew for another driver, whose governors and limits mean something else.
  const driver = dir.peek(FILE.driver);
  if (originals.driver !== undefined && driver !== undefined && driver !== originals.driver) return DONE;
  const limits = writeLimits(dir, originals);
  const governor = dir.write(FILE.governor, originals.governor);
  const speed = originals.setspeed !== undefined ? dir.write(FILE.speed, `${originals.setspeed}`) : DONE;
  return [limits, governor, speed].find((step) => !step.ok) ?? readBack(dir, originals, told);
}

/** Readings of what was put back, a millisecond apart: a busy kernel shows the old for a moment. */
const READINGS = 20;

/** Reads whether `originals` are in force. A limit below the one put back is the kernel's own, as when it is too hot, but not one that a claim had. */
function readBack(dir: AttrDir, { governor, max, noMax }: Originals, told?: Khz): Result<void, SysfsError> {
  const shown = dir.peek(FILE.governor);
  if (shown !== governor) return err(notKept(`${dir.path}/${FILE.governor}`, governor, shown ?? "nothing"));
  const wanted = noMax ? (dir.peekNumber(FILE.greatest) ?? max) : max;
  for (let reading = 1; ; reading++) {
    const now = readLimits(dir);
    if (!now.ok) return now;
    const held = now.value.min === told && now.value.max === told && told !== wanted;
    if (!held && (noMax || now.value.max <= max)) return DONE;
    if (reading === READINGS) return err(notKept(`${dir.path}/${FILE.ceiling}`, `${wanted}`, now.value.max));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
