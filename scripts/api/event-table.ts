// The events of docs/control.md as a table, made from the API's own.

import * as v from "valibot";
import { EVENTS } from "../../internal/api/event.ts";
import { withTable } from "./slot.ts";

/** Returns docs/control.md with the events as internal/api/event.ts has them. */
export function withEvents(document: string): string {
  const rows = Object.entries(EVENTS).map(([kind, schema]) => {
    const fields = Object.entries<v.GenericSchema>(schema.pipe[0].entries).map(([name, field]) =>
      isOptional(field) ? `\`${name}\`?` : `\`${name}\``,
    );
    return `| \`${kind}\` | ${v.getDescription(schema) ?? ""} | ${fields.join(" ")} |`;
  });
  return withTable(document, "events", [
    "| event | what happened | fields |",
    "| --- | --- | --- |",
    ...rows,
  ]);
}

/** Returns whether a field can be absent, also when a sentence was added to it. */
function isOptional(schema: v.GenericSchema): boolean {
  return "pipe" in schema
    ? isOptional((schema as { readonly pipe: readonly [v.GenericSchema] }).pipe[0])
    : schema.type === "optional";
}
