import { expect, test } from "bun:test";
import * as v from "valibot";
import type { Row } from "../../internal/api/row.ts";
import { API, type Name } from "../../internal/api/table.ts";

test.each(Object.entries(API) as [Name, Row][])(
  "API.%s has a schema for each place of its path, and no key of its body twice",
  (_name, row) => {
    const places = [...row.path.matchAll(/\{(\w+)\}/g)].map(([, place]) => place as string);
    expect(Object.keys(row.places).sort()).toEqual(places.sort());
    // What it does not know is refused, and what the path says it need not know.
    for (const key of row.body === undefined ? [] : [...places, "nothing"]) {
      const { issues = [] } = v.safeParse(row.body as v.GenericSchema, { [key]: 1 });
      expect(issues.map((issue) => v.getDotPath(issue))).toContain(key);
    }
  },
);

test("API has no method and path twice", () => {
  const lines = Object.values(API).map(
    ({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`,
  );
  expect(new Set(lines).size).toBe(lines.length);
});
