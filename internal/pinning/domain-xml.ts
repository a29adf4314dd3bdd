// Channels out of libvirt's domain XML: libvirt may choose a socket's path itself, and nothing else says which VM's it is.

/** A unix channel of a domain: QEMU's socket and the port's name inside the guest. */
export interface DomainChannel {
  readonly path: string;
  readonly port: string;
}

/** What is no markup, from its opening to its end. Source: XML 1.0, 2.5 to 2.7. */
const SKIPPED = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
] as const;
/** A tag; a less-than sign can't stand in one, so that a broken tag ends where the next begins. */
const TAG = /<(\/?)([\w:.-]+)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const DEVICE = "domain/devices/channel";
const NAME = "domain/name";

/**
 * Returns the virtio channels on unix sockets that have a path, as `virsh dumpxml` prints them; elsewhere in the document, such
 * as in <metadata>, the same words mean nothing. Source: libvirt docs/formatdomain.rst, "Channel".
 */
export function parseChannels(xml: string): DomainChannel[] {
  const found: DomainChannel[] = [];
  const open: string[] = [];
  let channel: { path?: string | undefined; port?: string | undefined } | undefined;
  for (const { closing, name, attributes } of tags(xml)) {
    if (closing) {
      if (open.join("/") === DEVICE) {
        if (channel?.path !== undefined && channel.port !== undefined) {
          found.push({ path: channel.path, port: channel.port });
        }
        channel = undefined;
      }
      open.pop();
      continue;
    }
    open.push(name);
    const where = open.join("/");
    const said = readAttributes(attributes);
    if (where === DEVICE) channel = said.get("type") === "unix" ? {} : undefined;
    else if (channel && where === `${DEVICE}/source`) channel.path ??= said.get("path");
    else if (channel && where === `${DEVICE}/target` && said.get("type") === "virtio")
      channel.port = said.get("name");
    if (attributes.endsWith("/")) open.pop();
  }
  return found;
}

/** Returns the domain's name, whole: blanks at its ends tell one domain from another. Undefined when it has none. */
export function parseName(xml: string): string | undefined {
  const open: string[] = [];
  for (const { closing, name, attributes, end } of tags(xml)) {
    if (closing) open.pop();
    else if (open.push(name) === 2 && open.join("/") === NAME)
      return unescapeXml(xml.slice(end, xml.indexOf("<", end)));
    else if (attributes.endsWith("/")) open.pop();
  }
  return undefined;
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

function readAttributes(text: string): ReadonlyMap<string, string> {
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
