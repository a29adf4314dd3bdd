// What is taken for a packet where no marker tells: too little and a stream stays out of step, too much and a good one is torn.

import { describe, expect, test } from "bun:test";
import { canBePacket, looksLikePacket } from "../../internal/packet/likely.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { GENERATIONS, join, scale } from "../fixtures/packet/stream.ts";

const requests = PACKETS.flatMap(({ generation, title }) => {
  const one = GENERATIONS.find((name) => name === generation);
  return one === undefined ? [] : ([[one, title]] as const);
});

test.each(requests)("canBePacket() takes every packet of the oracle: %s %s", (generation, title) => {
  expect(canBePacket(golden(generation, title), 0, generation)).toBe(true);
});

describe.each(GENERATIONS)("looksLikePacket() in a %s stream", (generation) => {
  test("is true at the begin of each packet and nowhere else", () => {
    const frames = [3, 0, 1, 7, 10].map((vcpu) => scale(generation, vcpu));
    const size = frames[0]?.length ?? 0;
    const stream = join(frames);
    const places = Array.from({ length: stream.length - 63 }, (_, at) => at);
    const likely = places.filter((at) => looksLikePacket(stream, at, generation));
    expect(likely).toEqual(places.filter((at) => at % size === 0));
  });

  test("is false of a CONNECT, a number that no vCPU has and a unit that is none", () => {
    const connect = golden(generation, "connect");
    expect(looksLikePacket(connect, 0, generation)).toBe(false);
    for (const [at, byte] of [
      [2, 1],
      [4, 1],
      [7, 1],
      [8, 7],
      [8, 0],
      [12, 11],
    ] as const) {
      const odd = scale(generation, 1);
      odd[at] = byte;
      expect([at, looksLikePacket(odd, 0, generation)]).toEqual([at, false]);
    }
  });
});

test.each([
  ["a name without NUL", (odd: Uint8Array) => odd.fill(0x61, 16, 48)],
  ["a control character in its name", (odd: Uint8Array) => odd.fill(7, 17, 18)],
  ["bytes behind its name", (odd: Uint8Array) => odd.fill(1, 40, 41)],
])("looksLikePacket() is false of a packet with %s", (_, spoil) => {
  const odd = scale("18.11", 1);
  spoil(odd);
  expect(looksLikePacket(odd, 0, "18.11")).toBe(false);
});
