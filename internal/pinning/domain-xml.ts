// What powermon reads of libvirt's domain XML: names, channels, and what stands in the way of more of them.

import { readAttributes, textAt, walkXml } from "./xml.ts";

/** A unix channel of a domain: QEMU's socket and the port's name inside the guest. */
export interface DomainChannel {
  readonly path: string;
  readonly port: string;
}

const DEVICE = "domain/devices/channel";

/**
 * Returns the virtio channels on unix sockets that have a path, as `virsh dumpxml` prints them; elsewhere in the document, such
 * as in <metadata>, the same words mean nothing. Source: libvirt docs/formatdomain.rst, "Channel".
 */
export function parseChannels(xml: string): DomainChannel[] {
  const found: DomainChannel[] = [];
  let channel: { path?: string | undefined; port?: string | undefined } | undefined;
  for (const { where, closing, attributes } of walkXml(xml)) {
    if (closing) {
      if (where !== DEVICE) continue;
      if (channel?.path !== undefined && channel.port !== undefined)
        found.push({ path: channel.path, port: channel.port });
      channel = undefined;
    } else if (where === DEVICE) {
      channel = readAttributes(attributes).get("type") === "unix" ? {} : undefined;
    } else if (channel && where === `${DEVICE}/source`) {
      channel.path ??= readAttributes(attributes).get("path");
    } else if (channel && where === `${DEVICE}/target`) {
      const said = readAttributes(attributes);
      if (said.get("type") === "virtio") channel.port = said.get("name");
    }
  }
  return found;
}

/** The namespace of our element in a definition's metadata. */
export const METADATA_URI = "urn:powermon:vm";
const METADATA = /^domain\/metadata\/(?:([\w.-]+):)?vm$/;

/**
 * Returns the attributes of `<powermon:vm xmlns:powermon="urn:powermon:vm" .../>` in the domain's metadata, without that of its
 * namespace; undefined when there is no such element. Source: libvirt docs/formatdomain.rst, "General metadata".
 */
export function parseMetadata(xml: string): ReadonlyMap<string, string> | undefined {
  for (const { where, closing, attributes } of walkXml(xml)) {
    const found = closing ? null : METADATA.exec(where);
    if (found === null) continue;
    const said = new Map(readAttributes(attributes));
    const space = found[1] === undefined ? "xmlns" : `xmlns:${found[1]}`;
    if (said.get(space) !== METADATA_URI) continue;
    said.delete(space);
    return said;
  }
  return undefined;
}

/** Returns the domain's name, whole: blanks at its ends tell one domain from another. Undefined when it has none. */
export function parseName(xml: string): string | undefined {
  for (const { where, closing, end } of walkXml(xml)) {
    if (where === "domain/name" && !closing) return textAt(xml, end);
  }
  return undefined;
}
