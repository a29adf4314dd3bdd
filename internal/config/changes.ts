// What two configurations say differently, setting by setting, for people who are about to reload.

import { tomlKey } from "./problem.ts";
import type { ConfigFile } from "./schema.ts";

/** Settings that a running powermon does not take up: the table or the key they begin with. */
const AT_START = ["state_dir", "control", "http"];
/** Longest value that is told whole, in characters. */
const MAX_VALUE = 200;

/**
 * Returns a line for each setting that `before` says and `after` doesn't, marked with "- ", or the other way round, with "+ "; in the
 * order of the keys. One that a running powermon does not take up says so.
 */
export function configChanges(before: ConfigFile, after: ConfigFile): string[] {
  const [was, is] = [settingsOf(before), settingsOf(after)];
  const lines: string[] = [];
  for (const key of [...new Set([...was.keys(), ...is.keys()])].sort()) {
    if (was.get(key) === is.get(key)) continue;
    const late = AT_START.some((start) => key === start || key.startsWith(`${start}.`))
      ? " (at the next start)"
      : "";
    if (was.has(key)) lines.push(`- ${key} = ${was.get(key)}${late}`);
    if (is.has(key)) lines.push(`+ ${key} = ${is.get(key)}${late}`);
  }
  return lines;
}

/** Returns each value as it is written, by its key; an empty table is one. */
function settingsOf(says: ConfigFile): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const add = (path: readonly string[], value: unknown): void => {
    const entries = isTable(value) ? Object.entries(value) : [];
    if (entries.length > 0) for (const [key, inner] of entries) add([...path, key], inner);
    else if (path.length > 0) found.set(tomlKey(path), shown(value));
  };
  add([], says);
  return found;
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
}
