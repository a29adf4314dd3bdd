// One JSON document a command.

/** Returns `document` as indented JSON. Keys are camelCase and stay as they are within a major version; new ones may come. */
export function json(document: object): string {
  return JSON.stringify(document, undefined, 2);
}
