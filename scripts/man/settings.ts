// powermon.toml.example as a chapter of powermon.toml(5): the file's own comments are the manual, so that they can't disagree.

import { inline } from "./markdown.ts";
import { bold, example, literal, macro } from "./roff.ts";

const TABLE = /^\[.+\]$/;

/**
 * Returns one section for each table of the example, its keys with their defaults and comments, and what stands before the
 * first table without its first line. The file's rules: "# text" explains, "#key = value" is a default, "## line" is an example.
 */
export function settingSections(toml: string): string {
  const out: string[] = [];
  let comments: string[] = [];
  let samples: string[] = [];
  let keys = 0;
  const flush = () => {
    const shown = samples[0] !== undefined && TABLE.test(samples[0]) ? [samples[0]] : [];
    out.push(...shown.map((table) => macro("SS", literal(table))));
    if (comments.length > 0) out.push(".PP", ...comments.map(line));
    if (samples.length > 0) out.push(example(samples));
    [comments, samples, keys] = [[], [], 0];
  };
  for (const text of toml.split("\n").slice(1)) {
    const key = /^#([a-z][\w-]*) = (.*)$/.exec(text);
    if (TABLE.test(text)) {
      flush();
      out.push(macro("SS", literal(text)));
    } else if (key !== null) {
      const [, name = "", value = ""] = key;
      out.push(".TP", `${bold(name)} = ${literal(value)}`);
      if (keys > 0) out.push("As above.");
      out.push(...comments.map(line));
      comments = [];
      keys++;
    } else if (text.startsWith("## ")) samples.push(text.slice(3));
    else if (text.startsWith("#")) {
      if (samples.length > 0) flush();
      keys = 0;
      // A comment without words parts paragraphs; before the first there is nothing to part.
      if (text !== "#" || comments.length > 0) comments.push(text.replace(/^# ?/, ""));
    } else flush();
  }
  flush();
  return out.join("\n");
}

function line(comment: string): string {
  return comment === "" ? ".PP" : inline(comment);
}
