// What --save keeps: without it every change made at run time would be gone with the next start.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../values/result.ts";
import type { ConfigProblem } from "./problem.ts";
import { judge, readConfigFile, readTable } from "./read.ts";
import type { VmSection } from "./schema.ts";

/** The one drop-in that the program writes; its name sorts after numbered ones. */
const SAVED = "saved.toml";
const HEAD =
  "# Written by powermon --save. It lies over /etc/powermon/powermon.toml; remove it to go back to that.\n\n";

/** Tables of which a change may say a part. */
const LAID_OVER: ReadonlySet<string> = new Set<keyof VmSection>(["pins", "rate"]);

/** A file that was judged, as it is written. */
interface Written {
  readonly vm?: Readonly<Record<string, object>>;
}

/** Changes to a VM's settings; undefined takes a key out of what was saved. */
export type VmChanges = { readonly [K in keyof VmSection]?: VmSection[K] | undefined };

/**
 * Writes `changes` into the section of `vm` in the saved drop-in, the rest of which stays as it was written; pins and rate
 * are laid over key by key. Returns the path written. The new file is there whole or not at all. Errors: what is wrong with
 * the file that is there, with the changes, or with the folder; then nothing was changed.
 */
export function saveVm(dropInDir: string, vm: string, changes: VmChanges): Result<string, ConfigProblem[]> {
  const file = join(dropInDir, SAVED);
  const old = existsSync(file) ? readTable(file) : undefined;
  if (old?.ok === false) return old;
  const judgedOld = old && judge(file, old.value.raw, old.value.text);
  if (judgedOld?.ok === false) return judgedOld;
  // As written, not as understood: "08:30" is a number by then.
  const says: Written = old?.value.raw ?? {};
  const vms = says.vm ?? {};
  const section: Record<string, object | string | number | boolean> = Object.hasOwn(vms, vm)
    ? { ...vms[vm] }
    : {};
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete section[key];
    else section[key] = LAID_OVER.has(key) ? Object.assign({}, section[key], value) : value;
  }
  const temporary = `${file}.new`;
  try {
    mkdirSync(dropInDir, { recursive: true, mode: 0o755 });
    writeWhole(temporary, HEAD + Bun.TOML.stringify({ ...says, vm: { ...vms, [vm]: section } }));
    const judged = readConfigFile(temporary);
    if (!judged.ok) {
      rmSync(temporary, { force: true });
      return err(judged.error.map(({ key, wrong, right }) => ({ file, key, wrong, right })));
    }
    renameSync(temporary, file);
  } catch (cause) {
    const wrong = `Cannot write it: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`;
    return err([{ file, key: "", wrong, right: "Make its folder writable for powermon." }]);
  }
  return ok(file);
}

function writeWhole(path: string, text: string): void {
  const fd = openSync(path, "w", 0o644);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
