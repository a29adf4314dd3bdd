// Every route, asked on machines of files: an answer that changes is a change of the API, and stands in this diff.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Dump, dump, GOLDEN } from "./dump.ts";

const golden: Record<string, Dump> = JSON.parse(readFileSync(GOLDEN, "utf8"));
const now = await dump();

test("the same machines are asked", () => {
  expect(Object.keys(now)).toEqual(Object.keys(golden));
});

test.each(Object.keys(golden))("%s answers as tests/fixtures/api/answers.json has it", (machine) => {
  expect(now[machine]?.answers.length).toBe(golden[machine]?.answers.length as number);
  for (const [i, answer] of (golden[machine]?.answers ?? []).entries())
    expect(now[machine]?.answers[i], `${machine}: ${answer.asked}`).toEqual(answer);
});

test.each(Object.keys(golden))("%s tells the same events", (machine) => {
  expect(now[machine]?.events).toEqual(golden[machine]?.events as unknown[]);
});

test("every route that docs/control.md names is asked, and answers once without an error", () => {
  const text = readFileSync(join(import.meta.dir, "../../docs/control.md"), "utf8");
  const routes = new Set(
    [...text.matchAll(/`((?:GET|PUT|PATCH|POST|DELETE) )\/v1\/([^`]*)`/g)].map(
      ([, method, path]) => `${method}${path}`,
    ),
  );
  routes.delete("GET events");
  routes.delete("GET openapi.json");
  const done = Object.values(golden).flatMap(({ answers }) =>
    answers.filter(({ status }) => status === 200).map(({ asked }) => asked),
  );
  const unasked = [...routes].filter((route) => {
    const pattern = new RegExp(`^${route.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return !done.some((asked) => pattern.test(asked));
  });
  expect(routes.size).toBeGreaterThan(25);
  expect(unasked).toEqual([]);
});
