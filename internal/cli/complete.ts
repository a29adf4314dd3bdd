// What Tab offers in a shell.

import { type Command, type Commands, isHidden } from "./command.ts";
import { isFlag, kebab } from "./words.ts";

/**
 * Returns the words that could stand at the end of `line`, which start as its last word does, and that last word.
 * @param wordsFor returns what a positional without options could be, by its key
 */
export async function complete(
  commands: Commands,
  line: string,
  wordsFor: (key: string) => Promise<readonly string[]>,
): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/);
  const last = words.pop() ?? "";
  const found = await walk({ meta: { name: "", summary: "" }, commands }, words);
  if (found === undefined) return [[], last];
  const all = await candidates(found.command, found.rest, last, wordsFor);
  return [all.filter((word) => word.startsWith(last)).map((word) => `${word} `), last];
}

/** Follows `words` down to a command; what is left are its arguments. */
async function walk(from: Command, words: readonly string[]) {
  let command = from;
  let rest = words;
  while ("commands" in command) {
    const [word] = rest;
    if (word === undefined) return { command, rest };
    const { otherwise = word }: { readonly otherwise?: string } = command;
    const isOwn = Object.hasOwn(command.commands, word);
    const name: string = isOwn ? word : otherwise;
    const load = Object.hasOwn(command.commands, name) ? command.commands[name] : undefined;
    if (load === undefined) return undefined;
    command = (await load()).default;
    if (isOwn) rest = rest.slice(1);
  }
  return { command, rest };
}

async function candidates(
  command: Command,
  rest: readonly string[],
  last: string,
  wordsFor: (key: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  if ("commands" in command) {
    const names = Object.keys(command.commands).filter((name) => !isHidden(name));
    const load = command.otherwise === undefined ? undefined : command.commands[command.otherwise];
    return load === undefined
      ? names
      : [...names, ...(await candidates((await load()).default, [], last, wordsFor))];
  }
  const entries = Object.entries(command.args);
  if (last.startsWith("-")) {
    return entries.flatMap(([key, { type }]) => (type === "positional" ? [] : [`--${kebab(key)}`]));
  }
  const before = rest.at(-1);
  const flag = entries.find(([key, { type }]) => type !== "positional" && before === `--${kebab(key)}`);
  if (flag !== undefined && flag[1].type !== "boolean") return flag[1].options ?? [];
  const places = entries.filter(([, { type }]) => type === "positional");
  const place = places[rest.filter((word) => !isFlag(word)).length];
  if (place === undefined) return [];
  const [key, def] = place;
  return def.type !== "boolean" && def.options !== undefined ? def.options : await wordsFor(key);
}
