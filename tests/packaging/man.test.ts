// The manual against --help, the defaults and the API: a flag that a person can't look up is half a flag.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { POWERMON } from "../../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../../cmd/vmpower-guest/commands.ts";
import type { Io } from "../../internal/cli/command.ts";
import { main, type Program } from "../../internal/cli/main.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { API } from "../../internal/api/table.ts";
import { manPages } from "../../scripts/man.ts";
import { fromMarkdown } from "../../scripts/man/markdown.ts";
import { literal } from "../../scripts/man/roff.ts";
import { everyCommand, loadTree } from "../../scripts/program-tree.ts";
import { testNeeding } from "../helpers/needing.ts";

const pages = await manPages("2026-01-31");

/** Returns the page as a terminal shows it, on lines so wide that nothing wraps, or of `columns`. */
function rendered(source: string, columns = 3000): string {
  const command = ["groff", "-t", "-man", "-Tutf8", "-P-cbou", `-rLL=${columns}n`, "-ww"];
  const shown = Bun.spawnSync(command, { stdin: new TextEncoder().encode(source), timeout: 9000 });
  expect(shown.stderr.toString()).toBe("");
  return shown.stdout.toString();
}

test("manPages() keep words that have a spelling of their own, and values, at the start of a sentence", () => {
  const guest = pages.get("vmpower-guest.1") ?? "";
  expect(guest).toContain("\nvCPUs of this VM");
  expect(pages.get("powermon.1")).toContain("\nmem keeps the memory powered");
  for (const text of pages.values()) expect(text).not.toMatch(/^(VCPU|PCPU|Mem )/m);
});

const squeezed = (text: string) => text.replace(/\s+/g, " ").trim();

describe.each([...pages])("%s", (file, source) => {
  testNeeding(["groff"], `${file} renders without a warning`, () => {
    expect(rendered(source)).toContain("SEE ALSO");
    // As wide as a terminal: what has no room there is warned of.
    expect(rendered(source, 78)).toContain("SEE ALSO");
  });

  testNeeding(["mandoc"], `${file} has nothing that mandoc warns of`, () => {
    const dir = mkdtempSync(join(tmpdir(), "powermon-man-"));
    try {
      writeFileSync(join(dir, file), source);
      const lint = Bun.spawnSync(["mandoc", "-Tlint", "-Wwarning", join(dir, file)], { timeout: 9000 });
      expect(lint.stdout.toString()).toBe("");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

/** Returns what `program words --help` prints. */
async function helpOf(program: Program, words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const io: Io = { out: (text) => lines.push(text), err: (text) => lines.push(text), isTTY: false };
  expect(await main(program, [...words, "--help"], io)).toBe(STATUS.done);
  return lines.join("\n");
}

describe.each([
  ["powermon.1", POWERMON],
  ["vmpower-guest.1", VMPOWER_GUEST],
] as const)("%s", (file, program) => {
  testNeeding(["groff"], `${file} says of each command what its --help says`, async () => {
    const commands = everyCommand(await loadTree(program)).filter(({ args }) => args !== undefined);
    expect(commands.length).toBeGreaterThan(3);
    const page = rendered(pages.get(file) ?? "");
    for (const { words } of commands) {
      const heading = `\n   ${words.join(" ")}\n`;
      expect(page).toContain(heading);
      const section = squeezed(page.split(heading)[1]?.split(/\n {0,3}(?=\S)/)[0] ?? "").toLowerCase();
      const help = await helpOf(program, words);
      const said = help.split("\n").flatMap((line) => /^ {2,}(\S.*?) {4}(\S.*)$/.exec(line)?.slice(1) ?? []);
      expect(said.length, words.join(" ")).toBeGreaterThan(0);
      for (const [, flag = ""] of help.matchAll(/(?<=^ {2,}.*?)(--[a-z-]+)(?=[^ ]* {4}| *$)/gm)) {
        if (flag !== "--help") expect(section).toContain(flag);
      }
      for (const line of help.split("\n")) {
        const described = /^ {2,}\S.*? {4}(\S.*?)(?: \((?:Default: .*|Required)\))*$/.exec(line)?.[1];
        if (described === undefined || described === "show this help") continue;
        expect(section, line).toContain(squeezed(described).toLowerCase());
      }
      const [, below = ""] = help.split(/\n(?= +-h, --help)/);
      for (const line of below.split("\n").slice(1)) {
        if (line === "EXAMPLES") continue;
        expect(section).toContain(squeezed(line).toLowerCase());
      }
    }
  });

  test(`${file} tells every exit status`, () => {
    for (const status of Object.values(STATUS)) {
      expect(pages.get(file)).toContain(`\nT{\n${status}\nT}\t`);
    }
  });
});

/** Returns `table.key` and value of everything that a file may say, tables within tables too. */
function leaves(value: object, path = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
    const isTable = path === "" && typeof inner === "object" && !Array.isArray(inner);
    return isTable ? leaves(inner, key) : [[`${path}.${key}`, inner]];
  });
}

testNeeding(["groff"], "powermon.toml.5 names every key under its table, with its default", () => {
  const page = rendered(pages.get("powermon.toml.5") ?? "");
  const all = leaves(DEFAULTS);
  expect(all.length).toBeGreaterThan(15);
  for (const [path, value] of all) {
    const [table = "", key = ""] = path.split(".");
    const section =
      table === "" ? page : (page.split(`\n   [${table}]\n`)[1]?.split(/\n {0,3}(?=\S)/)[0] ?? "");
    const line = section.split("\n").find((l) => l.trim().startsWith(`${key} = `)) ?? "";
    expect(Bun.TOML.parse(line), path).toEqual({ [key]: value });
  }
  expect(page).toContain('\n   [limits."0-3"]\n');
  expect(page).toContain('\n   [vm."web.1"]\n');
});

testNeeding(["groff"], "powermon-control.7 names every route", () => {
  const page = rendered(pages.get("powermon-control.7") ?? "");
  for (const { method, path } of Object.values(API))
    expect(page).toMatch(new RegExp(`\\b${method} +/v1/${RegExp.escape(path)}\\s`));
});

testNeeding(["groff"], "literal() prints every printable character as it is", () => {
  const text = `${[...Array(95).keys()].map((i) => String.fromCharCode(32 + i)).join("")} -- \\fB 'x' → é`;
  const source = `.TH X 1\n.SH X\n.nf\n${literal(`.start\n'${text}`)}`;
  expect(rendered(source)).toContain(`\n       .start\n       '${text}\n`);
});

testNeeding(["groff"], "fromMarkdown() keeps code, tables, lists and links apart", () => {
  const text =
    "## one\n\nSee [the site](https://a.b/c) and [a file](c.md), `x -y`.\n\n- first\n  more\n- second\n\n" +
    "| a | b |\n| --- | --- |\n| `1` | two \\| three |\n\n```\n.dot  kept\n```\n";
  const page = rendered(`'\\" t\n.TH X 1\n${fromMarkdown(text)}`);
  expect(squeezed(page)).toContain(
    "ONE See the site (https://a.b/c) and a file, x -y. • first more • second a b 1 two | three .dot kept",
  );
  expect(page).toContain(".dot  kept");
});
