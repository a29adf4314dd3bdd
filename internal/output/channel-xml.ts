// The libvirt XML of a VM's channels: typed by hand for sixty vCPUs it would be wrong in one of them.

import { ok, type Result } from "../values/result.ts";
import type { SerialPlace } from "../values/virtio-serial.ts";
import { type ChannelsWanted, layoutChannels, PORTS_PER_CONTROLLER } from "./channel-layout.ts";

/** Elements of a domain's <devices>. */
export interface ChannelElements {
  readonly controllers: readonly string[];
  readonly channels: readonly string[];
}

/** What the controllers that `powermon channel attach` adds are called, so that detach knows them. Source: formatdomain.rst, "Device alias". */
export const CONTROLLER_ALIAS = "ua-powermon-serial";

/**
 * Returns the virtio-serial controllers and the channels, one per vCPU, that are missing.
 * Errors: a sentence about what can't be. Source: libvirt docs/formatdomain.rst, "Controllers" and "Channel".
 */
export function channelElements(wanted: ChannelsWanted): Result<ChannelElements, string> {
  const layout = layoutChannels(wanted);
  if (!layout.ok) return layout;
  const { controllers, channels } = layout.value;
  return ok({
    controllers: controllers.map((index) => controllerElement(index, PORTS_PER_CONTROLLER)),
    channels: channels.map(({ path, name, controller, port }) =>
      channelElement(path, name, { controller, port }),
    ),
  });
}

/** Returns what goes into a domain's <devices>, a line each. Errors: those of channelElements(). */
export function channelXml(wanted: ChannelsWanted): Result<string, string> {
  const made = channelElements(wanted);
  return made.ok ? ok([...made.value.controllers, ...made.value.channels].join("")) : made;
}

/** Returns a virtio-serial controller with libvirt's alias for ours. */
export function controllerElement(index: number, ports: number): string {
  const alias = `<alias name='${CONTROLLER_ALIAS}${index}'/>`;
  return `<controller type='virtio-serial' index='${index}' ports='${ports}'>${alias}</controller>\n`;
}

/** Returns the channel whose socket QEMU makes at `path`; `name` is the port's in the guest. */
export function channelElement(path: string, name: string, place: SerialPlace | undefined): string {
  const address =
    place === undefined
      ? []
      : [`  <address type='virtio-serial' controller='${place.controller}' bus='0' port='${place.port}'/>`];
  const lines = [
    "<channel type='unix'>",
    `  <source mode='bind' path='${escapeXml(path)}'/>`,
    `  <target type='virtio' name='${escapeXml(name)}'/>`,
    ...address,
    "</channel>",
  ];
  return `${lines.join("\n")}\n`;
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
