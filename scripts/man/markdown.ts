// Markdown to man(7): the part of it that our documents use, so that a page and a document need no second source.

import { bold, example, literal, macro } from "./roff.ts";

/** Returns `text` (headings from ##, paragraphs, lists, fenced code, tables) as the body of a page. */
export function fromMarkdown(text: string): string {
  return blocks(text.replace(/<!--.*?-->/gs, "").split("\n")).join("\n");
}

function blocks(lines: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i] ?? "";
    const run = (belongs: (line: string) => boolean) => {
      const from = i;
      while (i < lines.length && belongs(lines[i] ?? "")) i++;
      return lines.slice(from, i);
    };
    const heading = /^(#+) (.*)$/.exec(line);
    if (line.trim() === "") {
      i++;
    } else if (heading !== null) {
      i++;
      const [, marks = "", words = ""] = heading;
      if (marks.length === 2) out.push(macro("SH", literal(words.toUpperCase())));
      else if (marks.length > 2) out.push(macro("SS", inline(words)));
    } else if (line.startsWith("```")) {
      i++;
      out.push(example(run((l) => !l.startsWith("```"))));
      i++;
    } else if (line.startsWith("|")) {
      out.push(table(run((l) => l.startsWith("|"))));
    } else if (ITEM.test(line)) {
      out.push(list(run((l) => ITEM.test(l) || /^ +\S/.test(l))));
    } else {
      out.push(".PP", inline(run((l) => !/^(\s*$|#|\||```)/.test(l) && !ITEM.test(l)).join("\n")));
    }
  }
  return out;
}

const ITEM = /^([-*]|\d+\.) +/;

function list(lines: readonly string[]): string {
  const out: string[] = [];
  for (const line of lines) {
    const mark = ITEM.exec(line)?.[1];
    if (mark === undefined) out.push(inline(line.trim()));
    else {
      out.push(macro("IP", /\d/.test(mark) ? literal(mark) : "\\(bu", /\d/.test(mark) ? "4" : "2"));
      out.push(inline(line.replace(ITEM, "")));
    }
  }
  return out.join("\n");
}

/** More columns than this have no room beside each other on a terminal: such a table becomes a list. */
const MAX_COLUMNS = 3;

/** The last column takes what room there is; each cell is a text block, so that it wraps. */
function table(lines: readonly string[]): string {
  const rows = lines
    .filter((line) => !/^\|[-:| ]+\|$/.test(line))
    .map((line) =>
      line
        .replace(/^\||\|\s*$/g, "")
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
  const columns = rows[0]?.length ?? 0;
  if (columns > MAX_COLUMNS) return listed(rows);
  const format = `${"l ".repeat(columns - 1)}lx`;
  const body = rows.map((row) => row.map((cell) => `T{\n${inline(cell)}\nT}`).join("\t"));
  return [".PP", ".TS", `${format.replaceAll("l", "lb")}`, `${format}.`, ...body, ".TE"].join("\n");
}

/** Returns each row as an item: its first cell as the tag, the second, and the others with their column's head. */
function listed([heads = [], ...rows]: readonly (readonly string[])[]): string {
  return rows
    .map(([tag = "", what = "", ...others]) => {
      const more = others.flatMap((cell, i) =>
        cell === "" ? [] : [`.br\n${inline(`${heads[i + 2]}: ${cell}`)}`],
      );
      return [".TP", inline(tag), inline(what), ...more].join("\n");
    })
    .join("\n");
}

/** Returns one paragraph: code is bold, **strength** too; of a link its words stay, and its address where it leaves the project. */
export function inline(text: string): string {
  return text
    .split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\([^)]+\))/)
    .map((part) => {
      if (part.startsWith("`") && part.length > 1) return bold(part.slice(1, -1));
      if (part.startsWith("**") && part.length > 4) return `\\fB${literal(part.slice(2, -2))}\\fR`;
      const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
      if (link === null) return literal(part);
      const [, words = "", address = ""] = link;
      return address.includes("://") ? `${literal(words)} (${literal(address)})` : literal(words);
    })
    .join("");
}
