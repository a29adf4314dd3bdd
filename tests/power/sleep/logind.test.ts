// What is understood of logind's answers; the bus itself is a stand-in here.

import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { type Ended, type Run, runCommand } from "../../../internal/os/spawn.ts";
import { askLogind, parseInhibitors, sleepByLogind } from "../../../internal/power/sleep/logind.ts";

const bus =
  (answers: Readonly<Record<string, string>>, asked: string[] = []): Run =>
  async (argv): Promise<Ended | undefined> => {
    const method = argv[argv.indexOf("org.freedesktop.login1.Manager") + 1] ?? "";
    asked.push(argv.slice(argv.indexOf(method)).join(" "));
    const stdout = answers[method];
    return stdout === undefined
      ? { status: 1, stdout: "", stderr: "Call failed: Access denied" }
      : { status: 0, stdout, stderr: "" };
  };

const said = (word: string) => `{"type":"s","data":["${word}"]}`;

test("askLogind() tells each target and who inhibits sleep", async () => {
  const logind = await askLogind(
    bus({
      CanSuspend: said("yes"),
      CanHibernate: said("na"),
      CanHybridSleep: "not JSON",
      ListInhibitors: `{"type":"a(ssssuu)","data":[[["sleep:shutdown","backup","nightly run","block",0,812],["idle","player","film","block",1000,900]]]}`,
    }),
  );
  expect(logind).toEqual({
    can: { mem: "yes", disk: "na" },
    inhibitors: [{ who: "backup", why: "nightly run", mode: "block", pid: 812 }],
  });
});

test("askLogind() is undefined after one question when nobody answers", async () => {
  const asked: string[] = [];
  expect(await askLogind(bus({}, asked))).toBeUndefined();
  expect(asked).toEqual(["CanSuspend"]);
  expect(await askLogind(async () => undefined)).toBeUndefined();
});

test("sleepByLogind() calls the target's method and returns a complaint", async () => {
  const asked: string[] = [];
  expect(await sleepByLogind("disk", bus({ Hibernate: "" }, asked))).toBeUndefined();
  expect(asked).toEqual(["Hibernate b false"]);
  expect(await sleepByLogind("mem", bus({}))).toBe("Call failed: Access denied");
  expect(await sleepByLogind("freeze", bus({}))).toBe("logind has no way to freeze");
  expect(await sleepByLogind("mem", async () => undefined)).toMatch(/did not answer within/);
});

test("parseInhibitors() takes nothing from text that is no answer", () => {
  for (const text of ["", "null", "[]", `{"data":[[7,["sleep"],[3,"x"]]]}`, `{"data":{"x":1}}`])
    expect(parseInhibitors(text)).toEqual([]);
});

test("runCommand() ends a child and its children at the limit", async () => {
  const dir = mkdtempSync(`${tmpdir()}/command-`);
  const script = `${dir}/stuck`;
  writeFileSync(script, "#!/bin/sh\nsleep 30 & echo started; wait\n");
  chmodSync(script, 0o755);
  const start = performance.now();
  expect(await runCommand([script], 200)).toBeUndefined();
  expect(performance.now() - start).toBeLessThan(5000);
  expect(await runCommand([`${dir}/absent`], 200)).toBeUndefined();
  expect(await runCommand(["sh", "-c", "echo out; echo err >&2; exit 3"], 5000)).toEqual({
    status: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  rmSync(dir, { recursive: true });
});
