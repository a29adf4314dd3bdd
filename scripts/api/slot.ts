// Places in a document that a script writes: what stands between two comments.

/** Returns `document` with `lines` between `<!-- name -->` and `<!-- /name -->`. Throws when it has no such place. */
export function withTable(document: string, name: string, lines: readonly string[]): string {
  const place = new RegExp(`(<!-- ${name} -->\n).*?(\n<!-- /${name} -->)`, "s");
  if (!place.test(document)) throw new Error(`the document has no place for ${name}`);
  return document.replace(place, (_, begin: string, end: string) => `${begin}\n${lines.join("\n")}\n${end}`);
}
