// Holds docs/design.md's table of who may import what, and the size budget.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** One file past the aim of 150 lines is fine; past this it holds more than one idea. */
const MAX_LINES = 300;

interface Rule {
  /** Folders of internal/ whose files may be imported, beside its own and the leaves. */
  readonly rooms: readonly string[];
  /** Packages and built-in modules that may be imported. */
  readonly modules: readonly (string | RegExp)[];
}

const NODE = /^node:/;
const RULES: Readonly<Record<string, Rule>> = {
  leaves: { rooms: [], modules: [] },
  packet: { rooms: [], modules: [] },
  arbiter: { rooms: [], modules: [] },
  metrics: { rooms: [], modules: [] },
  profile: { rooms: ["sysfs"], modules: [] },
  sysfs: { rooms: [], modules: [NODE] },
  pinning: { rooms: [], modules: ["valibot", "bun", "bun:ffi", NODE] },
  config: { rooms: ["pinning"], modules: ["valibot", "bun", NODE] },
  host: {
    rooms: ["packet", "arbiter", "sysfs", "pinning", "profile", "power", "config", "metrics", "log"],
    modules: ["bun", "bun:ffi", NODE],
  },
  power: { rooms: ["sysfs", "pinning", "log"], modules: ["bun", NODE] },
  guest: { rooms: ["packet", "sysfs", "log"], modules: ["bun", "bun:ffi", NODE] },
  control: { rooms: ["log"], modules: ["valibot", "bun", NODE] },
  http: { rooms: ["control", "log"], modules: [NODE] },
  top: { rooms: ["control"], modules: [] },
  output: { rooms: ["metrics"], modules: [] },
  cli: { rooms: [], modules: ["citty", "valibot", "node:util"] },
  log: { rooms: [], modules: ["consola/basic", NODE] },
  cmd: { rooms: ["*"], modules: ["citty", "valibot", "bun", NODE] },
};

const files = [...new Bun.Glob("{internal,cmd}/**/*.ts").scanSync(ROOT)].map((file) => ({
  file,
  text: readFileSync(join(ROOT, file), "utf8"),
}));

/** Returns the room a file stands in: a folder of internal/, `cmd`, `log` or `leaves`. */
function roomOf(file: string): string {
  const [top = "", folder = "", ...rest] = file.split("/");
  if (top === "cmd") return "cmd";
  if (rest.length > 0) return folder;
  return folder === "log.ts" ? "log" : "leaves";
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

test("the architecture test sees the project", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.some(({ file }) => roomOf(file) === "leaves")).toBe(true);
  expect(importsOf('import type { A } from "./a.ts";\nconst b = import("b");')).toEqual(["./a.ts", "b"]);
});

test.each(files.map(({ file, text }) => [file, text] as const))(
  "%s imports only what its room may",
  (file, text) => {
    const room = roomOf(file);
    const rule = RULES[room];
    if (rule === undefined) throw new Error(`docs/design.md has no rule for internal/${room}/`);
    const wrong = importsOf(text).filter((path) => {
      if (!path.startsWith("."))
        return !rule.modules.some((m) => (typeof m === "string" ? m === path : m.test(path)));
      const target = normalize(join(dirname(file), path));
      if (target === "package.json") return room !== "cmd";
      const other = roomOf(target);
      return (
        !(other === room || other === "leaves" || rule.rooms.includes(other) || rule.rooms.includes("*")) ||
        (other === "cmd" && room !== "cmd")
      );
    });
    expect(wrong).toEqual([]);
  },
);

test.each(files.map(({ file, text }) => [file, text] as const))("%s keeps the house rules", (file, text) => {
  expect(text.split("\n").length, "lines").toBeLessThanOrEqual(MAX_LINES);
  expect(text, "first line says what would be lost without it").toStartWith("// ");
  expect(text.match(/process\.exit\(/) ?? [], "process.exit").toEqual([]);
  if (!/^cmd\/[\w-]+\.ts$/.test(file)) {
    expect(text.match(/process\.exitCode|console\.\w+/g) ?? [], "exit status and console").toEqual([]);
  }
  const early = [...text.matchAll(/^import (?!type\b)[^;]*? from "(node:(?!fs"|path")\w+)"/gm)].map(
    ([, name]) => name,
  );
  expect(early, "modules that every start would load: import() them where they are needed").toEqual([]);
  if (!file.startsWith("internal/sysfs/")) {
    expect(text.match(/"\/sys\/|`\/sys\//g) ?? [], "only internal/sysfs opens /sys").toEqual([]);
  }
});

test("docs/design.md shows every room, and the same rules", () => {
  const text = readFileSync(join(ROOT, "docs/design.md"), "utf8");
  const rows = [...text.matchAll(/^\| (leaves|cmd\/|log\.ts|[a-z]+\/) +\| (.*?) +\| (.*?) +\|$/gm)];
  const told = rows.map(([, room = "", rooms = "", modules = ""]) => [
    room.replace(/\/$|\.ts$/, ""),
    { rooms: rooms.replace("everything", "*").split(" "), modules: modules.split(" ") },
  ]);
  const held = Object.entries(RULES).map(([room, { rooms, modules }]) => [
    room,
    { rooms: orNone(rooms), modules: orNone(modules.map((one) => (one === NODE ? "node:*" : one))) },
  ]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(held));
  for (const room of new Set(files.map(({ file }) => roomOf(file))))
    if (!["leaves", "log", "cmd"].includes(room)) expect(text).toMatch(new RegExp(`^  ${room}/ `, "m"));
});

/** An empty cell is read as one empty word. */
const orNone = <T>(list: readonly T[]): readonly (T | string)[] => (list.length === 0 ? [""] : list);
