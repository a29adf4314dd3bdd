// Words that a real shell takes apart again as they were.

import { expect, test } from "bun:test";
import { shellWords } from "../../internal/output/shell-words.ts";

test.each([
  [["a", "-b=c", "/d/e.f:0,1"], "a -b=c /d/e.f:0,1"],
  [["a b", ""], "'a b' ''"],
  [["it's", "$x", "*", "~", "é", "a\nb", "!", "\\"], `'it'\\''s' '$x' '*' '~' 'é' 'a\nb' '!' '\\'`],
])("shellWords() quotes %j", (words, line) => {
  expect(shellWords(words)).toBe(line);
  const echoed = Bun.spawnSync(["sh", "-c", `printf '%s\\0' ${line}`]).stdout.toString();
  expect(echoed.split("\0").slice(0, -1)).toEqual(words);
});
