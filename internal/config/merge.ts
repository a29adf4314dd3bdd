// Several files become one, later over earlier, and each value keeps who said it.

import { tomlKey } from "./problem.ts";
import type { ReadFile } from "./read.ts";
import type { ConfigFile } from "./schema.ts";

/** Who can say settings; later ones lie over earlier ones. */
type Sayer = "carried" | "fleet" | "file" | "drop-in" | "flags" | "runtime";

/** Where a value comes from. */
export type Provenance =
  | { readonly from: "default" }
  /** @param key the TOML key that brought it, such as vm-defaults.floor */
  | { readonly from: Sayer; readonly file: string; readonly key: string };

/** One thing that says settings: what a VM brings along, what the fleet says of it, a file, a drop-in, the command line's flags, or what was changed at run time. */
export interface Layer {
  readonly from: Sayer;
  readonly read: ReadFile;
}

/** The files' words in one, and for each key, tables included, who said it last. */
export interface Merged {
  readonly says: ConfigFile;
  readonly origins: ReadonlyMap<string, Provenance>;
}

type Table = Record<string, unknown>;

/**
 * Returns `files` laid over each other, later over earlier: tables key by key; lists, single values and a VM's policy, whose
 * keys belong to its type, whole.
 */
export function mergeFiles(files: readonly Layer[]): Merged {
  const says: Table = {};
  const origins = new Map<string, Provenance>();
  for (const { read, from } of files) {
    const origin = { from, file: read.file };
    overlay(says, read.says, [], (key) => origins.set(key, { ...origin, key }));
  }
  return { says, origins };
}

function overlay(under: Table, over: object, path: readonly string[], said: (key: string) => void): void {
  for (const [key, value] of Object.entries(over)) {
    const here = [...path, key];
    said(tomlKey(here));
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      under[key] = value;
      continue;
    }
    const isPolicy = path.length === 2 && path[0] === "vm" && key === "policy";
    const table = ((isPolicy ? undefined : under[key]) ?? {}) as Table;
    under[key] = table;
    overlay(table, value, here, said);
  }
}
