// The API as an OpenAPI document, made from its table: what it says is what the server holds requests and answers to.

import type * as v from "valibot";
import { EVENTS } from "../../internal/api/event.ts";
import { HTTP_STATUS } from "../../internal/api/problem.ts";
import type { Row } from "../../internal/api/row.ts";
import { API, isRehearsed, type Name } from "../../internal/api/table.ts";
import type { Code } from "../../internal/values/answer.ts";
import { version } from "../../package.json";
import { jsonSchema, namedSchemas } from "./json-schema.ts";
import { LIMITS } from "./limits.ts";

/** Why any request may be refused. */
const ALWAYS = {
  400: "`invalid`: the path or the body says something that can't be.",
  408: "`invalid`: the body was too slow.",
  413: "`invalid`: the body is too large.",
  500: "`failed`: tried, and it went wrong; or a bug.",
  503: "`busy`: too many connections; try again.",
} as const;

const MEANING: Readonly<Record<Code, string>> = {
  "not-found": "no such VM, channel, CPU, policy",
  invalid: "the path or the body says something that can't be",
  refused: "understood, and not allowed",
  failed: "tried, and it went wrong",
  unsupported: "this machine can't",
  busy: "not now; try again",
};

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } },
});

const DRY_RUN = { $ref: "#/components/schemas/DryRun" };

const json = (schema: object) => ({ "application/json": { schema } });

/** Returns the whole document. Source: OpenAPI Specification 3.1.1. */
export function openApi(): object {
  const paths: Record<string, Record<string, object>> = {
    "/v1": {
      get: operation("routes", "All requests, with a sentence about each.", {
        200: {
          description: "Methods, paths and sentences.",
          content: json({
            type: "object",
            required: ["routes"],
            properties: {
              routes: {
                type: "array",
                items: {
                  type: "object",
                  required: ["method", "path", "about"],
                  properties: {
                    method: { type: "string" },
                    path: { type: "string" },
                    about: { type: "string" },
                  },
                },
              },
            },
          }),
        },
      }),
    },
    "/v1/openapi.json": {
      get: operation("openapi", "This document.", {
        200: { description: "OpenAPI 3.1.", content: json({ type: "object" }) },
      }),
    },
    "/v1/events": { get: events() },
    "/metrics": {
      get: operation("metrics", "Everything that is counted, as text for Prometheus.", {
        200: {
          description: "Prometheus' text format 0.0.4.",
          content: { "text/plain": { schema: { type: "string" } } },
        },
      }),
    },
  };
  for (const [name, row] of Object.entries(API) as [Name, Row][]) {
    const path = (paths[`/v1/${row.path}`] ??= {});
    path[row.method.toLowerCase()] = ofRow(name, row);
  }
  const kinds = Object.entries<v.GenericSchema>(EVENTS).map(([kind, schema]) => [
    `Event.${kind}`,
    {
      allOf: [
        { $ref: "#/components/schemas/Event" },
        { properties: { event: { const: kind } } },
        jsonSchema(schema, "output"),
      ],
    },
  ]);
  return {
    openapi: "3.1.1",
    info: {
      title: "powermon",
      version,
      license: { name: "MIT", identifier: "MIT" },
      description: `The control socket of powermon: HTTP/1.1 with JSON on a unix socket, /run/powermon/control.sock by default. Frequencies are kHz, times ISO 8601. Answers may have more keys than this document knows; a key that is not required is absent where its value is not known. Keys of a body that are not known are refused.\n\n${LIMITS.map(({ what, most }) => `- ${what}: ${most}`).join("\n")}`,
    },
    servers: [{ url: "http://powermon", description: "Any name does: the socket is what is asked." }],
    security: [],
    paths,
    components: {
      schemas: {
        ...namedSchemas(),
        ...Object.fromEntries(kinds),
      },
    },
  };
}

/** One row of the table. */
function ofRow(name: Name, { about, no, path, places, body, answer, isEndless }: Row): object {
  const told = jsonSchema(answer, "output");
  const parameters = Object.entries(places).map(([place, schema]) => ({
    name: place,
    in: "path",
    required: true,
    schema: jsonSchema(schema, "input"),
  }));
  const noes = Object.fromEntries(
    (no ?? []).map((code) => [HTTP_STATUS[code], problem(`\`${code}\`: ${MEANING[code]}.`)]),
  );
  return {
    ...operation(name, about, {
      200: {
        description: isRehearsed(name) ? "Done; or, of a dry run, what would happen." : "Done.",
        content: json(isRehearsed(name) ? { anyOf: [told, DRY_RUN] } : told),
      },
      ...noes,
    }),
    tags: [path.split("/")[0]],
    ...(isEndless && { description: "It takes as long as it takes: set no limit." }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: (body as { type?: string }).type !== "optional",
        content: json(jsonSchema(body, "input")),
      },
    }),
  };
}

function operation(
  operationId: string,
  summary: string,
  responses: Readonly<Record<number, object>>,
): object {
  const always = Object.entries(ALWAYS).map(([status, text]) => [status, problem(text)] as const);
  return { operationId, summary, responses: { ...Object.fromEntries(always), ...responses } };
}

function events(): object {
  const schemas = Object.keys(EVENTS).map((kind) => ({ $ref: `#/components/schemas/Event.${kind}` }));
  return {
    ...operation("events", "What happens, as an endless stream of server-sent events.", {
      200: {
        description:
          "The data of each event is one line of JSON: one of `x-event`. Its id is its boot, a hyphen, and its n.",
        content: { "text/event-stream": { schema: { type: "string" }, "x-event": { oneOf: schemas } } },
      },
    }),
    parameters: [
      {
        name: "Last-Event-ID",
        in: "header",
        description: "Begin after this event, and not with now.",
        schema: { type: "string", pattern: "^[0-9a-f]{8}-(0|[1-9][0-9]{0,14})$" },
      },
    ],
  };
}
