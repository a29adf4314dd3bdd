// The flags and places of a command as shells see them, for each of the generators.

import { kebab } from "../../internal/cli/words.ts";
import type { CommandNode } from "../program-tree.ts";
import { type Values, valuesOf } from "./values.ts";

export interface FlagWord {
  /** With its dashes. */
  readonly flag: string;
  /** One letter, without dash. */
  readonly alias: string | undefined;
  readonly description: string;
  readonly takesValue: boolean;
  readonly repeatable: boolean;
  readonly values: Values;
}

export interface Place {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Takes all words that are left. */
  readonly repeatable: boolean;
  readonly values: Values;
}

const NO_VALUES: Values = { words: [], live: undefined, files: undefined };

/** Returns the flags that may follow the words of `node`. */
export function flagsOf(node: CommandNode): readonly FlagWord[] {
  const flags = Object.entries(node.args ?? {}).flatMap(([key, def]): FlagWord[] => {
    if (def.type === "positional") return [];
    const flag: FlagWord = {
      flag: `--${kebab(key)}`,
      alias: def.alias,
      description: def.description,
      takesValue: def.type !== "boolean",
      repeatable: def.type !== "boolean" && def.repeatable === true,
      values: valuesOf(key, def),
    };
    if (def.type !== "boolean" || def.default !== true) return [flag];
    return [flag, { ...flag, flag: `--no-${kebab(key)}`, alias: undefined }];
  });
  const own = { takesValue: false, repeatable: false, values: NO_VALUES };
  return [
    ...flags,
    { flag: "--help", alias: "h", description: "show this help", ...own },
    ...(node.words.length === 0
      ? [{ flag: "--version", alias: undefined, description: "show the version", ...own }]
      : []),
  ];
}

/** Returns the words that `node` wants, in order. */
export function placesOf(node: CommandNode): readonly Place[] {
  return Object.entries(node.args ?? {}).flatMap(([key, def]): Place[] =>
    def.type === "positional"
      ? [
          {
            name: kebab(key),
            description: def.description,
            required: def.required ?? def.default === undefined,
            repeatable: def.repeatable === true,
            values: valuesOf(key, def),
          },
        ]
      : [],
  );
}

/** Returns `text` as one word of bash or zsh. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
