// The line of a key, for problems in files that may have thousands of them.

import { type Statement, statementsOf } from "./statements.ts";

/** A longer text is not parsed over and over for the line of what two statements say against each other: its message names it. */
const MAX_BISECTED = 32_768;

/** Returns the TOML value of `text`, or the parser's message. */
function parse(text: string): { value?: object; message?: string } {
  try {
    return { value: Bun.TOML.parse(`${text}\n`) };
  } catch (cause) {
    return { message: cause instanceof Error ? cause.message : String(cause) };
  }
}

/**
 * Returns the line, from 1, on which the statement starts that brings the key `path`; undefined when no statement does.
 * Each statement is parsed by itself, so that what is told of it is the parser's word.
 * @param text a file that parses
 */
export function lineOfKey(text: string, path: readonly string[]): number | undefined {
  const entries = new Map<string, number>();
  let section: string[] = [];
  for (const statement of statementsOf(text)) {
    if (statement.text.startsWith("[")) {
      section = enter(statement, entries);
      if (isUnder(section, path)) return statement.line;
    } else if (isUnder(path, section) && has(parse(statement.text).value, path.slice(section.length)))
      return statement.line;
  }
  return undefined;
}

/** Returns the line, from 1, at which the parser stops in `text`, which doesn't parse; undefined when that would take long to find. */
export function lineOfSyntaxError(text: string): number | undefined {
  const statements = statementsOf(text);
  const wrong = statements.find((statement) => parse(statement.text).message !== undefined);
  if (wrong !== undefined) return wrong.line - 1 + firstWrong(wrong.text.split("\n"), "\n");
  // Each is right by itself: one says what another has said.
  if (text.length > MAX_BISECTED) return undefined;
  const last = firstWrong(
    statements.map((statement) => statement.text),
    "\n",
  );
  return statements[last - 1]?.line;
}

/** Returns how many of `parts`, put together, it takes for the message that all of them bring. */
function firstWrong(parts: readonly string[], glue: string): number {
  const { message } = parse(parts.join(glue));
  let before = 0;
  let within = parts.length;
  while (within - before > 1) {
    const middle = (before + within) >> 1;
    if (parse(parts.slice(0, middle).join(glue)).message === message) within = middle;
    else before = middle;
  }
  return within;
}

/** Returns the path of the table that a header opens, numbers of entries in lists of tables included. */
function enter({ text }: Statement, entries: Map<string, number>): string[] {
  const names: string[] = [];
  let here: unknown = parse(text).value;
  while (typeof here === "object" && here !== null) {
    const [name, inner] = Object.entries(here)[0] ?? [];
    if (name === undefined) break;
    if (!Array.isArray(here)) names.push(name);
    here = inner;
  }
  const section: string[] = [];
  for (const [depth, name] of names.entries()) {
    section.push(name);
    const key = JSON.stringify(section);
    const isNew = depth === names.length - 1 && text.startsWith("[[");
    const count = (entries.get(key) ?? 0) + (isNew ? 1 : 0);
    if (count > 0) section.push(String(count - 1));
    if (isNew) entries.set(key, count);
  }
  return section;
}

/** Returns whether `path` is `start` or begins with it. */
function isUnder(path: readonly string[], start: readonly string[]): boolean {
  return start.length <= path.length && start.every((part, depth) => part === path[depth]);
}

function has(value: unknown, path: readonly string[]): boolean {
  let here = value;
  for (const part of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return false;
    here = (here as Readonly<Record<string, unknown>>)[part];
  }
  return true;
}
