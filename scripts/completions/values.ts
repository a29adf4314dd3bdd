// What can stand where a value is wanted, told by the argument's definition: the three shells complete the same.

import type { ArgDef } from "../../internal/cli/command.ts";
import { kebab } from "../../internal/cli/words.ts";

/** What the hidden command __complete lists. */
type Live = "vm" | "channels" | "vcpu" | "cpus" | "profile";

export interface Values {
  readonly words: readonly string[];
  readonly live: Live | undefined;
  readonly files: "any" | "folders" | undefined;
}

const LIVE: Readonly<Record<string, Live>> = {
  vm: "vm",
  profile: "profile",
  channels: "channels",
  vcpu: "vcpu",
  "vcpus list": "vcpu",
  cpu: "cpus",
  cpus: "cpus",
  pcpu: "cpus",
};
const FILES: Readonly<Record<string, Values["files"]>> = { file: "any", path: "any", dir: "folders" };

/** Returns what the value of the argument `key` can be. A hint of several words, such as min|max|kHz, tells the words in it. */
export function valuesOf(key: string, def: ArgDef): Values {
  if (def.type === "boolean") return { words: [], live: undefined, files: undefined };
  if (def.options !== undefined) return { words: def.options, live: undefined, files: undefined };
  const hints = (def.valueHint ?? "").split("|");
  const names = [
    kebab(key),
    `${kebab(key)} ${def.valueHint ?? ""}`,
    ...hints.map((hint) => hint.toLowerCase()),
  ];
  const of = <T>(table: Readonly<Record<string, T>>): T | undefined =>
    names.filter((name) => Object.hasOwn(table, name)).map((name) => table[name])[0];
  const words = hints.length > 1 ? hints.filter((hint) => /^[a-z][a-z-]*$/.test(hint)) : [];
  return { words, live: of(LIVE), files: of(FILES) };
}
