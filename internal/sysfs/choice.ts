// Attributes that list all choices and bracket the one in force.

import { ok, type Result } from "../values/result.ts";
import type { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";

/** What can be chosen, and what is. */
export interface Choice {
  readonly choices: readonly string[];
  /** Undefined when the kernel brackets none. */
  readonly current: string | undefined;
}

/** Returns the choice that a line such as "s2idle [deep]" shows. */
export function parseChoice(line: string): Choice {
  const words = splitWords(line);
  const current = words.find((word) => /^\[.+\]$/.test(word))?.slice(1, -1);
  return { choices: words.map((word) => word.replace(/^\[(.+)\]$/, "$1")), current };
}

/** Reads attribute `name` as a choice; undefined when there is no such file. Errors: as AttrDir.read. */
export function readChoice(dir: AttrDir, name: string): Result<Choice | undefined, SysfsError> {
  const line = dir.read(name);
  if (!line.ok) return line;
  return ok(line.value === undefined ? undefined : parseChoice(line.value));
}

/** Reads attribute `name` as words between blanks; none when there is no such file. Errors: as AttrDir.read. */
export function readWords(dir: AttrDir, name: string): Result<readonly string[], SysfsError> {
  const line = dir.read(name);
  return line.ok ? ok(splitWords(line.value ?? "")) : line;
}

const splitWords = (line: string): string[] => line.split(/\s+/).filter((word) => word !== "");
