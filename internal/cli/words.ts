// argv to arguments, strictly: unknown flags, stray words and empty values are refused.

import type { AnyArgs, ArgDef, ArgsDef } from "./command.ts";
import { nearest } from "../values/nearest.ts";
import { UsageError } from "./usage-error.ts";

/** Returns how `key` is written on a command line: `timeoutMs` as timeout-ms. */
export function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function label(key: string, def: ArgDef): string {
  return def.type === "positional" ? kebab(key).toUpperCase() : `--${kebab(key)}`;
}

const DEFS = Symbol("definitions");

/** Returns how the argument `key` of `args` is called in a sentence: --timeout-ms for a flag, VM for a positional. */
export function labelOf(args: object, key: string): string {
  const def = DEFS in args ? (args[DEFS] as ArgsDef)[key] : undefined;
  return def === undefined ? `--${kebab(key)}` : label(key, def);
}

/**
 * Returns the arguments that `words` give under `defs`. The rules: --flag VALUE and --flag=VALUE are the same; a value that
 * starts with "--" needs the second form; --no-flag turns a boolean off; -x is the alias of a flag, one letter, never two in a
 * row; -5 is a word, not a flag; after -- everything is a word. A flag that is not repeatable is given once.
 * Errors: UsageError for anything else.
 */
export function parseWords(defs: ArgsDef, words: readonly string[]): AnyArgs {
  const flags = flagTable(defs);
  const given = new Map<string, string[]>();
  const loose: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--") {
      loose.push(...words.slice(i + 1));
      break;
    }
    if (!isFlag(word)) {
      loose.push(word);
      continue;
    }
    const cut = word.indexOf("=");
    const name = cut < 0 ? word : word.slice(0, cut);
    const flag = flags.get(name) ?? refuseFlag(name, flags);
    const values = given.get(flag.key) ?? [];
    if (values.length > 0 && !flag.repeatable) throw new UsageError(`${name} is given more than once.`);
    if (flag.sets !== undefined) {
      if (cut >= 0) throw new UsageError(`${name} takes no value; write ${name} alone.`);
      values.push(flag.sets);
    } else {
      const value = cut < 0 ? words[++i] : word.slice(cut + 1);
      if (value === undefined || (cut < 0 && value.startsWith("--"))) {
        throw new UsageError(`${name} needs a value, such as ${name}=${flag.hint}.`);
      }
      if (value === "") throw new UsageError(`${name} has an empty value; it needs ${flag.hint}.`);
      values.push(value);
    }
    given.set(flag.key, values);
  }
  placePositionals(defs, loose, given);
  return settle(defs, given);
}

/** Returns true for a word that would be read as a flag: it starts with a dash, but is neither "-" nor a negative number. */
export function isFlag(word: string): boolean {
  return word.length > 1 && word.startsWith("-") && !/^-[0-9.]/.test(word);
}

interface Flag {
  readonly key: string;
  readonly hint: string;
  readonly repeatable: boolean;
  /** What a boolean's word stands for; undefined for flags with a value. */
  readonly sets?: "true" | "false";
}

function flagTable(defs: ArgsDef): Map<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const [key, def] of Object.entries(defs)) {
    if (def.type === "positional") continue;
    const flag: Flag =
      def.type === "boolean"
        ? { key, hint: "", repeatable: false, sets: "true" }
        : { key, hint: hintOf(key, def), repeatable: def.repeatable === true };
    flags.set(`--${kebab(key)}`, flag);
    if (def.alias !== undefined) flags.set(`-${def.alias}`, flag);
    if (def.type === "boolean") flags.set(`--no-${kebab(key)}`, { ...flag, sets: "false" });
  }
  return flags;
}

function hintOf(key: string, def: Exclude<ArgDef, { type: "boolean" }>): string {
  if (def.options !== undefined) return def.options.join("|");
  const hint = def.valueHint ?? kebab(key);
  // One with words to be written so has its case right.
  return /[A-Z]/.test(hint) ? hint : hint.toUpperCase();
}

/** Returns what a word is to be: "VM is missing; it needs VM" would help nobody. */
function neededOf(key: string, def: Exclude<ArgDef, { type: "boolean" }>): string {
  const hint = hintOf(key, def);
  return hint === label(key, def) ? `it is ${def.description}` : `it needs ${hint}`;
}

function refuseFlag(name: string, flags: ReadonlyMap<string, Flag>): never {
  const names = [...flags.keys(), "--help"];
  const near = nearest(name, names);
  const shown = names.filter((flag) => !flag.startsWith("--no-")).join(", ");
  throw new UsageError(
    `unknown flag ${quote(name)}; ${near === undefined ? `the flags are ${shown}.` : `did you mean ${near}?`}`,
  );
}

function placePositionals(defs: ArgsDef, loose: readonly string[], given: Map<string, string[]>): void {
  let next = 0;
  const places: string[] = [];
  for (const [key, def] of Object.entries(defs)) {
    if (def.type !== "positional") continue;
    places.push(label(key, def));
    const values = def.repeatable ? loose.slice(next) : loose.slice(next, next + 1);
    next += values.length;
    if (values.includes(""))
      throw new UsageError(`${label(key, def)} is empty; it needs ${hintOf(key, def)}.`);
    if (values.length > 0) given.set(key, values);
  }
  const stray = loose[next];
  if (stray === undefined) return;
  const wanted = places.length === 0 ? "no words are wanted here" : `only ${places.join(" ")} is wanted here`;
  throw new UsageError(`stray word ${quote(stray)}; ${wanted}.`);
}

function settle(defs: ArgsDef, given: ReadonlyMap<string, readonly string[]>): AnyArgs {
  const args: Record<string, string | boolean | readonly string[] | undefined> = Object.create(null);
  Object.defineProperty(args, DEFS, { value: defs });
  for (const [key, def] of Object.entries(defs)) {
    const values = given.get(key);
    if (def.type === "boolean") {
      args[key] = values === undefined ? (def.default ?? false) : values[0] === "true";
      continue;
    }
    const must = def.required ?? (def.type === "positional" && def.default === undefined);
    if (values === undefined && must)
      throw new UsageError(`${label(key, def)} is missing; ${neededOf(key, def)}.`);
    for (const value of values ?? []) checkOption(key, def, value);
    const fallback = def.default === undefined ? [] : [def.default];
    args[key] = def.repeatable ? (values ?? fallback) : (values ?? fallback)[0];
  }
  return args;
}

function checkOption(key: string, def: Exclude<ArgDef, { type: "boolean" }>, value: string): void {
  if (def.options === undefined || def.options.includes(value)) return;
  const near = nearest(value, def.options);
  throw new UsageError(
    `${label(key, def)} must be one of ${def.options.join(", ")}, not ${quote(value)}${near === undefined ? "." : `; did you mean ${near}?`}`,
  );
}

/** Returns the word as a sentence can show it, control characters escaped. */
export function quote(word: string): string {
  return JSON.stringify(word);
}
