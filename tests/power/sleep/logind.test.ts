// What is understood of logind's answers; the bus itself is a stand-in here.

import { expect, test } from "bun:test";
import type { Run } from "../../../internal/os/spawn.ts";
import { askLogind, parseInhibitors, sleepByLogind } from "../../../internal/power/sleep/logind.ts";
import { err, ok } from "../../../internal/values/result.ts";

const bus =
  (answers: Readonly<Record<string, string>>, asked: string[] = []): Run =>
  async (argv) => {
    const method = argv[argv.indexOf("org.freedesktop.login1.Manager") + 1] ?? "";
    asked.push(argv.slice(argv.indexOf(method)).join(" "));
    const stdout = answers[method];
    return ok(
      stdout === undefined
        ? { status: 1, stdout: "", stderr: "Call failed: Access denied" }
        : { status: 0, stdout, stderr: "" },
    );
  };

const LATE = err({ code: "ETIMEDOUT", says: "busctl took longer than 3000 ms" });
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
  expect(await askLogind(async () => LATE)).toBeUndefined();
});

test("sleepByLogind() calls the target's method and returns a complaint", async () => {
  const asked: string[] = [];
  expect(await sleepByLogind("disk", bus({ Hibernate: "" }, asked))).toBeUndefined();
  expect(asked).toEqual(["Hibernate b false"]);
  expect(await sleepByLogind("mem", bus({}))).toBe("Call failed: Access denied");
  expect(await sleepByLogind("freeze", bus({}))).toBe("logind has no way to freeze");
  expect(await sleepByLogind("mem", async () => LATE)).toMatch(/did not answer within/);
});

test("parseInhibitors() takes nothing from text that is no answer", () => {
  for (const text of ["", "null", "[]", `{"data":[[7,["sleep"],[3,"x"]]]}`, `{"data":{"x":1}}`])
    expect(parseInhibitors(text)).toEqual([]);
});
