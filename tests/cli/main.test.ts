import { expect, test } from "bun:test";
import { type Commands, defineCommand, type Io } from "../../internal/cli/command.ts";
import { main } from "../../internal/cli/main.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";

let loaded: string[] = [];
const lazily = (commands: Record<string, Awaited<ReturnType<Commands[string]>>["default"]>): Commands =>
  Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [
      name,
      async () => {
        loaded.push(name);
        return { default: command };
      },
    ]),
  );

const scale = defineCommand({
  meta: { name: "scale", summary: "move a clock", details: "One step.", examples: ["tool scale up"] },
  args: {
    step: { type: "positional", options: ["up", "down"], description: "Where to" },
    timeoutMs: { type: "string", valueHint: "n", default: "100", description: "Deadline" },
    pin: { type: "string", repeatable: true, description: "Pins" },
  },
  run({ args, io }) {
    // The types that the definition promises: these lines fail to compile when inference breaks.
    const step: "up" | "down" = args.step;
    const timeoutMs: string = args.timeoutMs;
    const pin: readonly string[] = args.pin;
    io.out(`${step} ${timeoutMs} ${pin.join("+")}`);
    return step === "up" ? 0 : 3;
  },
});
const list = defineCommand({
  meta: { name: "list", summary: "list VMs" },
  args: {},
  async run({ io }) {
    io.out("vm1");
    return STATUS.done;
  },
});
const vm = defineCommand({ meta: { name: "vm", summary: "list VMs or one" }, commands: lazily({ list }) });
const crash = defineCommand({
  meta: { name: "crash", summary: "A bug" },
  args: {},
  run: () => {
    throw new Error("impossible");
  },
});
const asks = defineCommand({
  meta: { name: "asks", summary: "Asks" },
  args: { json: { type: "boolean", description: "JSON" } },
  run: () => {
    throw new Error("impossible");
  },
});
const wrong = defineCommand({
  meta: { name: "wrong", summary: "Usage" },
  args: {},
  run: () => {
    throw new UsageError("that can't be meant.");
  },
});
const program = {
  name: "tool",
  version: "1.2.3",
  summary: "does things",
  commands: lazily({ scale, vm, crash, wrong, asks }),
};

async function call(words: readonly string[], env: Io["env"] = {}) {
  const out: string[] = [];
  const err: string[] = [];
  loaded = [];
  const io: Io = { out: (text) => out.push(text), err: (text) => err.push(text), isTTY: false, env };
  const status: Status = await main(program, words, io);
  return { status, out: out.join("\n"), err: err.join("\n") };
}

test.each([
  [["--version"], 0, "tool 1.2.3", ""],
  [["--version", "x"], 2, "", "tool: --version stands alone; nothing may follow it."],
  [["scale", "up"], 0, "up 100 ", ""],
  [["scale", "down", "--pin=a", "--pin", "b", "--timeout-ms", "7"], 3, "down 7 a+b", ""],
  [["vm", "list"], 0, "vm1", ""],
  [["scael", "up"], 2, "", 'tool: unknown command "scael"; did you mean scale?'],
  [["toString"], 2, "", 'tool: unknown command "toString"; the commands are scale, vm, crash, wrong, asks.'],
  [
    ["__proto__"],
    2,
    "",
    'tool: unknown command "__proto__"; the commands are scale, vm, crash, wrong, asks.',
  ],
  [[""], 2, "", 'tool: unknown command ""; the commands are scale, vm, crash, wrong, asks.'],
  [["vm", "lsit"], 2, "", 'tool: unknown command "vm lsit"; did you mean list?'],
  [["vm", "constructor"], 2, "", 'tool: unknown command "vm constructor"; the commands are list.'],
  [["vm", "list", "x"], 2, "", 'tool: stray word "x"; no words are wanted here.'],
  [["scale"], 2, "", "tool: STEP is missing; it needs up|down."],
  [["scale", "up", "--timeout"], 2, "", 'tool: unknown flag "--timeout"; did you mean --timeout-ms?'],
  [["--verison"], 2, "", 'tool: unknown flag "--verison"; did you mean --version?'],
  [["--quiet", "vm", "list"], 2, "", "tool: the command comes before its flags; write tool vm --quiet."],
  [["vm", "--quiet"], 2, "", "tool: the command comes before its flags; write tool vm COMMAND --quiet."],
  [["scael", "--", "--json"], 2, "", 'tool: unknown command "scael"; did you mean scale?'],
  [["help", "scael"], 2, "", 'tool: unknown command "scael"; did you mean scale?'],
  [["wrong"], 2, "", "tool: that can't be meant."],
  [["crash"], 1, "", "tool: internal error: impossible (DEBUG=1 shows where)"],
] as const)("main() with %p ends with %p", async (words, status, out, err) => {
  expect(await call(words)).toEqual({ status, out, err });
});

test.each([
  [["--json", "vm", "list"], 2, "invalid", "the command comes before its flags; write tool vm --json."],
  [["scael", "--json"], 2, "invalid", 'unknown command "scael"; did you mean scale?'],
  [["scale", "--json"], 2, "invalid", 'unknown flag "--json"; the flags are --timeout-ms, --pin, --help.'],
  [["asks", "--json", "--cpu"], 2, "invalid", 'unknown flag "--cpu"; the flags are --json, --help.'],
  [["asks", "--json"], 1, "failed", "internal error: impossible (DEBUG=1 shows where)"],
] as const)("main() with %p writes its error as one JSON document", async (words, status, code, message) => {
  const ended = await call(words);
  expect({ status: ended.status, err: ended.err }).toEqual({ status, err: "" });
  expect(JSON.parse(ended.out)).toEqual({ error: { code, message } });
});

test("main() shows a bug's stack when DEBUG is set", async () => {
  const { status, err } = await call(["crash"], { DEBUG: "1" });
  expect(status).toBe(1);
  expect(err).toStartWith("tool: internal error: impossible\n");
  expect(err).toContain("main.test.ts");
});

test("main() imports no command for --version, and only the called one else", async () => {
  await call(["--version"]);
  expect(loaded).toEqual([]);
  await call(["vm", "list"]);
  expect(loaded).toEqual(["vm", "list"]);
});

test.each([
  [["--help"], "tool 1.2.3 does things."],
  [["-h"], "tool 1.2.3 does things."],
  [["help"], "tool 1.2.3 does things."],
  [["vm", "--help"], "tool vm: list VMs or one"],
  [["help", "vm"], "tool vm: list VMs or one"],
  [["vm", "help"], "tool vm: list VMs or one"],
  [["--help", "vm"], "tool 1.2.3 does things."],
  [["help", "vm", "list"], "tool vm list: list VMs"],
  [["scale", "--nonsense", "-h"], "tool scale: move a clock"],
] as const)("main() with %p shows help", async (words, first) => {
  const { status, out, err } = await call(words);
  expect({ status, err, first: out.split("\n")[0] }).toEqual({ status: 0, err: "", first });
});

test.each([[[]], [["vm"]]] as const)("main() with %p says on err what commands there are", async (words) => {
  const { status, out, err } = await call(words);
  expect({ status, out }).toEqual({ status: 2, out: "" });
  expect(err).toContain(words.length === 0 ? "list VMs or one" : "list VMs");
});

test("main() draws a command's help from its definition", async () => {
  const { out } = await call(["scale", "--help"]);
  expect(out).toBe(`tool scale: move a clock

USAGE tool scale [OPTIONS] <STEP>

ARGUMENTS

  STEP    Where to (one of up, down) (Required)

OPTIONS

  --timeout-ms=<n>    Deadline (Default: 100)
       --pin=<pin>    Pins (may be repeated)
        -h, --help    show this help

One step.

EXAMPLES

  tool scale up`);
});

test("main() leaves --help after -- to the command", async () => {
  expect(await call(["scale", "--", "--help"])).toEqual({
    status: 2,
    out: "",
    err: 'tool: STEP must be one of up, down, not "--help".',
  });
});

const ofVm = defineCommand({
  meta: { name: "of", summary: "show or set" },
  commands: lazily({
    show: defineCommand({
      meta: { name: "show", summary: "show one" },
      args: {
        vm: { type: "positional", description: "VM" },
        json: { type: "boolean", description: "JSON" },
      },
      run: ({ args, io }) => (io.out(`shows ${args.vm} ${args.json}`), 0),
    }),
    set: list,
  }),
  otherwise: "show",
});
test.each([
  [["of", "web1"], 0, "shows web1 false"],
  [["of", "web1", "--json"], 0, "shows web1 true"],
  [["of", "show", "set"], 0, "shows set false"],
  [["of", "set"], 0, "vm1"],
  [["of", "sett", "web1"], 2, 'tool: unknown command "of sett"; did you mean set?'],
  [["of", "web1", "web2"], 2, 'tool: unknown command "of web1"; the commands are show, set.'],
  [["of", "web1", "--jsno"], 2, 'tool: unknown flag "--jsno"; did you mean --json?'],
])("main() takes %j for the command that a group means, or for none of it", async (argv, status, said) => {
  const lines: string[] = [];
  const io: Io = { out: (text) => lines.push(text), err: (text) => lines.push(text), isTTY: false };
  const program = { name: "tool", version: "1", summary: "does", commands: lazily({ of: ofVm }) };
  expect<unknown>([await main(program, argv, io), lines.join("\n")]).toEqual([status, said]);
});
