// libvmpower.h: its structs and bytes are the oracles', and no host makes it wait, write or read past its bounds.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXTENSION, PAGE } from "../../internal/packet/extension-table.ts";
import { STATUS } from "../../internal/packet/constants.ts";
import { NOTICE_COMMAND } from "../../internal/packet/notice.ts";
import { EXTENSION_STRUCTS, golden, STRUCTS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";
import { COMPILERS, compile, type Compiler } from "../helpers/c-compiler.ts";
import { testNeeding } from "../helpers/needing.ts";

const ROOT = join(import.meta.dir, "../..");
const HEADER = await Bun.file(join(ROOT, "packaging/c/libvmpower.h")).text();
const DOC = await Bun.file(join(ROOT, "docs/libvmpower.md")).text();
const FRAME = 464;
const dir = mkdtempSync(join(tmpdir(), "libvmpower-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Returns the program that tries the header, compiled once by each compiler. */
function program(compiler: Compiler): string {
  const out = join(dir, compiler.name);
  if (!built.has(out)) compile(compiler, "tests/fixtures/packet/header.c", out);
  built.add(out);
  return out;
}
const built = new Set<string>();

/** What a host does with a frame: returns what it sends for it. */
type Answerer = (frame: Uint8Array, send: (bytes: Uint8Array) => void, end: () => void) => void;

/** Runs the program against a host, and returns what was asked and printed. */
async function tried(words: readonly [string, ...string[]], host: Answerer, compiler: Compiler = GCC) {
  const path = join(dir, `${compiler.name}.sock`);
  const frames: string[] = [];
  let held = new Uint8Array(0);
  const listener = Bun.listen({
    unix: path,
    socket: {
      data(socket, bytes) {
        held = Uint8Array.from([...held, ...bytes]);
        for (; held.length >= FRAME; held = held.slice(FRAME)) {
          frames.push(held.slice(0, FRAME).toHex());
          host(
            held.slice(0, FRAME),
            (reply) => void socket.write(reply),
            () => socket.end(),
          );
        }
      },
    },
  });
  try {
    const [mode, ...rest] = words;
    const child = Bun.spawn([program(compiler), mode, `unix:${path}`, ...rest], {
      stdout: "pipe",
      stderr: "pipe",
      timeout: 60_000,
    });
    const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    return { frames, lines: out.split("\n").slice(0, -1), err, status };
  } finally {
    listener.stop(true);
    rmSync(path, { force: true });
  }
}
const [GCC] = COMPILERS;

/** The oracle's requests in the order in which the program makes them, and the oracle's answer to each. */
const ASKED = [
  ["hello", "hello", "hello 0 1 10 12"],
  ["ping", "ping", "ping 0 3"],
  ...["up", "down", "max", "min", "turbo-on", "turbo-off"].map(
    (step) => [`scale-${step}`, "scale", "scale 0 1200000 2600000"] as const,
  ),
  ["set-khz", "set-khz", "set-khz 0 2400000 2400000"],
  ["set-khz-turbo", "refused", "set-khz 23 This VM may not use turbo."],
  ["release", "release", "release 0 0 800000"],
  ["release-all", "release", "release 0 0 800000"],
  ["freqs", "freqs", "freqs 0 42 40 2 1: 900000 800000"],
  ["state", "state", "state 0 1 2 3 4 5 6 7 8 9 10 3 12 2 3 9999 18 61 There is no vCPU 11."],
  ["list", "list", "list 0 35 32 3: 2600000/1 0/2 800000/3"],
  ["policy-remove", "policy-remove", "policy-remove 0 1"],
  ["energy", "energy", "energy 0 78187493530 86400 10 1"],
] as const;

/** Returns the oracle's answer with the sequence of `frame`. */
function answer(title: string, frame: Uint8Array): Uint8Array {
  const reply = golden("answer", title);
  reply.set(frame.subarray(8, 12), 8);
  return reply;
}
/** Returns whether a frame is the extension's, which a CONNECT is not. */
const isAsked = (frame: Uint8Array) => frame[15] === 0x56;
/** Answers each request in turn. */
function inTurn(send: (reply: Uint8Array, out: (bytes: Uint8Array) => void) => void): Answerer {
  let at = -1;
  return (frame, out) => {
    const row = ASKED[at++];
    if (row !== undefined) send(answer(row[1], frame), out);
  };
}
const SAID = ["open 0 ", ...ASKED.map(([, , line]) => line), "closed -E9"];

describe.each(COMPILERS)("$title", (compiler) => {
  testNeeding(
    [compiler.name],
    `libvmpower.h has the oracles' structs (${compiler.title})`,
    () => {
      const printed = Bun.spawnSync([program(compiler), "structs"]);
      expect(printed.stderr.toString()).toBe("");
      const ours = printed.stdout
        .toString()
        .trim()
        .split("\n")
        .map((line) => line.split(" ").slice(1).join(" "));
      const oracles = [...STRUCTS, ...EXTENSION_STRUCTS]
        .filter(({ generation }) => generation !== "2014" && generation !== "17.11")
        .map(({ generation, name, size, members }) => [generation, name, size, ...members].join(" "));
      expect(ours.length).toBeGreaterThan(15);
      expect(ours).toEqual(oracles);
    },
    90_000,
  );

  testNeeding(
    [compiler.name],
    `libvmpower.h sends the oracle's bytes and reads them (${compiler.title})`,
    async () => {
      const { frames, lines, err } = await tried(
        ["ask"],
        inTurn((reply, out) => out(reply)),
        compiler,
      );
      expect({ lines, err }).toEqual({ lines: SAID, err: "" });
      const requests = ASKED.map(([title]) => golden("request", title).toHex());
      // The first HELLO's sequence is the program's own.
      expect(frames).toEqual([golden("18.11", "connect").toHex(), ...requests]);
    },
    90_000,
  );

  testNeeding(
    [compiler.name],
    `hold.c and the document's example compile without a warning (${compiler.title})`,
    () => {
      compile(compiler, "packaging/c/hold.c", join(dir, "hold"));
      const [shown = "", example = ""] = /```c\n(#include[^`]*)```/.exec(DOC) ?? [];
      expect(shown).not.toBe("");
      const header = JSON.stringify(join(ROOT, "packaging/c/libvmpower.h"));
      writeFileSync(join(dir, "doc.c"), example.replace("<libvmpower.h>", header));
      compile(compiler, join(dir, "doc.c"), join(dir, "doc"));
    },
    90_000,
  );
});

const withGcc = (title: string, body: () => Promise<void>) => testNeeding(["gcc"], title, body, 90_000);

withGcc(
  "vmpower_scale() sends DPDK's packet before HELLO was answered, and knows its ACK by the stamp",
  async () => {
    const { frames, lines } = await tried(["v1"], (frame, out) => {
      if (frame[12] !== 1) return;
      const older = frame.slice();
      older[48] = ~(frame[48] ?? 0) & 0xff;
      older[12] = 2;
      out(older);
      frame[12] = frame[8] === 4 ? 2 : 1;
      out(frame);
    });
    const no = "scale 65535 refused by the host, which gives no reason";
    const yes = "scale 0";
    expect(lines).toEqual(["open 0 ", yes, yes, yes, no, yes, yes, "scale -E22", "closed -E9"]);
    const steps = ["up", "down", "max", "min", "turbo-on", "turbo-off"];
    expect(frames.slice(1).map((hex) => hex.slice(0, 96) + "0".repeat(16) + hex.slice(112))).toEqual(
      steps.map((step) => golden("18.11", `scale-${step}`).toHex()),
    );
  },
);

withGcc("an answer may come in pieces, behind other replies and behind notices", async () => {
  const others = [golden("reply", "freq-list"), golden("reply", "caps-list"), golden("notice", "host-awake")];
  const { lines } = await tried(
    ["ask"],
    inTurn((reply, out) => {
      const older = reply.slice();
      older[8] = 77;
      const all = Buffer.concat([...others, older, reply]);
      for (let at = 0; at < all.length; at += 101) out(all.subarray(at, at + 101));
    }),
  );
  expect(lines).toEqual(SAID);
});

withGcc("a host that is silent, ends, or sends what is no reply gets no more than the deadline", async () => {
  const silent = await tried(["read", "1"], () => {});
  expect(silent.lines).toEqual(["open 0 ", "read -E110", "closed -E9"]);
  const ended = await tried(["read", "1"], (_, __, end) => end());
  expect(ended).toMatchObject({ lines: ["open 0 ", "read -E107", "closed -E9"], status: 0 });
  const noise = await tried(["read", "1"], (frame, out) => {
    if (isAsked(frame)) out(new Uint8Array(1000).fill(0x5a));
  });
  expect(noise.lines).toEqual(["open 0 ", "read -E110", "closed -E9"]);
});

withGcc("a host that never stops sending does not keep a call past its deadline", async () => {
  const { lines } = await tried(["read", "1"], (frame, out) => {
    if (!isAsked(frame)) return;
    const older = answer("state", frame);
    older[8] = ~(frame[8] ?? 0) & 0xff;
    for (let i = 0; i < 5000; i++) out(older);
  });
  expect(lines).toEqual(["open 0 ", "read -E110", "closed -E9"]);
});

withGcc(
  "counts past their room, texts without a NUL and any other bytes stay within the structs",
  async () => {
    const past = await tried(["read", "1"], (frame, out) => {
      if (!isAsked(frame)) return;
      const reply = frame.slice();
      reply.fill(0xff, 16);
      reply.fill(0, 48, 52);
      reply[13] = (frame[13] ?? 0) | 0x80;
      out(reply);
    });
    // Name and sentence of one answer, and the words "done".
    expect(past).toMatchObject({
      err: `${PAGE.FREQS * 2 + PAGE.VCPUS * 3} entries, ${31 + 207 + 4} letters\n`,
    });
    const next = random(3);
    const any = await tried(["read", "400"], (frame, out) => {
      if (!isAsked(frame)) return;
      const reply = Uint8Array.from({ length: FRAME }, () => next(256));
      reply.set(frame.subarray(0, 16));
      reply[13] = (frame[13] ?? 0) | 0x80;
      if (next(2) > 0) reply.fill(0, 48, 52);
      out(reply);
    });
    expect(any).toMatchObject({ status: 0, err: expect.stringMatching(/^\d+ entries, \d+ letters\n$/) });
  },
);

withGcc("vmpower_open() says what is wrong with a port", async () => {
  const open = (path: string) =>
    Bun.spawnSync([program(GCC), "ask", path])
      .stdout.toString()
      .split("\n")[0];
  const file = join(dir, "file");
  writeFileSync(file, "");
  mkdirSync(join(dir, "folder"));
  expect(open(join(dir, "none"))).toBe("open -E2 No such file or directory");
  expect(open(file)).toBe("open -E25 that is no virtio port");
  expect(open(join(dir, "folder"))).toBe("open -E21 Is a directory");
  expect(open(`unix:${join(dir, "none")}`)).toBe("open -E2 No such file or directory");
  expect(open(`unix:${"x".repeat(200)}`)).toBe("open -E36 File name too long");
  const listener = Bun.listen({ unix: join(dir, "gone"), socket: { data() {} } });
  listener.stop(true);
  writeFileSync(join(dir, "gone"), "");
  expect(open(`unix:${join(dir, "gone")}`)).toBe("open -E107 nobody holds the host's end of the port");
});

/** Returns the numbers of an enum's words, counted as C counts them. */
function numbersIn(prefix: RegExp): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [, body = ""] of HEADER.matchAll(/\benum \{([^}]*)\}/g)) {
    let number = -1;
    for (const part of body.replace(/\/\*.*?\*\//gs, "").split(",")) {
      const [name = "", given] = part.trim().split(/\s*=\s*/);
      number = given === undefined ? number + 1 : Number(given);
      if (prefix.test(name)) found[name.replace(prefix, "").toLowerCase().replaceAll("_", "-")] = number;
    }
  }
  return found;
}

test("libvmpower.h has the numbers of every command and status", () => {
  const statuses = numbersIn(/^VMPOWER_E_/);
  expect(statuses).toEqual(STATUS.number);
  const commands = Object.fromEntries(
    Object.entries(numbersIn(/^VMPOWER_/)).filter(([, number]) => number > 0x564d0000),
  );
  const ours = Object.entries(EXTENSION).map(([what, { code }]) => [what, code]);
  expect(commands).toEqual(Object.fromEntries([...ours, ["notice", NOTICE_COMMAND]]));
});

test("docs/libvmpower.md has every function of libvmpower.h, as it is declared", () => {
  const squeezed = (text: string) => text.replace(/\s+/g, " ").replaceAll("( ", "(").trim();
  const declared = [...HEADER.matchAll(/^static inline ([^{;]*?\))\n\{/gm)]
    .map(([, line = ""]) => squeezed(line))
    .filter((line) => !line.includes("_("));
  const documented = [...DOC.matchAll(/^(\w[^`\n]*vmpower_\w+\(.*\));$/gm)].map(([, line = ""]) => line);
  expect(documented.length).toBeGreaterThan(10);
  expect(documented.toSorted()).toEqual(declared.toSorted());
});
