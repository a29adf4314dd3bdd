// One JSON document a command: without it scripts would meet a different shape of text at every command.

/** Returns `document` as indented JSON. Keys are camelCase and stay as they are within a major version; new ones may come. */
export function json(document: object): string {
  return JSON.stringify(document, undefined, 2);
}
