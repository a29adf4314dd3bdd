// What the reader accepts, and the sentence for each thing that it doesn't.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeProblem } from "../../internal/config/problem.ts";
import { readConfigFile } from "../../internal/config/read.ts";
import { configFolder } from "./folder.ts";

function problemsOf(text: string): string[] {
  using folder = configFolder();
  const file = folder.write("p.toml", text);
  const read = readConfigFile(file);
  return read.ok ? [] : read.error.map((problem) => describeProblem(problem).replace(file, "F"));
}

const GOOD: [string, string, unknown][] = [
  ["an empty file", "", {}],
  ["numbered pins", "[vm.a]\npins = { 0 = 2, 1 = 3 }", { vm: { a: { pins: { 0: 2, 1: 3 } } } }],
  ["pins as lists", '[vm.a]\npins = { "0" = "2-3" }', { vm: { a: { pins: { 0: "2-3" } } } }],
  [
    "kHz and names",
    '[vm.a]\nfloor = 10000\nceiling = "base"',
    { vm: { a: { floor: 10000, ceiling: "base" } } },
  ],
  ["a quoted VM name", '[vm."web 1.x"]\nturbo = false', { vm: { "web 1.x": { turbo: false } } }],
  ["a VM called toString", "[vm.toString]\nturbo = false", { vm: { toString: { turbo: false } } }],
  ["the longest VM name", `[vm.${"x".repeat(255)}]`, { vm: { ["x".repeat(255)]: {} } }],
  ["no commands at all", "[vm.a]\ncommands = []", { vm: { a: { commands: [] } } }],
  ["limits by CPU list", '[limits."0-3,8"]\nfloor = "base"', { limits: { "0-3,8": { floor: "base" } } }],
  ["no control group", '[control]\ngroup = ""', { control: { group: "" } }],
  [
    "the largest rate",
    "[vm.a.rate]\nrequests_per_second = 1000000",
    { vm: { a: { rate: { requests_per_second: 1e6 } } } },
  ],
];

const BOUND = 'Write kHz (10000 to 20000000; 2.4 GHz is 2400000), "min", "base" or "max".';
const NAME = 'Name a VM as QEMU or libvirt does: 1 to 255 bytes, without "/" and control characters.';
const BAD: [string, string, string[]][] = [
  [
    "a typo at the top",
    "\n[chanels]\n",
    ["F:2: chanels is not a key that powermon knows. Did you mean channels?"],
  ],
  [
    "a typo in a section",
    '[pinning]\n\nflaoting = "all"',
    ["F:3: pinning.flaoting is not a key that powermon knows. Did you mean floating?"],
  ],
  [
    "a typo in a VM",
    "[vm.a]\nquerys = true",
    ["F:2: vm.a.querys is not a key that powermon knows. Did you mean queries?"],
  ],
  [
    "a typo in an inline table",
    "[vm.a]\nrate = { brust = 3 }",
    ["F:2: vm.a.rate.brust is not a key that powermon knows. Did you mean burst?"],
  ],
  [
    "a key that is like no other",
    "[control]\nzzzzzz = 1",
    ["F:2: control.zzzzzz is not a key that powermon knows. The keys here are socket, group, watch_group."],
  ],
  [
    "a member of Object",
    "[pinning]\ntoString = 1",
    [
      "F:2: pinning.toString is not a key that powermon knows. The keys here are sources, floating, libvirt_uri.",
    ],
  ],
  [
    "a VM named as Object's own",
    "[vm.constructor]",
    ["F:1: vm.constructor is a name that can't stand here. Choose another name; this one is reserved."],
  ],
  ["MHz for kHz", "[vm.a]\nfloor = 2400", [`F:2: vm.a.floor is 2400. ${BOUND}`]],
  ["a float for kHz", "[vm.a]\nceiling = 2400000.5", [`F:2: vm.a.ceiling is 2400000.5. ${BOUND}`]],
  ["no number", "[vm.a]\nceiling = nan", [`F:2: vm.a.ceiling is NaN. ${BOUND}`]],
  [
    "a wrong word",
    '[pinning]\nfloating = "al"',
    ['F:2: pinning.floating is "al". Write one of "refuse", "all".'],
  ],
  [
    "a wrong source",
    '[pinning]\nsources = [\n  "proc",\n  "libvrt",\n]',
    [
      'F:2: pinning.sources.1 is "libvrt". Write a list such as ["proc", "libvirt"], each word once; the words are proc, libvirt, qmp, static.',
    ],
  ],
  [
    "no source",
    "[pinning]\nsources = []",
    [
      'F:2: pinning.sources is []. Write a list such as ["proc", "libvirt"], each word once; the words are proc, libvirt, qmp, static.',
    ],
  ],
  [
    "a command twice",
    '[vm.a]\ncommands = ["up", "up"]',
    [
      'F:2: vm.a.commands is ["up","up"]. Write a list such as ["up", "down"], each word once; the words are up, down, max, min, turbo-on, turbo-off, policy, query.',
    ],
  ],
  [
    "a number for a word",
    "[vm.a]\nwire = 2014",
    ['F:2: vm.a.wire is 2014. Write one of "auto", "2014", "17.11", "18.11".'],
  ],
  ["a word for a flag", '[vm.a]\nqueries = "yes"', ['F:2: vm.a.queries is "yes". Write true or false.']],
  [
    "a date for a flag",
    "[vm.a]\nqueries = 1979-05-27",
    ["F:2: vm.a.queries is a date or time. Write true or false."],
  ],
  [
    "a rate below none",
    "[vm.a]\nrate.requests_per_second = -1",
    [
      "F:2: vm.a.rate.requests_per_second is -1. Write requests per second and VM, 0 for no limit, a whole number from 0 to 1000000.",
    ],
  ],
  [
    "half a second",
    "[vm.a]\nlease_s = 0.5",
    ["F:2: vm.a.lease_s is 0.5. Write seconds, 0 for no lease, a whole number from 0 to 86400."],
  ],
  [
    "a pCPU past the last",
    "[vm.a]\npins = { 0 = 8192 }",
    ['F:2: vm.a.pins.0 is 8192. Write one pCPU, such as 2, or a CPU list, such as "2-3".'],
  ],
  [
    "a pin without CPUs",
    '[vm.a]\npins = { 0 = "" }',
    ['F:2: vm.a.pins.0 is "". Write one pCPU, such as 2, or a CPU list, such as "2-3".'],
  ],
  [
    "a vCPU past the last",
    "[vm.a]\npins = { 4096 = 1 }",
    ["F:2: vm.a.pins.4096 is a name that can't stand here. Name a vCPU by its number, 0 to 4095."],
  ],
  [
    "a vCPU that is a word",
    "[vm.a.pins]\none = 1",
    ["F:2: vm.a.pins.one is a name that can't stand here. Name a vCPU by its number, 0 to 4095."],
  ],
  [
    "pins in a list",
    "[vm.a]\npins = [2, 3]",
    ["F:2: vm.a.pins is [2,3]. Write a table of vCPU = pCPU, such as { 0 = 2, 1 = 3 }."],
  ],
  ["a slash in a VM's name", '[vm."a/b"]', [`F:1: vm."a/b" is a name that can't stand here. ${NAME}`]],
  [
    "a NUL in a VM's name",
    '[vm."a\\u0000b"]',
    [`F:1: vm."a\\u0000b" is a name that can't stand here. ${NAME}`],
  ],
  ["a VM without a name", '[vm.""]', [`F:1: vm."" is a name that can't stand here. ${NAME}`]],
  ["a VM called ..", '[vm.".."]', [`F:1: vm.".." is a name that can't stand here. ${NAME}`]],
  [
    "a VM's name of 256 bytes",
    `[vm.${"x".repeat(256)}]`,
    [`F:1: vm.${"x".repeat(256)} is a name that can't stand here. ${NAME}`],
  ],
  [
    "a list of VMs",
    "[[vm]]\nfloor = 1",
    ['F:1: vm is [{"floor":1}]. Write tables named by VM, such as [vm.vm1].'],
  ],
  [
    "a backward limit",
    '[limits."3-1"]',
    ['F:1: limits.3-1 is a name that can\'t stand here. Name pCPUs as a list, such as [limits."0-3"].'],
  ],
  [
    "a relative folder",
    '[channels]\ndirs = ["run"]',
    [
      'F:2: channels.dirs.0 is "run". Write a folder as a whole path, such as "/run/powermon", of at most 103 bytes and without "..".',
    ],
  ],
  [
    "a folder twice",
    '[channels]\ndirs = ["/a", "/a"]',
    ['F:2: channels.dirs is ["/a","/a"]. Name each folder once.'],
  ],
  [
    "an empty socket",
    '[control]\nsocket = ""',
    [
      'F:2: control.socket is "". Write a socket as a whole path, such as "/run/powermon", of at most 107 bytes and without "..".',
    ],
  ],
  [
    "a socket too long",
    `[control]\nsocket = "/${"x".repeat(107)}"`,
    [
      `F:2: control.socket is "/${"x".repeat(78)}.... Write a socket as a whole path, such as "/run/powermon", of at most 107 bytes and without "..".`,
    ],
  ],
  [
    "no URI",
    '[pinning]\nlibvirt_uri = "-c x"',
    ['F:2: pinning.libvirt_uri is "-c x". Write a libvirt connection URI, such as "qemu:///system".'],
  ],
  [
    "two things",
    '[vm.a]\nturbo = 1\n[control]\ngroup = "a b"',
    [
      "F:2: vm.a.turbo is 1. Write true or false.",
      'F:4: control.group is "a b". Write a group\'s name, such as "powermon", or "" for none.',
    ],
  ],
  [
    "no TOML",
    "state_dir = /var\n",
    ["F:1: Is not TOML: Expected a value but found '/'. See https://toml.io/en/v1.0.0."],
  ],
  [
    "a key twice",
    "\n[vm.a]\nturbo = true\nturbo = true\n[vm.b]\n",
    ["F:4: Is not TOML: Cannot redefine key 'turbo'. See https://toml.io/en/v1.0.0."],
  ],
];

describe("readConfigFile()", () => {
  test.each(GOOD)("reads %s", (_, text, says) => {
    using folder = configFolder();
    const read = readConfigFile(folder.write("p.toml", text));
    expect(read.ok && read.value.says).toEqual(says as never);
  });

  test.each(BAD)("refuses %s and says where and why", (_, text, sentences) => {
    expect(problemsOf(text)).toEqual(sentences);
  });

  test("readConfigFile() tells the first twenty problems and counts the others", () => {
    const told = problemsOf(Array.from({ length: 25 }, (_, i) => `[vm.v${i}]\nturbo = 1\n`).join(""));
    expect(told.length).toBe(21);
    expect(told[19]).toStartWith("F:40: vm.v19.turbo is 1");
    expect(told[20]).toBe("F: Has 5 more problems. Mend these first.");
  });

  test.each([
    [
      "20,000 VMs",
      (i: number) => `[vm.v${i}]\n`,
      "Has 20000 tables and dotted keys. Keep them at 4096 at most.",
    ],
    ["20,000 dotted keys", (i: number) => `vm.v${i}.turbo=true\n`, "Has 20000 tables and dotted keys."],
    ["20,000 settings", (i: number) => `v${i}=1\n`, "Has 20000 settings. Keep them at 16384 at most."],
    [
      "20,000 entries of a list",
      (i: number) => (i === 0 ? "a = [" : i < 19_999 ? "[],\n" : "[],[],[]]"),
      "Has 20000 entries of lists. Keep them at 16384 at most.",
    ],
    [
      "5,000 settings of one table",
      (i: number) => (i < 5000 ? `v${i}=1\n` : "\n"),
      "Has 5000 settings in one table. Keep them at 4096 at most.",
    ],
    ["20,000 inline tables", (i: number) => `v${i}={},`, "Has 20000 settings."],
  ])("readConfigFile() refuses %s before the parser sees them", (_, one, why) => {
    expect(problemsOf(Array.from({ length: 20_000 }, (__, i) => one(i)).join(""))).toEqual([
      expect.stringContaining(why),
    ]);
  });

  test.each([
    ["p.toml", `a = ${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["p.toml", `a${".a".repeat(50_000)} = 1`],
    ["p.toml", `${"a.".repeat(33)}b = 1`],
    ["p.toml", `a = ${"[".repeat(33)}${"]".repeat(33)}`],
    ["p.json", `{"type": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("readConfigFile() refuses %s that is nested too deeply", (name, text) => {
    using folder = configFolder();
    const read = readConfigFile(folder.write(name, text));
    expect(read.ok ? [] : read.error.map(({ wrong, right }) => `${wrong}. ${right}`)).toEqual([
      "Is nested too deeply. Keep tables and lists within 32 others.",
    ]);
  });

  test("readConfigFile() answers, not hangs or throws, when the path is no regular file of text", () => {
    using folder = configFolder();
    const why = (path: string) => {
      const read = readConfigFile(path);
      return read.ok ? "" : read.error[0]?.wrong;
    };
    mkdirSync(join(folder.dir, "dir"));
    writeFileSync(join(folder.dir, "binary"), new Uint8Array([0x61, 0xff, 0xfe]));
    writeFileSync(join(folder.dir, "large"), "#".repeat((1 << 20) + 1));
    Bun.spawnSync(["mkfifo", join(folder.dir, "fifo")]);
    expect(why(join(folder.dir, "none"))).toBe("Cannot read it: ENOENT");
    expect(why(join(folder.dir, "dir"))).toBe("Is not a regular file");
    expect(why(join(folder.dir, "fifo"))).toBe("Is not a regular file");
    expect(why(join(folder.dir, "binary"))).toBe("Is not UTF-8 text");
    expect(why(join(folder.dir, "large"))).toBe("Has 1048577 bytes");
  });
});
