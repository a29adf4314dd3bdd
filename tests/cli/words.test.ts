import { expect, test } from "bun:test";
import type { ArgsDef } from "../../internal/cli/command.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { isFlag, kebab, labelOf, parseWords } from "../../internal/cli/words.ts";

const DEFS: ArgsDef = {
  step: { type: "positional", description: "d", options: ["up", "down"] },
  vm: { type: "positional", description: "d", required: false },
  timeoutMs: { type: "string", description: "d", valueHint: "n", default: "100", alias: "t" },
  pin: { type: "string", description: "d", repeatable: true },
  mode: { type: "enum", description: "d", options: ["fast", "slow"] },
  json: { type: "boolean", description: "d", alias: "j" },
  restore: { type: "boolean", description: "d", default: true },
};

const NOTHING = { timeoutMs: "100", pin: [], mode: undefined, vm: undefined, json: false, restore: true };

test.each([
  [["up"], { step: "up" }],
  [["down", "vm1"], { step: "down", vm: "vm1" }],
  [["--json", "up"], { step: "up", json: true }],
  [["up", "-j"], { step: "up", json: true }],
  [["up", "--timeout-ms", "5"], { step: "up", timeoutMs: "5" }],
  [["up", "--timeout-ms=5"], { step: "up", timeoutMs: "5" }],
  [["up", "-t", "5"], { step: "up", timeoutMs: "5" }],
  [["up", "-t=5"], { step: "up", timeoutMs: "5" }],
  [["up", "--timeout-ms", "-5"], { step: "up", timeoutMs: "-5" }],
  [["up", "--timeout-ms=--json"], { step: "up", timeoutMs: "--json" }],
  [["up", "--timeout-ms=a=b"], { step: "up", timeoutMs: "a=b" }],
  [["up", "-5"], { step: "up", vm: "-5" }],
  [["up", "-"], { step: "up", vm: "-" }],
  [["up", "--", "--json"], { step: "up", vm: "--json" }],
  [["up", "--pin", "a", "--pin=b"], { step: "up", pin: ["a", "b"] }],
  [["up", "--mode", "slow"], { step: "up", mode: "slow" }],
  [["up", "--no-restore"], { step: "up", restore: false }],
])("parseWords() takes %p", (words, given) => {
  const args = parseWords(DEFS, words);
  expect({ ...args }).toEqual({ ...NOTHING, ...given });
});

test.each([
  [[], "STEP is missing; it needs up|down."],
  [["left"], 'STEP must be one of up, down, not "left".'],
  [["dwon"], 'STEP must be one of up, down, not "dwon"; did you mean down?'],
  [[""], "STEP is empty; it needs up|down."],
  [["up", "vm1", "vm2"], 'stray word "vm2"; only STEP VM is wanted here.'],
  [["up", "--jsn"], 'unknown flag "--jsn"; did you mean --json?'],
  [
    ["up", "--toString"],
    'unknown flag "--toString"; the flags are --timeout-ms, -t, --pin, --mode, --json, -j, --restore, --help.',
  ],
  [
    ["up", "--__proto__=1"],
    'unknown flag "--__proto__"; the flags are --timeout-ms, -t, --pin, --mode, --json, -j, --restore, --help.',
  ],
  [["up", "--timeoutMs", "5"], 'unknown flag "--timeoutMs"; did you mean --timeout-ms?'],
  [["up", "-jt", "5"], 'unknown flag "-jt"; did you mean -t?'],
  [["up", "--pin"], "--pin needs a value, such as --pin=PIN."],
  [["up", "--timeout-ms", "--json"], "--timeout-ms needs a value, such as --timeout-ms=N."],
  [["up", "--pin", ""], "--pin has an empty value; it needs PIN."],
  [["up", "--pin="], "--pin has an empty value; it needs PIN."],
  [["up", "--json=true"], "--json takes no value; write --json alone."],
  [["up", "--json", "--no-json"], "--no-json is given more than once."],
  [["up", "-t", "1", "--timeout-ms", "2"], "--timeout-ms is given more than once."],
  [["up", "--no-jsn"], 'unknown flag "--no-jsn"; did you mean --no-json?'],
  [["up", "--mode", "fats"], '--mode must be one of fast, slow, not "fats"; did you mean fast?'],
])("parseWords() refuses %p", (words, sentence) => {
  expect(() => parseWords(DEFS, words)).toThrow(new UsageError(sentence));
});

test("parseWords() wants no words when none are defined, and required flags", () => {
  const defs: ArgsDef = { vcpu: { type: "string", description: "d", valueHint: "list", required: true } };
  expect(() => parseWords(defs, ["x"])).toThrow(new UsageError('stray word "x"; no words are wanted here.'));
  expect(() => parseWords(defs, [])).toThrow(new UsageError("--vcpu is missing; it needs LIST."));
});

test("parseWords() gives a repeatable positional all words that are left", () => {
  const defs: ArgsDef = {
    first: { type: "positional", description: "d" },
    rest: { type: "positional", description: "d", repeatable: true, required: false },
  };
  expect({ ...parseWords(defs, ["a", "b", "c"]) }).toEqual({ first: "a", rest: ["b", "c"] });
  expect({ ...parseWords(defs, ["a"]) }).toEqual({ first: "a", rest: [] });
});

test("kebab(), labelOf() and isFlag() spell words as people write them", () => {
  expect(["timeoutMs", "timeout-ms", "json"].map(kebab)).toEqual(["timeout-ms", "timeout-ms", "json"]);
  const args = parseWords(DEFS, ["up"]);
  expect(labelOf(args, "vm")).toBe("VM");
  expect(labelOf(args, "timeoutMs")).toBe("--timeout-ms");
  expect(labelOf({}, "timeoutMs")).toBe("--timeout-ms");
  expect(["-", "-5", "-.5", "x", "", "-x", "--", "--x"].map(isFlag)).toEqual([
    false,
    false,
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});
