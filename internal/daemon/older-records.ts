// What an older powermon has saved in this boot: it kept it in the state folder, and a crash or an upgrade must not lose it.

import { existsSync, rmSync } from "node:fs";
import { lockHolder } from "../os/lock.ts";
import { sweepLeftovers, writeWholeFile } from "../os/whole-file.ts";
import { readRecordText } from "../sysfs/boot-record.ts";
import { listFolder, listNumbered } from "../sysfs/numbered.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { olderDirOf } from "./instance.ts";

/** How the folder of a start's copy of a clock begins. */
export const COPY_PREFIX = "warm-up-";

/**
 * Moves what is saved in the older place of `stateDir` into it, and removes what killed processes left half written in both. A record
 * that is there already was saved first, so it stays. Nobody else may be at work. Errors: what could not be moved; it stays for another try.
 */
export function takeUpRecords(stateDir: string): readonly SysfsError[] {
  const older = olderDirOf(stateDir);
  for (const folder of older === undefined ? [stateDir] : [stateDir, older]) {
    for (const path of [folder, `${folder}/originals`, `${folder}/powermon.d`]) sweepLeftovers(path);
    // Copies of a clock that a start was killed over.
    const names = listFolder(folder);
    for (const name of names.ok ? names.value : []) {
      if (name.startsWith(COPY_PREFIX)) rmSync(`${folder}/${name}`, { recursive: true, force: true });
    }
  }
  return older === undefined ? [] : moveRecords(older, stateDir);
}

function moveRecords(from: string, to: string): readonly SysfsError[] {
  const domains = listNumbered(`${from}/originals`, "policy", ".json");
  if (!domains.ok) return [domains.error];
  const names = domains.value.map((id) => `originals/policy${id}.json`);
  const failed: SysfsError[] = [];
  for (const name of ["profile.json", ...names]) {
    const text = readRecordText(`${from}/${name}`);
    if (!text.ok) failed.push(text.error);
    if (!text.ok || text.value === undefined) continue;
    const kept = existsSync(`${to}/${name}`)
      ? undefined
      : writeWholeFile(`${to}/${name}`, text.value, { synced: false });
    if (kept?.ok === false) failed.push(kept.error);
    else remove(`${from}/${name}`, failed);
  }
  for (const lock of ["running.json", "profile.lock", "suspend.lock"]) {
    if (lockHolder(`${from}/${lock}`) === undefined) remove(`${from}/${lock}`, failed);
  }
  return failed;
}

function remove(path: string, failed: SysfsError[]): void {
  try {
    rmSync(path, { force: true });
  } catch (thrown) {
    failed.push(sysfsError("write", path, thrown));
  }
}
