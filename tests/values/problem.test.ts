import { expect, test } from "bun:test";
import { explainProblem } from "../../internal/values/problem.ts";

test("explainProblem() has the sentence of a refusal and that of a failed file", () => {
  expect(explainProblem({ kind: "queries-off", vm: "vm1" })).toStartWith('VM "vm1" may not query');
  expect(explainProblem({ kind: "sysfs", op: "read", path: "/p", code: "EBUSY" })).toBe(
    'Cannot read "/p": EBUSY',
  );
});
