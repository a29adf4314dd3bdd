// What restoring the clocks would change: read, and nothing written.

import { err, ok, type Result } from "../../values/result.ts";
import type { SysfsError } from "../../values/sysfs-error.ts";
import type { DomainId } from "../../values/units.ts";
import type { AttrDir } from "../attr.ts";
import { domainDir, FILE } from "./files.ts";
import { cpuRootOf, type Roots } from "./originals.ts";
import { type Originals, OriginalsStore } from "./store.ts";

/** An attribute of a clock as it is and as it would be; without `found`, one that can't be read now. */
interface ForeseenAttribute {
  readonly path: string;
  readonly found: string | undefined;
  readonly wanted: string;
}

/** What restoreAll() would do. */
export interface ForeseenRestore {
  readonly attributes: readonly ForeseenAttribute[];
  /** Saved in another boot: they would be forgotten. */
  readonly stale: readonly DomainId[];
  readonly failed: readonly SysfsError[];
}

/** Reads what restoreAll() would put back. */
export function foreseeRestore(roots: Roots): ForeseenRestore {
  const store = new OriginalsStore(roots.stateDir, roots.procRoot);
  const attributes: ForeseenAttribute[] = [];
  const stale: DomainId[] = [];
  const failed: SysfsError[] = [];
  const ids = store.list();
  if (!ids.ok) return { attributes, stale, failed: [ids.error] };
  for (const id of ids.value) {
    const saved = store.load(id);
    if (!saved.ok) failed.push(saved.error);
    else if (saved.value.state === "stale") stale.push(id);
    else if (saved.value.state === "saved") {
      const found = foreseeDomain(domainDir(cpuRootOf(roots), id), saved.value.originals);
      if (found.ok) attributes.push(...found.value);
      else failed.push(found.error);
    }
  }
  return { attributes, stale, failed };
}

/** Returns what restoreDomain() would change. Errors: as the governor's file. */
function foreseeDomain(
  dir: AttrDir,
  { driver, governor, min, max, noMin, noMax, setspeed }: Originals,
): Result<readonly ForeseenAttribute[], SysfsError> {
  const now = dir.read(FILE.governor);
  if (!now.ok) return err(now.error);
  const isOther = driver !== undefined && (dir.peek(FILE.driver) ?? driver) !== driver;
  if (isOther) return ok([]);
  const least = noMin ? dir.peek(FILE.least) : undefined;
  const greatest = noMax ? dir.peek(FILE.greatest) : undefined;
  const wanted: [string, string | undefined][] = [
    [FILE.floor, least ?? `${min}`],
    [FILE.ceiling, greatest ?? `${max}`],
    [FILE.governor, governor],
    [FILE.speed, setspeed === undefined ? undefined : `${setspeed}`],
  ];
  return ok(
    wanted.flatMap(([file, text]) => {
      const found = dir.peek(file);
      return text === undefined || text === found
        ? []
        : [{ path: `${dir.path}/${file}`, found, wanted: text }];
    }),
  );
}
