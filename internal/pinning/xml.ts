// XML as libvirt prints it, walked tag by tag: enough for a domain, and quick on text made to be slow.

/** What is no markup, from its opening to its end. Source: XML 1.0, 2.5 to 2.7. */
const SKIPPED = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
] as const;
/** A tag; a less-than sign can't stand in one, so that a broken tag ends where the next begins. */
const TAG = /<(\/?)([\w:.-]+)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Nothing that is read stands deeper; what does, as in <metadata>, is nowhere. */
const DEEPEST = 6;

/** The beginning or the end of an element. */
export interface Tag {
  /** The names of the elements it is in and its own, such as domain/devices/channel; "" past six. */
  readonly where: string;
  readonly closing: boolean;
  /** Its attributes, as written: readAttributes() reads them. */
  readonly attributes: string;
  /** Where what follows it stands in the text. */
  readonly end: number;
}

/** Returns the beginnings and ends of elements in order; an empty element has both. */
export function* walkXml(xml: string): Generator<Tag> {
  const open: string[] = [];
  const where = () => (open.length > DEEPEST ? "" : open.join("/"));
  for (const { closing, name, attributes, end } of tags(xml)) {
    if (!closing) {
      open.push(name);
      yield { where: where(), closing, attributes, end };
      if (!attributes.endsWith("/")) continue;
    }
    yield { where: where(), closing: true, attributes: "", end };
    open.pop();
  }
}

/** Returns the text that begins at `at`, up to the next tag. */
export function textAt(xml: string, at: number): string {
  const next = xml.indexOf("<", at);
  return unescapeXml(next < 0 ? "" : xml.slice(at, next));
}

function* tags(xml: string): Generator<{ closing: boolean; name: string; attributes: string; end: number }> {
  for (let at = xml.indexOf("<"); at >= 0; at = xml.indexOf("<", at)) {
    const skipped = SKIPPED.find(([start]) => xml.startsWith(start, at));
    if (skipped !== undefined) {
      const end = xml.indexOf(skipped[1], at + skipped[0].length);
      if (end < 0) return;
      at = end + skipped[1].length;
      continue;
    }
    TAG.lastIndex = at;
    const [whole = "<", slash, name, attributes = ""] = TAG.exec(xml) ?? [];
    at += whole.length;
    if (name !== undefined) yield { closing: slash === "/", name, attributes, end: at };
  }
}

/** Returns a tag's attributes without their escapes. */
export function readAttributes(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [, name = "", double, single] of text.matchAll(ATTRIBUTE))
    found.set(name, unescapeXml(double ?? single ?? ""));
  return found;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", apos: "'", quot: '"' };

/** Returns text without XML's escapes. Source: XML 1.0, 4.1 and 4.6. */
function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w+));/gi,
    (whole, hex?: string, decimal?: string, name = "") => {
      const code =
        hex !== undefined ? parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : undefined;
      if (code !== undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
      return ENTITIES[name] ?? whole;
    },
  );
}
