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

/** The least that a body must say where it must say something. */
const LEAST: Partial<Record<Name, object>> = {
  changeVm: { queries: true },
  pinVcpu: { pcpus: [0] },
  enableChannels: { enabled: true },
  setFreq: { target: "max" },
  setPolicy: { policy: {} },
  setBudget: { watts: 110 },
  applyProfile: { name: "balanced" },
  suspend: { target: "mem", wake: "none" },
};

test.each((Object.entries(API) as [Name, Row][]).filter(([, { method }]) => method !== "GET"))(
  "API.%s can be tried: its body takes dryRun, true or false and nothing else, and it may be left out",
  (name, { body }) => {
    const said = LEAST[name];
    const read = (more: object) => v.safeParse(body ?? v.undefined(), { ...said, ...more });
    expect(read({ dryRun: true })).toMatchObject({ success: true, output: { dryRun: true } });
    expect(read({ dryRun: false }).success).toBe(true);
    expect(v.safeParse(body ?? v.undefined(), said).success).toBe(true);
    expect(read({ dryRun: "yes" }).issues?.map((issue) => v.getDotPath(issue))).toEqual(["dryRun"]);
  },
);

test("API has no method and path twice", () => {
  const lines = Object.values(API).map(
    ({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`,
  );
  expect(new Set(lines).size).toBe(lines.length);
});
