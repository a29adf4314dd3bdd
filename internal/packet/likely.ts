// Whether bytes may be a packet: all that is left to tell by in a stream that has no marker.

import { COMMAND, EXTENSION_FIRST, type Generation, hasCommand, UNIT } from "./constants.ts";
import { channelPacket464 } from "./dpdk.ts";
import { u32At } from "./little-endian.ts";
import { hasName, isNameText } from "./name.ts";

/** Where `command` stands in a packet of any generation. */
export const COMMAND_AT = channelPacket464.fields.command.offset;
const UNIT_AT = channelPacket464.fields.unit.offset;
const NAME = channelPacket464.fields.vm_name;
/** The most that the first 4 bytes of a resource_id hold where a packet is looked for. */
const MOST_VCPUS = 0xffff;

/** Bytes at the front of a packet of each generation that are looked at. */
export const HEAD_BYTES: Readonly<Record<Generation, number>> = {
  "2014": NAME.offset,
  "17.11": NAME.offset + 32,
  "18.11": NAME.offset + 32,
};

/** Returns whether the frame at byte `at` may be a packet: a command of its generation and a NUL in its name, which CONNECT need not have. */
export function canBePacket(bytes: Uint8Array, at: number, generation: Generation): boolean {
  const command = u32At(bytes, at + COMMAND_AT);
  if (!hasCommand(generation, command)) return false;
  return command === COMMAND.CONNECT || generation === "2014" || hasName(bytes, at);
}

/**
 * Returns whether the bytes from `at` on look like a packet as guests write them: as canBePacket, with a vCPU and a unit that there are
 * and a name that is text. Packets look like that at no other place than their own. CONNECT, of which nothing but its command is
 * known, never does.
 */
export function looksLikePacket(bytes: Uint8Array, at: number, generation: Generation): boolean {
  // Two bytes rule nearly every place out: this runs for each byte of what a guest sends that is no packet.
  const high = bytes[at + COMMAND_AT + 3];
  if (high === 0 ? bytes[at + COMMAND_AT] === 0 : high !== EXTENSION_FIRST >>> 24) return false;
  const command = u32At(bytes, at + COMMAND_AT);
  if (command === COMMAND.CONNECT || !hasCommand(generation, command)) return false;
  if (u32At(bytes, at) > MOST_VCPUS || u32At(bytes, at + 4) !== 0) return false;
  if (command === COMMAND.CPU_POWER && UNIT.word[u32At(bytes, at + UNIT_AT)] === undefined) return false;
  return generation === "2014" || isNameText(bytes, at);
}
