// The OpenAPI document: by itself, and against what a real powermon answered.

import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import document from "../../internal/api/openapi.json";
import { API } from "../../internal/api/table.ts";
import { type Dump, GOLDEN } from "./dump.ts";

type Schema = { readonly [key: string]: unknown };
interface Operation {
  readonly operationId: string;
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, unknown>>;
}
const paths = document.paths as unknown as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
const golden: Record<string, Dump> = JSON.parse(readFileSync(GOLDEN, "utf8"));
const answers = Object.values(golden).flatMap(({ answers: all }) => all);
const events = Object.values(golden).flatMap(({ events: all }) => all as { readonly event: string }[]);

/** What is normalised in the golden answers is a word where it was a number. */
const masked = { pid: 1, n: 1 };
const unmasked = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, inner) =>
    key in masked && typeof inner === "string" ? masked[key as keyof typeof masked] : inner,
  );

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(document, "powermon");
/** Returns what is wrong with `value` by the schema at `pointer` of the document. */
function wrong(pointer: string, value: unknown): unknown {
  const validate = ajv.getSchema(`powermon#${pointer}`);
  if (validate === undefined) throw new Error(`the document has no ${pointer}`);
  return validate(unmasked(value)) ? undefined : validate.errors;
}

/** Returns the path and the pointer of what a golden line asked. */
function asked(line: string) {
  const [method = "", path = ""] = line.split(" ");
  // A path without a place goes before one with one.
  const at = Object.keys(paths)
    .sort((a, b) => a.split("{").length - b.split("{").length)
    .find((pattern) => new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(`/v1/${path}`));
  const operation = at === undefined ? undefined : paths[at]?.[method.toLowerCase()];
  const pointer = `/paths/${at?.replaceAll("/", "~1")}/${method.toLowerCase()}`.replaceAll(/[{}]/g, (brace) =>
    encodeURIComponent(brace),
  );
  return operation && { operation, pointer };
}

test("the document is valid OpenAPI 3.1", async () => {
  const checked = await new Validator().validate(structuredClone(document) as never);
  expect(checked).toEqual({ valid: true });
});

test("it has every row of the table, once", () => {
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map((one) => one.operationId));
  expect(ids.sort()).toEqual([...Object.keys(API), "routes", "openapi", "events", "metrics"].sort());
});

test("every answer that a real powermon gave is as the document has it", () => {
  let checked = 0;
  for (const { asked: line, status, answer } of answers) {
    const found = asked(line);
    if (found === undefined) continue;
    expect(Object.keys(found.operation.responses), line).toContain(`${status}`);
    const schema = `${found.pointer}/responses/${status}/content/application~1json/schema`;
    expect(wrong(schema, answer), line).toBeUndefined();
    checked++;
  }
  expect(checked).toBeGreaterThan(100);
});

test("every body that was taken is as the document has it, and a key that nobody knows is not", () => {
  let checked = 0;
  for (const { asked: line, status, body } of answers) {
    const found = asked(line);
    if (status !== 200 || body === undefined || found === undefined) continue;
    const schema = `${found.pointer}/requestBody/content/application~1json/schema`;
    expect(wrong(schema, body), line).toBeUndefined();
    expect(wrong(schema, { ...(body as object), unknown: 1 }), line).toBeDefined();
    checked++;
  }
  expect(checked).toBeGreaterThan(15);
});

test("every event that was told is as the document has it", () => {
  expect(events.length).toBeGreaterThan(20);
  for (const event of events) {
    expect(wrong(`/components/schemas/Event.${event.event}`, event), event.event).toBeUndefined();
    expect(wrong(`/components/schemas/Event.${event.event}`, { ...event, event: "x" })).toBeDefined();
  }
});

test("every number has a unit or a sentence, and every key of a body a sentence", () => {
  const mute: string[] = [];
  const walk = (node: unknown, path: string, isBody: boolean): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, schema] of Object.entries((node as Schema)["properties"] ?? {}) as [string, Schema][]) {
      const isNumber = schema["type"] === "number" || schema["type"] === "integer";
      const said = "description" in schema || "$ref" in schema;
      const inPolicy = path.includes("/policy");
      if (!said && (isBody ? !inPolicy : isNumber && !/(Khz|S|Us)$/.test(key))) mute.push(`${path}/${key}`);
    }
    for (const [key, inner] of Object.entries(node)) walk(inner, `${path}/${key}`, isBody);
  };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { requestBody, responses }] of Object.entries(methods)) {
      walk(responses, `${method} ${path}`, false);
      walk(requestBody, `${method} ${path} body`, true);
    }
  walk(document.components, "components", false);
  expect(mute).toEqual([]);
});

test("its limits are those that docs/control.md tells", () => {
  const control = readFileSync(join(import.meta.dir, "../../docs/control.md"), "utf8");
  const limits = document.info.description.split("\n").filter((line) => line.startsWith("- "));
  expect(limits.length).toBeGreaterThan(5);
  for (const [, what, most] of limits.map((line) => /^- (.*): (.*)$/.exec(line) ?? []))
    expect(control.replaceAll(/ +/g, " ")).toContain(`| ${what} | ${most} |`);
});
