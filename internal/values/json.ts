// JSON from outside, which may be anything.

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN, CLOSE] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Returns what `text` says in JSON; undefined when it is none, or nests deeper than `deepest`: the parser's time grows faster than that
 * depth, and whoever walks what it made may run out of stack.
 */
export function parseJson(text: string, deepest = Infinity): unknown {
  try {
    return deepest < Infinity && isDeeper(text, deepest) ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns whether objects and arrays nest deeper than `most` in a text of JSON, without parsing it. Source: RFC 8259, 2 and 7. */
export function isDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === OPEN_LIST || code === OPEN) {
      if (++depth > most) return true;
    } else if (code === CLOSE_LIST || code === CLOSE) depth--;
  }
  return false;
}

/** Returns where the string ends that begins at `from`, the text's end where it has none. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((end - before) % 2 === 0) return end;
  }
  return text.length;
}
