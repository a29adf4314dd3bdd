// Whether a file that hung comes back now: what powermon does with it is done once more, by a process that may hang in it.

import { accessSync, constants } from "node:fs";
import { dirname, basename } from "node:path";
import { AttrDir } from "../attr.ts";
import { scopeOf } from "../calls.ts";
import { domainId } from "../../values/units.ts";
import { readHardware } from "./domain-state.ts";
import { FILE } from "./files.ts";
import { readOwnLimits, writeLimits } from "./limits.ts";
import { cpuRootOf, restoreOne, type Roots } from "./originals.ts";

/**
 * Reads the file at `path`, and writes it: a clock is put back as it was before powermon where that is saved, else it gets what it has,
 * as other files of CPUs do; what is not the CPUs' is read alone. It may never return, which is what is tried; how the calls end is no
 * matter.
 */
export function tryCall(roots: Roots, path: string): void {
  const cpuRoot = cpuRootOf(roots);
  const dir = new AttrDir(dirname(path));
  const name = basename(path);
  const policy = /\/policy(\d{1,5})\/$/.exec(scopeOf(path))?.[1];
  const now = dir.read(name);
  if (policy !== undefined) {
    const id = domainId(Number(policy));
    const back = restoreOne(roots, id);
    if (!back.ok || back.value !== "none") return;
    const governor = dir.peek(FILE.governor);
    const found = readHardware(cpuRoot, id);
    const own = found.ok ? readOwnLimits(dir, found.value.unset) : found;
    if (own.ok) writeLimits(dir, own.value);
    if (governor !== undefined) dir.write(FILE.governor, governor);
  } else if (path.startsWith(`${cpuRoot}/`) && now.ok && now.value !== undefined && isWritable(path)) {
    dir.write(name, now.value);
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
