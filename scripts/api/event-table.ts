// The events as a table of Markdown, made from the API's own.

import * as v from "valibot";
import { EVENTS } from "../../internal/api/event.ts";

/** Returns the lines of the table. A question mark stands behind what can be absent. */
export function eventTable(): readonly string[] {
  const rows = Object.entries(EVENTS).map(([kind, schema]) => {
    const fields = Object.entries<v.GenericSchema>(schema.pipe[0].entries).map(([name, { type }]) =>
      type === "optional" ? `\`${name}\`?` : `\`${name}\``,
    );
    return `| \`${kind}\` | ${v.getDescription(schema) ?? ""} | ${fields.join(" ")} |`;
  });
  return ["| event | what happened | fields |", "| --- | --- | --- |", ...rows];
}
