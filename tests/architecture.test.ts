// Holds docs/design.md's table of who may import what, and the size budget.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dir, "..");
/** One file past the aim of 150 lines is fine; past this it holds more than one idea. */
const MAX_LINES = 300;
/** Files beside each other; past it a folder holds two ideas. */
const MAX_FILES = 24;

interface Rule {
  /** Folders of internal/ whose files may be imported, beside its own and those that every room sees. */
  readonly rooms: readonly string[];
  /** Those of which `import type` alone may be said. */
  readonly types?: readonly string[];
  /** Packages and built-in modules that may be imported. */
  readonly modules: readonly (string | RegExp)[];
}

const NODE = /^node:/;
const RULES: Readonly<Record<string, Rule>> = {
  values: { rooms: [], modules: [] },
  os: { rooms: [], modules: ["bun", "bun:ffi", NODE] },
  packet: { rooms: [], modules: [] },
  claims: { rooms: [], modules: [] },
  metrics: { rooms: [], modules: [] },
  sysfs: { rooms: [], modules: [NODE] },
  pinning: { rooms: [], modules: ["valibot", "bun", NODE] },
  rules: { rooms: ["claims", "sysfs", "events", "log"], modules: ["bun", NODE] },
  config: { rooms: [], modules: ["valibot", "bun", NODE] },
  channels: {
    rooms: ["packet", "claims", "rules", "sysfs", "pinning", "config", "metrics", "events", "log"],
    modules: ["bun", NODE],
  },
  fifo: { rooms: ["claims", "rules", "sysfs", "config", "log"], modules: ["valibot", "bun", NODE] },
  budget: { rooms: ["sysfs"], modules: [NODE] },
  power: { rooms: ["sysfs", "pinning", "log"], modules: ["bun", NODE] },
  daemon: {
    rooms: [
      "channels",
      "claims",
      "rules",
      "fifo",
      "power",
      "budget",
      "sysfs",
      "pinning",
      "config",
      "metrics",
      "events",
      "fleet",
      "log",
    ],
    types: ["api"],
    modules: ["bun", NODE],
  },
  api: { rooms: [], modules: ["valibot"] },
  control: { rooms: ["api", "log"], modules: ["valibot", "bun", NODE] },
  http: { rooms: ["api", "control", "log"], modules: [NODE] },
  top: { rooms: ["api"], modules: [] },
  output: { rooms: ["metrics", "power"], modules: [] },
  guest: { rooms: ["packet", "sysfs", "log"], modules: ["bun", NODE] },
  fleet: { rooms: ["log"], modules: ["valibot", "bun", NODE] },
  cli: { rooms: [], modules: ["citty", "valibot", "node:util"] },
  log: { rooms: [], modules: ["consola/core", NODE] },
  events: { rooms: [], types: ["api"], modules: [] },
  cmd: { rooms: ["*"], modules: ["citty", "valibot", "bun", NODE] },
};
/** Rooms that every room may see; packet/ and claims/ see values/ only, so that they stay pure. */
const EVERYWHERE = ["values", "os"];
const PURE = ["values", "packet", "claims"];

const files = [...new Bun.Glob("{internal,cmd}/**/*.ts").scanSync(ROOT)].map((file) => ({
  file,
  text: readFileSync(join(ROOT, file), "utf8"),
}));

/** Returns the room a file stands in: a folder of internal/, `cmd`, `log` or `events`. */
function roomOf(file: string): string {
  const [top = "", folder = "", ...rest] = file.split("/");
  if (top === "cmd") return "cmd";
  return rest.length > 0 ? folder : folder.replace(/\.ts$/, "");
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

/** Returns the paths that nothing but `import type` names. */
function typesOf(text: string): readonly string[] {
  const types = [...text.matchAll(/^import type [^;]*? from "([^"]+)"/gm)].map((match) => match[1] ?? "");
  const all = importsOf(text);
  const count = (list: readonly string[], path: string) => list.filter((one) => one === path).length;
  return types.filter((path) => count(types, path) === count(all, path));
}

const isEverywhere = (room: string, other: string): boolean =>
  EVERYWHERE.includes(other) && (other === "values" || !PURE.includes(room));

test("the architecture test sees the project", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(roomOf("internal/log.ts")).toBe("log");
  expect(importsOf('import type { A } from "./a.ts";\nconst b = import("b");')).toEqual(["./a.ts", "b"]);
  expect(typesOf('import type {\n  A,\n} from "a";\nimport { type B } from "b";\n')).toEqual(["a"]);
  expect(typesOf('import type { A } from "a";\nimport { b } from "a";\n')).toEqual([]);
});

test.each(files.map(({ file, text }) => [file, text] as const))(
  "%s imports only what its room may",
  (file, text) => {
    const room = roomOf(file);
    const rule = RULES[room];
    if (rule === undefined) throw new Error(`docs/design.md has no rule for internal/${room}/`);
    const types = typesOf(text);
    const wrong = importsOf(text).filter((path) => {
      if (!path.startsWith("."))
        return !rule.modules.some((m) => (typeof m === "string" ? m === path : m.test(path)));
      const target = normalize(join(dirname(file), path));
      if (target === "package.json") return room !== "cmd";
      const other = roomOf(target);
      return (
        !(
          other === room ||
          isEverywhere(room, other) ||
          rule.rooms.includes(other) ||
          (rule.types?.includes(other) === true && types.includes(path)) ||
          rule.rooms.includes("*")
        ) ||
        (other === "cmd" && room !== "cmd")
      );
    });
    expect(wrong).toEqual([]);
  },
);

test.each(files.map(({ file, text }) => [file, text] as const))("%s keeps the house rules", (file, text) => {
  expect(text.split("\n").length, "lines").toBeLessThanOrEqual(MAX_LINES);
  expect(text, "first line says what the file is for").toStartWith("// ");
  if (file !== "internal/os/leave.ts")
    expect(text.match(/process\.exit\(/) ?? [], "process.exit").toEqual([]);
  if (!/^cmd\/[\w-]+\.ts$/.test(file)) {
    expect(text.match(/process\.exitCode|console\.\w+/g) ?? [], "exit status and console").toEqual([]);
  }
  const early = [...text.matchAll(/^import (?!type\b)[^;]*? from "(node:(?!fs"|path")\w+)"/gm)].map(
    ([, name]) => name,
  );
  expect(early, "modules that every start would load: import() them where they are needed").toEqual([]);
  expect(text.match(/\b(?:spawn|exec|execFile)Sync\b/g) ?? [], "guests wait for a process").toEqual([]);
  if (!file.startsWith("internal/sysfs/")) {
    expect(text.match(/"\/sys\/|`\/sys\//g) ?? [], "only internal/sysfs opens /sys").toEqual([]);
  }
});

/** Returns by file what it reaches, itself only if it is reached again. @param read returns the text whose imports count */
function reaches(read: (text: string) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map(
    files.map(({ file, text }) => [
      file,
      importsOf(read(text))
        .filter((path) => path.startsWith("."))
        .map((path) => normalize(join(dirname(file), path))),
    ]),
  );
  const reached = (file: string): ReadonlySet<string> => {
    const found = new Set<string>();
    const rest = [...(imports.get(file) ?? [])];
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      if (found.has(next)) continue;
      found.add(next);
      rest.push(...(imports.get(next) ?? []));
    }
    return found;
  };
  return new Map(files.map(({ file }) => [file, reached(file)]));
}

test("no file imports itself by way of another room", () => {
  const all = reaches((text) => text);
  const rings = [...all].flatMap(([file, far]) =>
    [...far]
      .filter((other) => roomOf(other) !== roomOf(file) && all.get(other)?.has(file))
      .map((other) => `${file} <-> ${other}`),
  );
  expect(rings).toEqual([]);
});

test("no file imports itself by way of its own room", () => {
  // What is imported when it is used, such as a command by its table, is there by then.
  const all = reaches((text) => text.replaceAll(/\bimport\(\s*"[^"]+"/g, ""));
  expect([...all].filter(([file, far]) => far.has(file)).map(([file]) => file)).toEqual([]);
});

test("no folder of internal/ holds more than 24 files beside each other", () => {
  const counts = new Map<string, number>();
  for (const { file } of files)
    if (file.startsWith("internal/")) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
});

test("docs/design.md shows every room, and the same rules", () => {
  const text = readFileSync(join(ROOT, "docs/design.md"), "utf8");
  const rows = [...text.matchAll(/^\| (cmd\/|log\.ts|events\.ts|[a-z]+\/) +\| (.*?) +\| (.*?) +\|$/gm)];
  const told = rows.map(([, room = "", rooms = "", modules = ""]) => [
    room.replace(/\/$|\.ts$/, ""),
    { rooms: rooms.replace("everything", "*"), modules: modules.split(" ") },
  ]);
  const held = Object.entries(RULES).map(([room, { rooms, types, modules }]) => [
    room,
    {
      rooms: [...rooms, ...(types ?? []).map((one) => `(${one})`)].join(" "),
      modules: orNone(modules.map((one) => (one === NODE ? "node:*" : one))),
    },
  ]);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(held));
  for (const room of new Set(files.map(({ file }) => roomOf(file))))
    if (!["log", "events", "cmd"].includes(room)) expect(text).toMatch(new RegExp(`^  ${room}/ `, "m"));
});

/** An empty cell is read as one empty word. */
const orNone = <T>(list: readonly T[]): readonly (T | string)[] => (list.length === 0 ? [""] : list);
