// Makes dist/man: the pages from the command tables, the example configuration and docs, so that none needs writing twice.
//
//   bun scripts/man.ts

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { POWERMON } from "../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../cmd/vmpower-guest/commands.ts";
import { version } from "../package.json";
import { fromMarkdown } from "./man/markdown.ts";
import { commandSections, programHead } from "./man/program.ts";
import { title } from "./man/roff.ts";
import { settingSections } from "./man/settings.ts";
import { type CommandNode, loadTree } from "./program-tree.ts";

const root = new URL("..", import.meta.url).pathname;
const read = (path: string) => readFileSync(`${root}${path}`, "utf8");

/**
 * Returns the pages by file name, such as powermon.1.
 * @param date the day on the pages, as ISO writes it
 */
export async function manPages(date: string): Promise<ReadonlyMap<string, string>> {
  const powermon = await loadTree(POWERMON);
  const guest = await loadTree(VMPOWER_GUEST);
  const page = (name: string, section: string, manual: string, program?: CommandNode) => {
    const file = `${name}.${section}`;
    const head = title(name, section, date, `powermon ${version}`, manual);
    return [file, `${head}\n${body(read(`packaging/man/${file}.md`), program)}\n`] as const;
  };
  return new Map([
    page("powermon", "1", "User Commands", powermon),
    page("vmpower-guest", "1", "User Commands", guest),
    page("powermon.toml", "5", "File Formats", undefined),
    page("powermon-control", "7", "Interfaces", undefined),
    page("libvmpower", "3", "Library Functions", undefined),
  ]);
}

/** Returns the page that `template` describes: Markdown, and comments where generated parts go. */
function body(template: string, program: CommandNode | undefined): string {
  return template
    .split(/(<!--.*?-->)/)
    .map((part) => {
      const slot = /^<!-- (.*) -->$/.exec(part)?.[1];
      if (slot === undefined) return fromMarkdown(part);
      if (slot === "head" && program !== undefined) return programHead(program);
      if (slot === "commands" && program !== undefined) return commandSections(program);
      if (slot === "settings") return settingSections(read("packaging/powermon.toml.example"));
      const file = /^include (.*)$/.exec(slot)?.[1];
      if (file !== undefined) return fromMarkdown(read(file));
      throw new Error(`nothing is known to go where the page says <!-- ${slot} -->`);
    })
    .filter((part) => part !== "")
    .join("\n")
    .replace(/^(\.S[HS] .*\n)(\.PP\n)+/gm, "$1");
}

/** Returns the day that SOURCE_DATE_EPOCH names, today without it. */
export function pageDate(): string {
  const epoch = process.env["SOURCE_DATE_EPOCH"];
  return (epoch === undefined ? new Date() : new Date(Number(epoch) * 1000)).toISOString().slice(0, 10);
}

if (import.meta.main) {
  mkdirSync(`${root}dist/man`, { recursive: true });
  for (const [file, text] of await manPages(pageDate())) {
    writeFileSync(`${root}dist/man/${file}`, text);
    console.log(`dist/man/${file}`);
  }
}
