// The line of a key, for problems in files that may have thousands of them.

/** Returns the TOML value of the first `count` lines, or the parser's message. */
function parsePrefix(lines: readonly string[], count: number): { value?: object; message?: string } {
  try {
    return { value: Bun.TOML.parse(`${lines.slice(0, count).join("\n")}\n`) };
  } catch (cause) {
    return { message: cause instanceof Error ? cause.message : String(cause) };
  }
}

/**
 * Returns the line, from 1, on which the statement starts that brings the key `path`; undefined when no statement does.
 * Asks the parser itself about ever closer beginnings of the file, since it tells no lines and a second lexer could differ from it.
 * @param text a file that parses
 */
export function lineOfKey(text: string, path: readonly string[]): number | undefined {
  const lines = text.split("\n");
  if (!has(parsePrefix(lines, lines.length).value, path)) return undefined;
  // The key is absent after `without` lines and present after `within`; a line inside a statement doesn't parse.
  let without = 0;
  let within = lines.length;
  while (within - without > 1) {
    const middle = (without + within) >> 1;
    let at = middle;
    let prefix = parsePrefix(lines, at);
    while (prefix.value === undefined && at > without + 1) prefix = parsePrefix(lines, --at);
    if (prefix.value === undefined) {
      at = middle;
      while (prefix.value === undefined && at < within - 1) prefix = parsePrefix(lines, ++at);
    }
    if (prefix.value === undefined) break;
    if (has(prefix.value, path)) within = at;
    else without = at;
  }
  return without + 1;
}

/** Returns the line, from 1, at which the parser stops with the message that it gives for the whole `text`, which doesn't parse. */
export function lineOfSyntaxError(text: string): number {
  const lines = text.split("\n");
  const { message } = parsePrefix(lines, lines.length);
  let before = 0;
  let within = lines.length;
  while (within - before > 1) {
    const middle = (before + within) >> 1;
    if (parsePrefix(lines, middle).message === message) within = middle;
    else before = middle;
  }
  return within;
}

function has(value: unknown, path: readonly string[]): boolean {
  let here = value;
  for (const part of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return false;
    here = (here as Readonly<Record<string, unknown>>)[part];
  }
  return true;
}
