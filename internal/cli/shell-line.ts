// A line of a shell or script as words: quotes for names with blanks, # for comments as in DPDK's scripts.

import { err, ok, type Result } from "../values/result.ts";

/**
 * Returns the words of `line`: parts between blanks; '...' and "..." hold blanks; a word that starts with # begins a comment.
 * Errors: a sentence when a quote is left open.
 */
export function shellWordsOf(line: string): Result<string[], string> {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const c of line) {
    if (quote !== "") {
      if (c === quote) quote = "";
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === "#" && word === undefined) {
      break;
    } else {
      word = (word ?? "") + c;
    }
  }
  if (quote !== "") return err(`The quote ${quote} is left open.`);
  if (word !== undefined) words.push(word);
  return ok(words);
}
