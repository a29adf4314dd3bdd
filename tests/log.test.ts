import { expect, test } from "bun:test";
import { Log, type LogFormat, type LogLevel } from "../internal/log.ts";

/** A log and the lines it wrote. */
function logged(level: LogLevel = "info", format: LogFormat = "text", journal = false) {
  const lines: string[] = [];
  return { lines, log: new Log(level, format, journal, (line) => void lines.push(line)) };
}

test("warnFolded() tells a repeated warning once, then its count when the minute is over", () => {
  const { lines, log } = logged();
  for (let n = 0; n < 50; n++) log.warnFolded("k", "No pin", { channel: "vm1.0" }, n);
  log.unfold(59_999);
  expect(lines).toEqual(["warn: No pin channel=vm1.0\n"]);
  log.unfold(60_000);
  expect(lines.slice(1)).toEqual(["warn: No pin channel=vm1.0 repeated=49\n"]);
  log.unfold(200_000);
  expect(lines).toHaveLength(2);
});

test("warnFolded() goes on with one line a minute while the warning goes on", () => {
  const { lines, log } = logged();
  for (let ms = 0; ms < 300_000; ms += 500) {
    log.warnFolded("k", "No pin", {}, ms);
    log.unfold(ms);
  }
  expect(lines[0]).toBe("warn: No pin\n");
  expect(lines.slice(1).map((line) => /repeated=(\d+)/.exec(line)?.[1])).toEqual(
    Array(4).fill(expect.any(String)),
  );
  const itself = lines.length;
  log.unfold(Infinity);
  const repeats = lines.slice(1).reduce((sum, line) => sum + Number(/repeated=(\d+)/.exec(line)?.[1]), 0);
  expect(itself + repeats).toBe(600);
});

test("warnFolded() tells a warning that comes back later with the count from before, also without unfold()", () => {
  const { lines, log } = logged();
  for (const ms of [0, 1, 2, 70_000, 70_001, 200_000]) log.warnFolded("k", "No pin", {}, ms);
  expect(lines).toEqual(["warn: No pin\n", "warn: No pin repeated=2\n", "warn: No pin repeated=1\n"]);
});

test("warnFolded() keeps causes apart, and few enough that a guest can't grow the memory", () => {
  const { lines, log } = logged();
  log.warnFolded("a", "A", {}, 0);
  log.warnFolded("b", "B", {}, 0);
  for (let n = 0; n < 5000; n++) log.warnFolded(`odd ${n}`, "Odd", {}, 1);
  log.warnFolded("a", "A", {}, 2);
  expect(lines.filter((line) => line === "warn: A\n")).toHaveLength(2);
  expect(lines).toHaveLength(5003);
});

test("what is no folded warning is told each time: the audit of changes is never folded", () => {
  const { lines, log } = logged("debug");
  for (let n = 0; n < 20; n++) log.info("Control request done", { request: "PUT /v1/freq/0" });
  for (let n = 0; n < 20; n++) log.debug("Frequency set", { domain: 0, khz: 1 });
  for (let n = 0; n < 20; n++) log.error("Cannot write");
  expect(lines).toHaveLength(60);
});

test.each([
  ["error", ["error"]],
  ["warn", ["error", "warn"]],
  ["info", ["error", "warn", "info"]],
  ["debug", ["error", "warn", "info", "debug"]],
] as const)("a log of level %s writes %j", (level, told) => {
  const { lines, log } = logged(level);
  for (const one of ["error", "warn", "info", "debug"] as const) log[one]("x");
  expect(lines).toEqual(told.map((one) => `${one}: x\n`));
  expect(log.debugs).toBe(level === "debug");
});

test("a line has the journal's priority, and one line is one event whatever is in it", () => {
  const { lines, log } = logged("debug", "text", true);
  log.error("a\n<0>forged", { vm: "x\n<0>y", n: 3, gone: undefined });
  log.debug("b");
  expect(lines).toEqual(['<3>a\\u000a<0>forged vm="x\\n<0>y" n=3\n', "<7>b\n"]);
});

test("JSON lines hold time, level, message and fields", () => {
  const { lines, log } = logged("info", "json", true);
  log.warn("No\npin", { vm: "x" });
  expect(lines).toHaveLength(1);
  const { time, ...rest } = JSON.parse(lines[0] ?? "");
  expect(rest).toEqual({ level: "warn", message: "No\npin", vm: "x" });
  expect(new Date(time).toISOString()).toBe(time);
});

test("a log that can't be written stops nothing", () => {
  const log = new Log("info", "text", false, () => {
    throw Object.assign(new Error("full"), { code: "ENOSPC" });
  });
  expect(() => log.error("x")).not.toThrow();
});
