// A file that is there whole or not at all: on full disks, in folders that are none, beside what an earlier crash left.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweepLeftovers, writeWholeFile } from "../../internal/os/whole-file.ts";
import { testNeeding } from "../helpers/needing.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/whole-file-`);
});
afterEach(() => rmSync(dir, { recursive: true }));

const MODULE = join(import.meta.dir, "../../internal/os/whole-file.ts");
/** A program that writes 20,000 bytes to `path` and prints what came of it. */
const program = (path: string, options: object = {}) =>
  `import { writeWholeFile } from ${JSON.stringify(MODULE)};
   const options = ${JSON.stringify(options)};
   console.log(JSON.stringify(writeWholeFile(${JSON.stringify(path)}, "y".repeat(20_000), options)));`;

test("writeWholeFile() makes folder and file with their modes, whatever the umask, and leaves nothing else", () => {
  const old = process.umask(0o077);
  const path = `${dir}/a/b/file`;
  expect(writeWholeFile(path, "one\n", { mode: 0o644 })).toEqual({ ok: true, value: undefined });
  process.umask(old);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(statSync(`${dir}/a/b`).mode & 0o777).toBe(0o700);
  expect(writeWholeFile(path, "two")).toEqual({ ok: true, value: undefined });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(readdirSync(`${dir}/a/b`)).toEqual(["file"]);
});

test("writeWholeFile() does not make the folder when it is not to", () => {
  const path = `${dir}/absent/file`;
  expect(writeWholeFile(path, "x", { folderMode: false })).toMatchObject({ error: { code: "ENOENT" } });
  expect(readdirSync(dir)).toEqual([]);
});

test("writeWholeFile() replaces what a crash left, and never writes through a link", () => {
  writeFileSync(`${dir}/other`, "untouched");
  symlinkSync(`${dir}/other`, `${dir}/file.tmp`);
  expect(writeWholeFile(`${dir}/file`, "x").ok).toBe(true);
  expect(readFileSync(`${dir}/other`, "utf8")).toBe("untouched");
  expect(readdirSync(dir).sort()).toEqual(["file", "other"]);
});

test.each([
  ["a folder in the file's place", "file", "rename", "EISDIR"],
  ["a folder in the temporary file's place", "file.tmp", "write", "EEXIST"],
] as const)("writeWholeFile() leaves everything as it was with %s", (_, name, op, code) => {
  mkdirSync(`${dir}/${name}`);
  expect(writeWholeFile(`${dir}/file`, "x")).toMatchObject({ ok: false, error: { op, code } });
  expect(readdirSync(dir)).toEqual([name]);
});

test("writeWholeFile() says which file is where its folder should be", () => {
  writeFileSync(`${dir}/file`, "");
  expect(writeWholeFile(`${dir}/file/x`, "x").ok).toBe(false);
});

testNeeding(
  ["prlimit"],
  "writeWholeFile() keeps the old file when only a part of the new one fits",
  async () => {
    const path = `${dir}/file`;
    expect(writeWholeFile(path, "old").ok).toBe(true);
    // The kernel takes the first 4,096 bytes and answers EFBIG after them, as a full disk answers ENOSPC.
    const child = Bun.spawn(["prlimit", "--fsize=4096", process.execPath, "-e", program(path)], {
      stdout: "pipe",
    });
    expect(JSON.parse(await child.stdout.text())).toMatchObject({ ok: false, error: { code: "EFBIG" } });
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(dir)).toEqual(["file"]);
  },
);

testNeeding(
  ["root and namespaces"],
  "writeWholeFile() keeps the old file on a full disk, also when some of the new one fits",
  async () => {
    const mounted = 'mount -t tmpfs -o size=16k,mode=700 none $0 && echo old > $0/file && exec $1 -e "$2"';
    for (const synced of [true, false]) {
      const script = `${program(`${dir}/file`, { synced })}
        import { readFileSync, readdirSync } from "node:fs";
        console.log(readdirSync(${JSON.stringify(dir)}).join(), readFileSync(${JSON.stringify(`${dir}/file`)}, "utf8"));`;
      const words = ["unshare", "-m", "sh", "-c", mounted, dir, process.execPath, script];
      const child = Bun.spawn(words, { stdout: "pipe" });
      const [result = "", left] = (await child.stdout.text()).split("\n");
      expect(JSON.parse(result)).toMatchObject({ ok: false, error: { code: "ENOSPC" } });
      expect(left).toBe("file old");
    }
  },
);

test("sweepLeftovers() removes what ended processes have left, and nothing that is being written or is no file of ours", () => {
  for (const name of ["a.json", "a.json.tmp", "b.4711.new", "c.tmp"]) writeFileSync(`${dir}/${name}`, "");
  mkdirSync(`${dir}/d.tmp`);
  for (const name of ["a.json", "a.json.tmp", "b.4711.new", "d.tmp"]) utimesSync(`${dir}/${name}`, 1, 1);
  sweepLeftovers(dir);
  expect(readdirSync(dir).sort()).toEqual(["a.json", "c.tmp", "d.tmp"]);
  sweepLeftovers(`${dir}/absent`);
});

testNeeding(
  ["strace that may trace"],
  "writeWholeFile() syncs file and folder, in this order around the rename, or nothing at all",
  async () => {
    const path = `${dir}/file`;
    const words = ["strace", "-f", "-y", "-e", "trace=fsync,rename,renameat,renameat2"];
    const callsOf = async (options: object) => {
      const child = Bun.spawn([...words, process.execPath, "-e", program(path, options)], {
        stdout: "ignore",
        stderr: "pipe",
      });
      const calls = [...(await child.stderr.text()).matchAll(/\b(fsync|rename)\w*\((?:\d+<([^>]*)>)?/g)];
      return calls.map(([, call, file]) => [call, file]);
    };
    expect(await callsOf({})).toEqual([
      ["fsync", `${path}.tmp`],
      ["rename", undefined],
      ["fsync", dir],
    ]);
    expect(await callsOf({ synced: false })).toEqual([["rename", undefined]]);
  },
);
