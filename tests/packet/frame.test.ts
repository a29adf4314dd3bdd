// A stream with no marker: if a split, a dead guest or an old format could shift the frames, every later request would be wrong.

import { expect, test } from "bun:test";
import { EXTENSION_FIRST, type Generation, REQUEST_BYTES } from "../../internal/packet/constants.ts";
import { FrameCutter } from "../../internal/packet/frame.ts";
import { acknowledge } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";

const GENERATIONS: readonly Generation[] = ["2014", "17.11", "18.11"];
const claimed = { vmName: "vm", physical: false } as const;

function scale(generation: Generation, vcpu: number): Uint8Array {
  return encodeRequest({ kind: "scale", ...claimed, vcpu, step: "up" }, generation);
}

/** A guest's opening and ten requests. */
function conversation(generation: Generation): Uint8Array[] {
  const frames = Array.from({ length: 10 }, (_, vcpu) => scale(generation, vcpu));
  return [golden(generation, "connect"), ...frames];
}

function join(frames: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => [...frame]));
}

function hex(frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => frame.toHex());
}

/** A cutter, and what it has cut so far. */
function cutting(wire: "auto" | Generation) {
  const cutter = new FrameCutter(wire);
  const frames: Uint8Array[] = [];
  const push = (chunk: Uint8Array, nowMs: number) => cutter.push(chunk, nowMs, (frame) => frames.push(frame));
  return { cutter, frames, push };
}

/** Returns `bytes` cut into random pieces, none empty. */
function pieces(bytes: Uint8Array, next: (below: number) => number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + next([20, 470, 1500][next(3)] ?? 1);
    chunks.push(bytes.slice(at, at + size));
    at += size;
  }
  return chunks;
}

test.each(GENERATIONS)("push() gives the same frames at every split in two when wire is %s", (wire) => {
  const frames = conversation(wire).slice(0, 4);
  const stream = join(frames);
  for (let at = 0; at <= stream.length; at++) {
    const { cutter, frames: cut, push } = cutting(wire);
    push(stream.slice(0, at), 0);
    push(stream.slice(at), 1);
    expect(hex(cut)).toEqual(hex(frames));
    expect([cutter.generation, cutter.dropped, cutter.resyncs]).toEqual([wire, 0, 0]);
  }
});

test.each(GENERATIONS)("push() gives the same frames at every random split when wire is %s", (wire) => {
  const next = random(4);
  const frames = conversation(wire);
  for (let round = 0; round < 300; round++) {
    const { cutter, frames: cut, push } = cutting(wire);
    for (const [i, chunk] of pieces(join(frames), next).entries()) push(chunk, i / 10);
    expect(hex(cut)).toEqual(hex(frames));
    expect([cutter.dropped, cutter.resyncs]).toEqual([0, 0]);
  }
});

test.each(GENERATIONS)("push() keeps a %s stream in step when its bytes come one by one", (wire) => {
  const { frames: cut, push } = cutting(wire);
  const frames = conversation(wire);
  for (const byte of join(frames)) push(Uint8Array.of(byte), 0);
  expect(hex(cut)).toEqual(hex(frames));
});

test.each(GENERATIONS)(
  "push() learns generation %s from the first read when it is a CONNECT",
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
  "push() learns generation %s when the host came later and the first burst is requests",
  (generation) => {
    for (const count of [1, 2, 3, 10]) {
      const { cutter, frames, push } = cutting("auto");
      push(join(conversation(generation).slice(1, 1 + count)), 0);
      expect([cutter.generation, frames.length]).toEqual([generation, count]);
    }
  },
);

test("push() learns 18.11 from a CONNECT whose other bytes are uninitialised", () => {
  const { cutter, frames, push } = cutting("auto");
  push(golden("18.11", "connect-dirty"), 0);
  expect([cutter.generation, frames.length]).toEqual(["18.11", 1]);
});

test("push() tells 29 old frames from one new one when both have 464 bytes", () => {
  const { cutter, frames, push } = cutting("auto");
  push(join(Array.from({ length: 29 }, (_, i) => scale("2014", i))), 0);
  expect([cutter.generation, frames.length]).toEqual(["2014", 29]);
});

test.each(GENERATIONS)(
  "push() learns generation %s at every split of the CONNECT that isn't an older one's size",
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
  "push() learns generation %s when a backlog of requests is torn after the second",
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

test("push() takes a channel for the newest when 464 bytes tell nothing, until a burst after silence tells", () => {
  const { cutter, frames, push } = cutting("auto");
  push(new Uint8Array(300).fill(0xee), 0);
  expect(cutter.generation).toBeUndefined();
  push(new Uint8Array(300).fill(0xee), 1);
  expect([cutter.generation, cutter.resyncs, frames.length]).toEqual(["18.11", 1, 0]);
  push(scale("17.11", 1), 200);
  expect([cutter.generation, frames.length]).toEqual(["17.11", 1]);
});

test("push() drops the rest of an unknown frame when the next burst after silence tells", () => {
  const { cutter, frames, push } = cutting("auto");
  push(scale("17.11", 1).slice(-50), 0);
  push(scale("17.11", 2), 100);
  expect([cutter.generation, cutter.dropped, hex(frames)]).toEqual(["17.11", 1, hex([scale("17.11", 2)])]);
});

for (const from of GENERATIONS) {
  for (const to of GENERATIONS) {
    test(`push() goes from ${from} to ${to} when the guest restarts with another DPDK`, () => {
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

test("push() drops what a dead guest left when the CONNECT of the next one comes within 1 s", () => {
  const { cutter, frames, push } = cutting("auto");
  push(golden("18.11", "connect"), 0);
  push(scale("18.11", 1).slice(0, 100), 10);
  push(golden("17.11", "connect"), 500);
  expect([frames.length, cutter.generation, cutter.dropped]).toEqual([2, "17.11", 1]);
});

test("push() never leaves the configured generation when wire is given", () => {
  const { cutter, frames, push } = cutting("17.11");
  push(golden("18.11", "connect"), 0);
  expect([cutter.generation, frames.length]).toEqual(["17.11", 1]);
  push(golden("17.11", "connect"), 500);
  expect([frames.length, cutter.dropped]).toEqual([2, 1]);
  push(scale("18.11", 3), 2000);
  expect([cutter.generation, frames.length]).toEqual(["17.11", 3]);
});

test("push() goes on with a partial frame when its rest comes within 1 s", () => {
  const { cutter, frames, push } = cutting("18.11");
  const frame = scale("18.11", 1);
  push(frame.slice(0, 463), 0);
  push(frame.slice(463), 1000);
  expect([hex(frames), cutter.dropped]).toEqual([hex([frame]), 0]);
});

test("push() drops a partial frame when it is older than 1 s, counted from its first byte", () => {
  const { cutter, frames, push } = cutting("18.11");
  const frame = scale("18.11", 1);
  push(frame.slice(0, 100), 0);
  push(frame.slice(100, 200), 900);
  push(frame, 1001);
  expect([hex(frames), cutter.dropped, cutter.resyncs]).toEqual([hex([frame]), 1, 0]);
});

/** Returns a frame with `command` (u32). */
function commanded(command: number): Uint8Array {
  const frame = scale("18.11", 0);
  new DataView(frame.buffer).setUint32(12, command, true);
  return frame;
}
const nameless = scale("18.11", 0).fill(0x61, 16, 48);
test.each([
  ["command 0", commanded(0)],
  ["command 5", commanded(5)],
  ["command 11", commanded(11)],
  ["a code just below the extension's", commanded(EXTENSION_FIRST - 1)],
  ["a code past the extension's", commanded(0x564e_0001)],
  ["a name without NUL", nameless],
])("push() discards all until 100 ms of silence when a frame has %s", (_, bad) => {
  const { cutter, frames, push } = cutting("18.11");
  const [one, two, three, four] = [1, 2, 3, 4].map((vcpu) => scale("18.11", vcpu)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  push(join([one, bad, two]), 0);
  expect([hex(frames), cutter.resyncs]).toEqual([hex([one]), 1]);
  push(two, 99); // no silence before it, and it prolongs the burst
  push(three.slice(0, 10), 198);
  expect([frames.length, cutter.resyncs]).toEqual([1, 1]);
  push(join([three, four]), 298);
  expect([hex(frames), cutter.resyncs, cutter.dropped]).toEqual([hex([one, three, four]), 1, 0]);
});

test("push() discards when the bad frame came in pieces, too", () => {
  const { cutter, frames, push } = cutting("18.11");
  push(commanded(0).slice(0, 200), 0);
  push(join([commanded(0).slice(200), scale("18.11", 1)]), 1);
  expect([frames.length, cutter.resyncs]).toEqual([0, 1]);
  push(scale("18.11", 2), 101);
  expect(hex(frames)).toEqual(hex([scale("18.11", 2)]));
});

test("push() passes what is a frame but no good request when commands are the extension's or units and policies are wrong", () => {
  const { cutter, frames, push } = cutting("18.11");
  const unit = scale("18.11", 1);
  unit[8] = 77;
  const policy = golden("18.11", "policy-stock").fill(0xff, 128, 132);
  push(join([commanded(EXTENSION_FIRST), commanded(0x564d_ffff), unit, policy]), 0);
  expect([frames.length, cutter.resyncs]).toEqual([4, 0]);
});

test("push() falls back in step when a stream of each generation lost some bytes", () => {
  const next = random(5);
  for (let round = 0; round < 300; round++) {
    const generation = GENERATIONS[next(3)] ?? "18.11";
    const { cutter, frames, push } = cutting("auto");
    push(golden(generation, "connect"), 0);
    const lost = 1 + next(REQUEST_BYTES[generation] - 1);
    push(join(conversation(generation).slice(1)).slice(lost), 10);
    const before = frames.length;
    push(scale(generation, 7), 1200); // silence, and past the age of any partial frame
    expect(cutter.resyncs + cutter.dropped).toBeGreaterThan(0);
    expect(hex(frames.slice(before))).toEqual(hex([scale(generation, 7)]));
  }
});

test("push() gives the chunk itself, or parts of it, when nothing is held", () => {
  const { frames, push } = cutting("18.11");
  const [one, two] = [scale("18.11", 1), join([scale("18.11", 2), scale("18.11", 3)])];
  push(one, 0);
  push(two, 1);
  expect(frames[0]).toBe(one);
  expect(frames.map((frame) => frame.buffer)).toEqual([one.buffer, two.buffer, two.buffer]);
});

test("push() leaves a frame to its taker when it came in pieces", () => {
  const { frames, push } = cutting("18.11");
  for (const vcpu of [1, 2]) {
    push(scale("18.11", vcpu).slice(0, 300), 0);
    push(scale("18.11", vcpu).slice(300), 1);
    acknowledge(frames.at(-1) ?? new Uint8Array(0), false);
  }
  const nacks = [1, 2].map((vcpu) => acknowledge(scale("18.11", vcpu), false));
  expect(hex(frames)).toEqual(hex(nacks));
});

test("push() never throws and only gives whole frames when the bytes and times are random", () => {
  const next = random(6);
  const packets = PACKETS.map((packet) => Uint8Array.fromHex(packet.hex));
  for (let round = 0; round < 200; round++) {
    const wire = (["auto", ...GENERATIONS] as const)[next(4)] ?? "auto";
    const cutter = new FrameCutter(wire);
    let now = 0;
    for (let i = 0; i < 40; i++) {
      const noise = Uint8Array.from({ length: next(1000) }, () => next(256));
      const packet = packets[next(packets.length)] ?? noise;
      const chunk = [noise, packet, packet.slice(next(packet.length)), noise.fill(0)][next(4)] ?? noise;
      now += [0, 1, 150, 1500][next(4)] ?? 0;
      cutter.push(chunk, now, (frame) => {
        expect(frame.length).toBe(REQUEST_BYTES[cutter.generation ?? "18.11"]);
      });
    }
    if (wire !== "auto") expect(cutter.generation).toBe(wire);
  }
});
