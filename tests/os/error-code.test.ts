import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { codeOf, errorCode } from "../../internal/os/error-code.ts";

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  throw new Error("nothing was thrown");
}

test("codeOf() and errorCode() name the errno of a call that failed", () => {
  const thrown = thrownBy(() => readFileSync("/"));
  expect([codeOf(thrown), errorCode(thrown)]).toEqual(["EISDIR", "EISDIR"]);
});

test("codeOf() tells anything else as text, and errorCode() throws it on", () => {
  const bug = new TypeError("x is undefined");
  expect(codeOf(bug)).toBe("TypeError: x is undefined");
  expect(codeOf("text")).toBe("text");
  expect(() => errorCode(bug)).toThrow(bug);
});
