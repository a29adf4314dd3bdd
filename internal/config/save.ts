// What --save keeps of a VM's settings: the one drop-in that the program writes itself.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeWholeFile } from "../os/whole-file.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { ConfigProblem } from "./problem.ts";
import { judge, parseTable, readTable } from "./read.ts";
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
 * are laid over key by key. Returns the path written. The new file is there whole or not at all, and synced. Errors: what is wrong with
 * the file that is there, with the changes, or with the folder; then nothing was changed.
 */
export function saveVm(dropInDir: string, vm: string, changes: VmChanges): Result<string, ConfigProblem[]> {
  const draft = draftSaved(dropInDir, vm, changes);
  if (!draft.ok) return draft;
  const { file, text } = draft.value;
  const written = writeWholeFile(file, text, { mode: 0o644, folderMode: 0o755 });
  if (written.ok) return ok(file);
  const wrong = `Cannot write it: ${written.error.code}`;
  return err([{ file, key: "", wrong, right: "Make its folder writable for powermon." }]);
}

/** Returns the drop-in as saveVm() would write it; nothing is written. Errors: as saveVm(), but for what the folder does not take. */
export function draftSaved(
  dropInDir: string,
  vm: string,
  changes: VmChanges,
): Result<{ readonly file: string; readonly text: string }, ConfigProblem[]> {
  const file = join(dropInDir, SAVED);
  const old = existsSync(file) ? readTable(file) : undefined;
  if (old?.ok === false) return old;
  const judgedOld = old && judge(file, old.value.raw, old.value.text);
  if (judgedOld?.ok === false) return judgedOld;
  // As written, not as understood: "08:30" is a number by then.
  const says: Written = old?.value.raw ?? {};
  const vms = says.vm ?? {};
  const section = layOver(Object.hasOwn(vms, vm) ? (vms[vm] ?? {}) : {}, changes);
  const { [vm]: _, ...others } = vms;
  const all = Object.keys(section).length > 0 ? { ...vms, [vm]: section } : others;
  const text = HEAD + Bun.TOML.stringify({ ...says, vm: all });
  const table = parseTable(file, text);
  const judged = table.ok ? judge(file, table.value.raw) : table;
  return judged.ok ? ok({ file, text }) : judged;
}

/** Returns a VM's section with `changes` laid over it: pins and rate key by key, anything else whole; undefined takes a key out. */
export function layOver(section: object, changes: object): object {
  const laid = assigned(section, changes);
  for (const key of LAID_OVER) {
    if (!Object.hasOwn(changes, key) || laid[key] === undefined) continue;
    const inner = assigned((section as Readonly<Record<string, object>>)[key] ?? {}, laid[key] as object);
    if (Object.keys(inner).length > 0) laid[key] = inner;
    else delete laid[key];
  }
  return laid;
}

function assigned(values: object, changes: object): Record<string, unknown> {
  const entries = Object.entries({ ...values, ...changes });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
