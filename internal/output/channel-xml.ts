// The libvirt XML of a VM's channels: typed by hand for sixty vCPUs it would be wrong in one of them.

import { ok, type Result } from "../values/result.ts";
import { type ChannelsWanted, layoutChannels, PORTS_PER_CONTROLLER } from "./channel-layout.ts";

/**
 * Returns what goes into a domain's <devices>: the virtio-serial controllers, then a channel per vCPU, a line each.
 * Errors: a sentence about what can't be. Source: libvirt docs/formatdomain.rst, "Controllers" and "Channel".
 */
export function channelXml(wanted: ChannelsWanted): Result<string, string> {
  const layout = layoutChannels(wanted);
  if (!layout.ok) return layout;
  const lines = layout.value.controllers.map(
    (index) => `<controller type='virtio-serial' index='${index}' ports='${PORTS_PER_CONTROLLER}'/>`,
  );
  for (const { path, name, controller, port } of layout.value.channels) {
    lines.push(
      "<channel type='unix'>",
      `  <source mode='bind' path='${escapeXml(path)}'/>`,
      `  <target type='virtio' name='${name}'/>`,
      `  <address type='virtio-serial' controller='${controller}' bus='0' port='${port}'/>`,
      "</channel>",
    );
  }
  return ok(`${lines.join("\n")}\n`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&apos;",
  '"': "&quot;",
};

/** Returns `text` as it stands in an attribute or an element. Source: XML 1.0, 4.6 Predefined Entities. */
function escapeXml(text: string): string {
  return text.replace(/[&<>'"]/g, (character) => ENTITIES[character] ?? character);
}
