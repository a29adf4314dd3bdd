import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import * as v from "valibot";
import { EVENTS } from "../../internal/api/event.ts";
import { GOLDEN } from "./dump.ts";

type Told = Readonly<Record<string, unknown>> & { readonly event: keyof typeof EVENTS };
const golden: Record<string, { events: Told[] }> = JSON.parse(readFileSync(GOLDEN, "utf8"));
const told = Object.values(golden).flatMap(({ events }) => events);

test("EVENTS has the fields of every event that machines told, and none that they did not say", () => {
  expect(new Set(told.map(({ event }) => event)).size).toBeGreaterThan(9);
  for (const { at: _at, boot: _boot, n: _n, event, ...fields } of told) {
    const [schema] = EVENTS[event].pipe;
    expect(v.safeParse(v.strictObject({ ...schema.entries }), fields), JSON.stringify(fields)).toMatchObject({
      success: true,
    });
  }
});
