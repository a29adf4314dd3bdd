// The fallback that a group counts for this host, kept over a restart: one that was raised since must wait, also while etcd is away.

import * as v from "valibot";
import { readOwnFile } from "../os/read-bounded.ts";
import { writeWholeFile } from "../os/whole-file.ts";
import { explainSysfs } from "../values/sysfs-error.ts";

const schema = v.object({
  group: v.string(),
  name: v.string(),
  watts: v.pipe(v.number(), v.integer(), v.minValue(0)),
});

/** Whose it is. */
interface Whose {
  readonly group: string;
  readonly name: string;
}

/** Returns what was kept, W; undefined when nothing was, or of another group or name. */
export function readCounted(file: string, { group, name }: Whose): number | undefined {
  try {
    const judged = v.safeParse(schema, JSON.parse(readOwnFile(file, 4096)?.toString("utf8") ?? ""));
    const kept = judged.success ? judged.output : undefined;
    return kept?.group === group && kept.name === name ? kept.watts : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps it. Returns why that can't be done. */
export function writeCounted(file: string, { group, name }: Whose, watts: number): string | undefined {
  const text = `${JSON.stringify({ group, name, watts })}\n`;
  // It must outlast this process: nobody waits for the disk.
  const written = writeWholeFile(file, text, { synced: false });
  return written.ok ? undefined : explainSysfs(written.error);
}
