// Which DPDK is on the other side: a wrong guess would cut every packet at the wrong place.

import { expect, test } from "bun:test";
import { REQUEST_BYTES } from "../../internal/packet/constants.ts";
import { golden } from "../fixtures/packet/golden.ts";
import { conversation, cutting, GENERATIONS, hex, join, scale } from "../fixtures/packet/stream.ts";

test.each(GENERATIONS)(
  "next() learns generation %s from the first read when it is a CONNECT",
  (generation) => {
    const { cutter, frames, push } = cutting("auto");
    expect(cutter.generation).toBeUndefined();
    push(golden(generation, "connect"), 5000);
    expect(cutter.generation).toBe(generation);
    for (let vcpu = 0; vcpu < 3; vcpu++) push(scale(generation, vcpu), 5001);
    expect(hex(frames)).toEqual(hex(conversation(generation).slice(0, 4)));
  },
);

test.each(GENERATIONS)(
  "next() learns generation %s when the host came later and the first burst is requests",
  (generation) => {
    for (const count of [1, 2, 3, 10]) {
      const { cutter, frames, push } = cutting("auto");
      push(join(conversation(generation).slice(1, 1 + count)), 0);
      expect([cutter.generation, frames.length]).toEqual([generation, count]);
    }
  },
);

test("next() learns 18.11 from a CONNECT whose other bytes are uninitialised", () => {
  const { cutter, frames, push } = cutting("auto");
  push(golden("18.11", "connect-dirty"), 0);
  expect([cutter.generation, frames.length]).toEqual(["18.11", 1]);
});

test("next() tells 29 old frames from one new one when both have 464 bytes", () => {
  const { cutter, frames, push } = cutting("auto");
  push(join(Array.from({ length: 29 }, (_, i) => scale("2014", i))), 0);
  expect([cutter.generation, frames.length]).toEqual(["2014", 29]);
});

test.each(GENERATIONS)(
  "next() learns generation %s at every split of the CONNECT that isn't an older one's size",
  (generation) => {
    const frames = conversation(generation).slice(0, 2);
    const stream = join(frames);
    // There is no marker: a first read of exactly 16 or 456 bytes is an older guest's packet.
    const older = GENERATIONS.map((other): number => REQUEST_BYTES[other]);
    for (let at = 1; at <= REQUEST_BYTES[generation]; at++) {
      if (at < REQUEST_BYTES[generation] && older.includes(at)) continue;
      const { cutter, frames: cut, push } = cutting("auto");
      push(stream.slice(0, at), 0);
      push(stream.slice(at), 1);
      expect([at, cutter.generation, hex(cut)]).toEqual([at, generation, hex(frames)]);
    }
  },
);

test.each(GENERATIONS)(
  "next() learns generation %s when a backlog of requests is torn after the second",
  (generation) => {
    const frames = conversation(generation);
    const stream = join(frames);
    for (let at = 2 * REQUEST_BYTES[generation]; at < stream.length; at += 7) {
      const { cutter, frames: cut, push } = cutting("auto");
      push(stream.slice(0, at), 0);
      push(stream.slice(at), 1);
      expect([at, cutter.generation, hex(cut)]).toEqual([at, generation, hex(frames)]);
    }
  },
);

test("next() takes a channel for the newest when 464 bytes tell nothing, until a burst after silence tells", () => {
  const { cutter, frames, push } = cutting("auto");
  push(new Uint8Array(300).fill(0xee), 0);
  expect(cutter.generation).toBeUndefined();
  push(new Uint8Array(300).fill(0xee), 1);
  expect([cutter.generation, cutter.resyncs, frames.length]).toEqual(["18.11", 0, 1]);
  push(scale("17.11", 1), 200);
  expect([cutter.generation, frames.length, cutter.discardedBytes]).toEqual(["17.11", 2, 600 - 464]);
});

test("next() drops the rest of an unknown frame when the next burst after silence tells", () => {
  const { cutter, frames, push } = cutting("auto");
  push(scale("17.11", 1).slice(-50), 0);
  push(scale("17.11", 2), 100);
  expect([cutter.generation, cutter.dropped, hex(frames)]).toEqual(["17.11", 1, hex([scale("17.11", 2)])]);
});

for (const from of GENERATIONS) {
  for (const to of GENERATIONS) {
    test(`next() goes from ${from} to ${to} when the guest restarts with another DPDK`, () => {
      const { cutter, frames, push } = cutting("auto");
      push(golden(from, "connect"), 0);
      push(scale(from, 1), 10);
      push(golden(to, "connect"), 2000);
      push(scale(to, 2), 2001);
      const sent = [golden(from, "connect"), scale(from, 1), golden(to, "connect"), scale(to, 2)];
      expect(hex(frames)).toEqual(hex(sent));
      expect([cutter.generation, cutter.dropped, cutter.resyncs]).toEqual([to, 0, 0]);
    });
  }
}

test("next() drops what a dead guest left when the CONNECT of the next one comes within 1 s", () => {
  const { cutter, frames, push } = cutting("auto");
  push(golden("18.11", "connect"), 0);
  push(scale("18.11", 1).slice(0, 100), 10);
  push(golden("17.11", "connect"), 500);
  expect([frames.length, cutter.generation, cutter.dropped]).toEqual([2, "17.11", 1]);
});

test("next() never leaves the configured generation when wire is given", () => {
  const { cutter, frames, push } = cutting("17.11");
  push(golden("18.11", "connect"), 0);
  expect([cutter.generation, frames.length]).toEqual(["17.11", 1]);
  push(golden("17.11", "connect"), 500);
  expect([frames.length, cutter.dropped]).toEqual([2, 1]);
  push(scale("18.11", 3), 2000);
  expect([cutter.generation, frames.length]).toEqual(["17.11", 3]);
});
