// Where the statements of a TOML text start, found in one pass: the parser tells no lines, and asking it over and over takes too long.

/** A header or a setting, with all lines that belong to it. */
export interface Statement {
  /** Where it starts, from 1. */
  readonly line: number;
  readonly text: string;
  /** Signs of equality outside of strings and comments: the settings that it makes, inline ones too. */
  readonly settings: number;
  /** Commas outside of them: about so many entries its lists and inline tables have. */
  readonly commas: number;
  /** Dots in its longest key, or in a value, outside of strings. */
  readonly dots: number;
}

/** What an open string ends with; a string of one line ends with its line, too. */
const QUOTES = ['"""', "'''", '"', "'"] as const;

/** Returns the statements of `text`, which need not be TOML; blank lines and comments between them are left out. */
export function statementsOf(text: string): Statement[] {
  const found: Statement[] = [];
  let [line, start, startLine, settings, depth] = [1, 0, 1, 0, 0];
  let [commas, dots, mostDots] = [0, 0, 0];
  let isEmpty = true;
  const end = (at: number) => {
    if (!isEmpty)
      found.push({ line: startLine, text: text.slice(start, at), settings, commas, dots: mostDots });
    isEmpty = true;
    settings = commas = dots = mostDots = 0;
  };
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === "\n") {
      if (depth === 0) end(at);
      line++;
      continue;
    }
    if (sign === "#") {
      at = indexOr(text, "\n", at) - 1;
      continue;
    }
    if (sign === " " || sign === "\t" || sign === "\r") continue;
    if (isEmpty) [isEmpty, start, startLine] = [false, at, line];
    if (sign === ".") mostDots = Math.max(mostDots, ++dots);
    else if ("=,[{".includes(sign as string)) dots = 0;
    if (sign === "[" || sign === "{") depth++;
    else if (sign === "]" || sign === "}") depth = Math.max(0, depth - 1);
    else if (sign === "=") settings++;
    else if (sign === ",") commas++;
    else if (sign === '"' || sign === "'") {
      const stop = endOfString(text, at);
      for (let inside = at; inside < stop; inside++) if (text[inside] === "\n") line++;
      at = stop - 1;
    }
  }
  end(text.length);
  return found;
}

/** Returns where the string that starts at `at` has ended. */
function endOfString(text: string, at: number): number {
  const quote = QUOTES.find((one) => text.startsWith(one, at)) ?? '"';
  const [isLong, escapes] = [quote.length === 3, quote.startsWith('"')];
  for (let inside = at + quote.length; inside < text.length; inside++) {
    const sign = text[inside];
    if (sign === "\n" && !isLong) return inside;
    if (sign === "\\" && escapes) inside++;
    else if (text.startsWith(quote, inside)) {
      let stop = inside + quote.length;
      // Two more quotes may stand before the three that end it. Source: TOML 1.0, String.
      for (let more = 0; isLong && more < 2 && text[stop] === quote[0]; more++) stop++;
      return stop;
    }
  }
  return text.length;
}

function indexOr(text: string, sign: string, from: number): number {
  const at = text.indexOf(sign, from);
  return at === -1 ? text.length : at;
}
