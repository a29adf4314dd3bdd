// What powermon leans on of Bun beyond what Bun promises, tried by a compiled program without anything of powermon.
// To be run first with a new Bun: a failure here names what would break.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { compile } from "../../scripts/compile.ts";

let dir = "";
let program = "";
beforeAll(() => {
  dir = mkdtempSync(`${tmpdir()}/runtime-`);
  program = `${dir}/program`;
  expect(compile(`${import.meta.dir}/program.ts`, program)).toBeUndefined();
});
afterAll(() => rmSync(dir, { recursive: true }));

interface Surroundings {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** The shell's redirections and pipes of the program. */
  readonly shell?: string;
}

/** Runs a program to its end; its answer goes through descriptor 3, so that 1 and 2 may be anything. */
async function run(words: readonly string[], { env = {}, cwd = dir, shell = "" }: Surroundings = {}) {
  const folder = mkdtempSync(`${dir}/`);
  const answer = `${folder}/answer`;
  const script = `"$0" "$@" 3>${answer} ${shell}; exit \${PIPESTATUS[0]}`;
  const child = Bun.spawn(
    ["bash", "-c", script, program, ...words.map((word) => (word === "DIR" ? folder : word))],
    {
      cwd,
      env: { PATH: "/usr/bin:/bin", ...env },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: 10_000,
    },
  );
  const err = await child.stderr.text();
  const status = await child.exited;
  const text = await Bun.file(answer).text();
  return { status, err, found: text === "" ? undefined : (JSON.parse(text) as unknown) };
}

test("sockets have descriptors, write partly and then nothing, hand over chunks, and end before they close", async () => {
  const { found, err } = await run(["sockets", "DIR"]);
  expect({ found, err }).toEqual({
    err: "",
    found: {
      fds: [true, true],
      isPartial: true,
      thenNothing: 0,
      taken: 8 << 20,
      chunksAreOurs: true,
      told: ["end", "close"],
      nodeFd: true,
    },
  });
});

test("readSync() and writeSync() with a position are pread() and pwrite(), which a pipe does not take", async () => {
  const { found } = await run(["files", "DIR"]);
  expect(found).toEqual({ reads: ["01", "01", "89", "23"], written: "ab23cd6789", seek: "ESPIPE" });
});

test("a FIFO opened for both ways streams what is written, and ends when it is cancelled", async () => {
  expect(await run(["fifos", "DIR"])).toEqual({
    status: 0,
    err: "",
    found: { empty: "EAGAIN", told: ["one", "two", "done"] },
  });
});

test("fs.watch() goes deaf when its folder is made anew, and throws for one that is not there", async () => {
  expect((await run(["watch", "DIR"])).found).toEqual({ told: true, deaf: true, absent: "ENOENT" });
});

test("a detached child leads a group that can be ended whole, another's children stay behind", async () => {
  expect((await run(["children"])).found).toEqual({ leads: true, pipeEnds: true, isOurs: true, stays: true });
});

describe("signals", () => {
  /** Runs the program until it has said what it heard of as many signals, and how it ended. */
  async function signalled(how: "once" | "on") {
    const child = Bun.spawn([program, "signals", how], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const told = Bun.file(child.stdio[3] as unknown as number)
      .stream()
      .getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await told.read();
      if (done) break;
      const more = decoder.decode(value);
      text += more;
      for (const line of more.split("\n")) if (/^(ready|heard [12])/.test(line)) child.kill("SIGTERM");
    }
    await child.exited;
    return { text: text.replaceAll("\n", " "), signal: child.signalCode, status: child.exitCode };
  }

  test("once() brings the default back with the first signal", async () => {
    expect(await signalled("once")).toEqual({ text: "ready heard 1 ", signal: "SIGTERM", status: null });
  });

  test("on() is called for each, and keeps nothing alive", async () => {
    const ended = { text: 'ready heard 1 heard 2 heard 3 {"heard":3} ', signal: null, status: 0 };
    expect(await signalled("on")).toEqual(ended as never);
  });
});

describe("the process", () => {
  test.each([
    ["alone", 7],
    ["held", 8],
    ["thrown", 9],
  ] as const)("ends %s with %d", async (how, status) => {
    expect(await run(["ends", how])).toMatchObject({ status, err: "" });
  });
});

test("a delay past 31 bits is one of 1 ms, with a warning", async () => {
  const { status, err } = await run(["ends", "forever"]);
  expect(status).toBe(11);
  expect(err).toContain("TimeoutOverflowWarning");
});

test("BUN_GC_TIMER_DISABLE=1 lets a process without work sleep", async () => {
  const wakes = async (env: Record<string, string>) => {
    const { found } = await run(["idle"], { env });
    return (found as { readonly wakes: number }).wakes;
  };
  const [off, on] = await Promise.all([wakes({ BUN_GC_TIMER_DISABLE: "1" }), wakes({})]);
  expect(on).toBeGreaterThan(1);
  expect(off).toBeLessThan(on);
});

test("BUN_JSC_useFTLJIT=0 leaves the slowest compiler out", async () => {
  const { err } = await run(["ends", "forever"], {
    env: { BUN_JSC_useFTLJIT: "0", BUN_JSC_dumpOptions: "1" },
  });
  expect(err).toContain("useFTLJIT=false");
});

describe("standard output", () => {
  test.each([
    ["isatty", "| cat", { isTTY: false, isNonBlocking: false }],
    ["stdout", "| cat", { isTTY: false, isNonBlocking: true }],
    ["flags", ">/dev/null", { closesAtExec: false }],
    ["flags", ">&-", { closesAtExec: true }],
    ["flags", "<&- >&-", { closesAtExec: true }],
    ["console", ">/dev/full", { told: "nothing" }],
    ["console", "| true", { told: "nothing" }],
    ["write", ">/dev/full", { code: "ENOSPC" }],
    ["write", "| true", { code: "EPIPE" }],
  ])("%s %s", async (how, shell, found) => {
    expect(await run(["outputs", how], { shell })).toMatchObject({ status: 0, found });
  });
});

test("the zone is TZ's as it was at the start, then what TZ is set to; what is no name is UTC", async () => {
  const found = async (TZ: string) => (await run(["clocks"], { env: { TZ } })).found;
  expect(await found("Europe/Berlin")).toEqual({
    given: ["Europe/Berlin", "Europe/Berlin", 1],
    assigned: ["Asia/Tokyo", "Asia/Tokyo", 9],
    offset: "+02:00",
    turns: "2026-10-25T01:00:00Z",
    neverBack: true,
  });
  for (const none of ["CET-1CEST,M3.5.0,M10.5.0/3", "/usr/share/zoneinfo/Europe/Berlin", ":/etc/nothing"])
    expect(await found(none)).toMatchObject({ given: ["UTC", "UTC", 0] });
});

test("nothing is loaded from the folder that the process starts in, and bun:ffi works", async () => {
  const cwd = mkdtempSync(`${dir}/`);
  writeFileSync(`${cwd}/.env`, "FROM_DOTENV=yes\n");
  writeFileSync(`${cwd}/preload.ts`, "globalThis.preloaded = true;\n");
  writeFileSync(`${cwd}/bunfig.toml`, 'preload = ["./preload.ts"]\n');
  const { found } = await run(["surroundings"], { cwd });
  expect(found).toEqual({ ffi: "works", fromDotenv: null, preloaded: null });
});

test("without the just-in-time compiler, as under W^X, bun:ffi says so and all else runs", async () => {
  const { found, status } = await run(["surroundings"], { env: { BUN_JSC_useJIT: "0" } });
  expect(status).toBe(0);
  expect(found).toMatchObject({ ffi: "bun:ffi requires the JIT" });
});
