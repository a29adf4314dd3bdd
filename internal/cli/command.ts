// The shape of a command: its name, help, flags and the types that it runs with, all from one definition.

import type { Status } from "./status.ts";

/** Where a command writes. `out` and `err` take text and end the line themselves. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly isTTY: boolean;
  /** Whether nothing that is written reaches anybody any more: a command that goes on until interrupted ends then. */
  isCut?(): boolean;
  /** The environment; DEBUG shows stacks. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * One word of a command line. The key names it: `timeoutMs` and `"timeout-ms"` are both written --timeout-ms, and only so.
 * A positional is required unless `required: false` or a default says otherwise; a flag is optional unless `required: true`.
 */
export type ArgDef =
  | (Described & { readonly type: "boolean"; readonly alias?: string; readonly default?: boolean })
  | (Described & Valued & { readonly type: "string"; readonly alias?: string; readonly options?: never })
  | (Described &
      Valued & { readonly type: "enum"; readonly alias?: string; readonly options: readonly string[] })
  | (Described & Valued & { readonly type: "positional"; readonly options?: readonly string[] });

interface Described {
  readonly description: string;
}

interface Valued {
  readonly valueHint?: string;
  readonly default?: string;
  readonly required?: boolean;
  /** May be given several times; a positional then takes all words that are left. The value is a list. */
  readonly repeatable?: true;
}

export type ArgsDef = Readonly<Record<string, ArgDef>>;

/** What the words of one definition become. */
type Value<T extends ArgDef> = T extends { type: "boolean" }
  ? boolean
  : T extends { repeatable: true }
    ? readonly Text<T>[]
    : IsSure<T> extends true
      ? Text<T>
      : Text<T> | undefined;

type Text<T> = T extends { options: readonly (infer O)[] } ? O : string;

type IsSure<T> = T extends { default: string } | { required: true }
  ? true
  : T extends { type: "positional" }
    ? T extends { required: false }
      ? false
      : true
    : false;

/** The arguments a command runs with, by the keys of its definition. */
export type Args<T extends ArgsDef> = { readonly [K in keyof T]: Value<T[K]> };

/** Arguments whose definition is not known to the caller. */
export type AnyArgs = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Meta {
  readonly name: string;
  /** One line, no full stop. */
  readonly summary: string;
  /** Paragraphs shown under the usage. */
  readonly details?: string;
  /** Whole command lines. */
  readonly examples?: readonly string[];
}

/** Loaders by command name: nothing of a command is imported before it is called or described. */
export type Commands = Readonly<Record<string, () => Promise<{ readonly default: Command }>>>;

/** Returns whether the command `name` is for programs: it runs, and help, manual and suggestions leave it out. */
export function isHidden(name: string): boolean {
  return name.startsWith("__");
}

/** A command that runs. */
export interface Leaf {
  readonly meta: Meta;
  readonly args: ArgsDef;
  run(context: { readonly args: AnyArgs; readonly io: Io }): Promise<Status> | Status;
}

/** A command that only holds others, such as `vm`. */
export interface Group {
  readonly meta: Meta;
  readonly commands: Commands;
  /** The one of them that is meant where a single word is none of their names: it is that command's first argument. */
  readonly otherwise?: string;
}

export type Command = Leaf | Group;

interface LeafDef<T extends ArgsDef> {
  readonly meta: Meta;
  readonly args: T;
  run(context: { readonly args: Args<T>; readonly io: Io }): Promise<Status> | Status;
}

/** Returns the definition as a command; `run` sees the types that `args` promises. */
export function defineCommand<const T extends ArgsDef>(def: LeafDef<T>): Leaf;
export function defineCommand(def: Group): Group;
export function defineCommand(def: Command): Command {
  return def;
}
