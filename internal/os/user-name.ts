// Users' names by their numbers, from the file that has this machine's own: a directory service may not answer, and guests would wait for it.

import { readFileSync, statSync } from "node:fs";

/** A file with more bytes is not read: it would take longer than a guest should wait. */
const MAX_BYTES = 1 << 20;

let read: { readonly file: string; readonly stamp: string; readonly names: ReadonlyMap<number, string> };

/** Returns the name of user `uid` in `file`; undefined where it is not there, as a directory's. Read anew when it changed. Source: passwd(5). */
export function userName(uid: number, file = "/etc/passwd"): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    const stamp = [ino, size, mtimeMs, ctimeMs].join();
    if (read?.file !== file || read.stamp !== stamp)
      read = { file, stamp, names: size > MAX_BYTES ? new Map() : namesIn(readFileSync(file, "utf8")) };
    return read.names.get(uid);
  } catch {
    return undefined;
  }
}

/** The first line of a number counts, as for getpwuid(3). */
function namesIn(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name = "", , uid = ""] = line.split(":");
    if (/^\d{1,10}$/.test(uid) && /^[^\p{C}\s]{1,64}$/u.test(name) && !names.has(Number(uid)))
      names.set(Number(uid), name);
  }
  return names;
}
