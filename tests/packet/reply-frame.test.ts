// Three sizes in one stream: a guest that cut one answer wrong would misread all that follow.

import { expect, test } from "bun:test";
import { EXTENSION_FIRST } from "../../internal/packet/constants.ts";
import { ReplyCutter } from "../../internal/packet/reply-frame.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";

function extension(): Uint8Array {
  const frame = golden("reply", "ack");
  new DataView(frame.buffer).setUint32(12, EXTENSION_FIRST, true);
  return frame;
}

const replies = [
  ...PACKETS.filter((p) => p.generation === "reply").map((p) => Uint8Array.fromHex(p.hex)),
  extension(),
];
const stream = Uint8Array.from(replies.flatMap((reply) => [...reply]));
const hexes = replies.map((reply) => reply.toHex());

/** Returns what a cutter makes of these chunks. */
function cut(chunks: readonly Uint8Array[], cutter = new ReplyCutter()): string[] {
  const cuts: string[] = [];
  for (const chunk of chunks) cutter.push(chunk, (reply) => cuts.push(reply.toHex()));
  return cuts;
}

test("push() gives the same replies at every split in two", () => {
  for (let at = 0; at <= stream.length; at++) {
    expect(cut([stream.slice(0, at), stream.slice(at)])).toEqual(hexes);
  }
});

test("push() gives the same replies at every random split", () => {
  const next = random(7);
  for (let round = 0; round < 300; round++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length;) {
      const size = 1 + next([8, 100, 600][next(3)] ?? 1);
      chunks.push(stream.slice(at, at + size));
      at += size;
    }
    expect(cut(chunks)).toEqual(hexes);
  }
});

test("push() discards all it has and counts when a command is unknown", () => {
  const cutter = new ReplyCutter();
  const bad = golden("reply", "ack").fill(0, 12, 13);
  const ack = golden("reply", "ack");
  expect(cut([ack, bad.slice(0, 14)], cutter)).toEqual([ack.toHex()]);
  expect(cutter.discarded).toBe(0);
  expect(cut([Uint8Array.of(...bad.slice(14), ...ack)], cutter)).toEqual([]);
  expect(cutter.discarded).toBe(1);
});

test("push() starts afresh with the chunk after a discarded one", () => {
  const cutter = new ReplyCutter();
  const ack = golden("reply", "ack");
  expect(cut([new Uint8Array(500), ack], cutter)).toEqual([ack.toHex()]);
  expect(cutter.discarded).toBe(1);
});

test("reset() forgets a partial reply and keeps the count", () => {
  const cutter = new ReplyCutter();
  const ack = golden("reply", "ack");
  cut([new Uint8Array(16), ack.slice(0, 100)], cutter);
  cutter.reset();
  expect(cut([ack], cutter)).toEqual([ack.toHex()]);
  expect(cutter.discarded).toBe(1);
});

test("push() leaves a reply to its taker when it came in pieces", () => {
  const cutter = new ReplyCutter();
  const kept: Uint8Array[] = [];
  const ack = golden("reply", "ack");
  const nack = golden("reply", "nack");
  for (const chunk of [ack.slice(0, 200), ack.slice(200), nack.slice(0, 9), nack.slice(9)]) {
    cutter.push(chunk, (reply) => kept.push(reply));
  }
  expect(kept.map((reply) => reply.toHex())).toEqual([ack.toHex(), nack.toHex()]);
});

test("push() never throws and only gives replies of a known size when the bytes are random", () => {
  const next = random(8);
  const cutter = new ReplyCutter();
  for (let i = 0; i < 3000; i++) {
    const chunk = Uint8Array.from({ length: next(300) }, () => (next(3) === 0 ? next(6) : 0));
    cutter.push(chunk, (reply) => expect([464, 88, 184]).toContain(reply.length));
  }
  expect(cutter.discarded).toBeGreaterThan(0);
});
