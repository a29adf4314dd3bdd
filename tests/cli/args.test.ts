import { expect, test } from "bun:test";
import * as v from "valibot";
import { cpuList, cpuNumbers, integer, nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import type { ArgsDef } from "../../internal/cli/command.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { parseWords } from "../../internal/cli/words.ts";

const LIST = "a list of CPU numbers from 0 to 8191 such as 1,3,5-7";

test.each([
  ["integer(1, 60_000)", "1", integer(1, 60_000), 1],
  ["integer(1, 60_000)", "60000", integer(1, 60_000), 60_000],
  ["integer(1, 60_000)", "007", integer(1, 60_000), 7],
  ["integer(-5, 5)", "-5", integer(-5, 5), -5],
  ["cpuNumbers", "0", cpuNumbers, [0]],
  ["cpuNumbers", "1,3,5-7", cpuNumbers, [1, 3, 5, 6, 7]],
  ["cpuNumbers", "7,5-6,5", cpuNumbers, [5, 6, 7]],
  ["cpuNumbers", "1, 3", cpuNumbers, [1, 3]],
  ["cpuNumbers", "8191", cpuNumbers, [8191]],
  ["cpuList", "all", cpuList, "all"],
  ["cpuList", "2-2", cpuList, [2]],
  ["nonEmpty", "x", nonEmpty, "x"],
] as const)("parseArgs() with %s reads %p", (_name, text, schema, value) => {
  expect(parseArgs(v.object({ key: schema }), { key: text })).toEqual({ key: value as never });
});

const WHOLE = "must be a whole number from 1 to 60000";
test.each([
  ["integer(1, 60_000)", "abc", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "abc".`],
  ["integer(1, 60_000)", "0", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "0".`],
  ["integer(1, 60_000)", "60001", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "60001".`],
  ["integer(1, 60_000)", "1e3", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "1e3".`],
  ["integer(1, 60_000)", "1.5", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "1.5".`],
  ["integer(1, 60_000)", "", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "".`],
  ["integer(1, 60_000)", "0x10", integer(1, 60_000), `--timeout-ms ${WHOLE}, not "0x10".`],
  ["integer(1, 60_000)", undefined, integer(1, 60_000), `--timeout-ms is missing; it ${WHOLE}.`],
  ["cpuNumbers", "all", cpuNumbers, `--timeout-ms must be ${LIST}, not "all".`],
  ["cpuNumbers", "3-1", cpuNumbers, `--timeout-ms must be ${LIST}, not "3-1".`],
  ["cpuNumbers", ",", cpuNumbers, `--timeout-ms must be ${LIST}, not ",".`],
  ["cpuNumbers", "-1", cpuNumbers, `--timeout-ms must be ${LIST}, not "-1".`],
  ["cpuNumbers", "8192", cpuNumbers, `--timeout-ms must be ${LIST}, not "8192".`],
  ["cpuNumbers", "0-99999", cpuNumbers, `--timeout-ms must be ${LIST}, not "0-99999".`],
  ["cpuList", "al", cpuList, `--timeout-ms must be ${LIST}, or all, not "al".`],
] as const)("parseArgs() with %s refuses %p", (_name, text, schema, sentence) => {
  expect(() => parseArgs(v.object({ timeoutMs: schema }), { timeoutMs: text })).toThrow(
    new UsageError(sentence),
  );
});

test("parseArgs() names a positional as the help does", () => {
  const defs: ArgsDef = { pcpu: { type: "positional", description: "d" } };
  expect(() => parseArgs(v.object({ pcpu: integer(0, 7) }), parseWords(defs, ["9"]))).toThrow(
    new UsageError('PCPU must be a whole number from 0 to 7, not "9".'),
  );
});
