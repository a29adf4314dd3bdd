// A stream with no marker: if a split or a dead guest could shift the frames, every later request would be wrong.

import { expect, test } from "bun:test";
import { EXTENSION_FIRST, REQUEST_BYTES } from "../../internal/packet/constants.ts";
import { FrameCutter } from "../../internal/packet/frame.ts";
import { acknowledge } from "../../internal/packet/reply.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";
import { conversation, cutting, GENERATIONS, hex, join, scale } from "../fixtures/packet/stream.ts";

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

test.each(GENERATIONS)("next() gives the same frames at every split in two when wire is %s", (wire) => {
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

test.each(GENERATIONS)("next() gives the same frames at every random split when wire is %s", (wire) => {
  const next = random(4);
  const frames = conversation(wire);
  for (let round = 0; round < 300; round++) {
    const { cutter, frames: cut, push } = cutting(wire);
    for (const [i, chunk] of pieces(join(frames), next).entries()) push(chunk, i / 10);
    expect(hex(cut)).toEqual(hex(frames));
    expect([cutter.dropped, cutter.resyncs]).toEqual([0, 0]);
  }
});

test.each(GENERATIONS)("next() keeps a %s stream in step when its bytes come one by one", (wire) => {
  const { frames: cut, push } = cutting(wire);
  const frames = conversation(wire);
  for (const byte of join(frames)) push(Uint8Array.of(byte), 0);
  expect(hex(cut)).toEqual(hex(frames));
});

test("next() goes on with a partial frame when its rest comes within 1 s", () => {
  const { cutter, frames, push } = cutting("18.11");
  const frame = scale("18.11", 1);
  push(frame.slice(0, 463), 0);
  push(frame.slice(463), 1000);
  expect([hex(frames), cutter.dropped]).toEqual([hex([frame]), 0]);
});

test("next() drops a partial frame when it is older than 1 s, counted from its first byte", () => {
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
const STRANGE: [string, Uint8Array][] = [
  ["command 0", commanded(0)],
  ["command 5", commanded(5)],
  ["command 11", commanded(11)],
  ["command 200", commanded(200)],
  ["a code just below the extension's", commanded(EXTENSION_FIRST - 1)],
  ["a code past the extension's", commanded(0x564e_0001)],
  ["a name without NUL", nameless],
];

test.each(STRANGE)("next() gives a frame with %s like any other, however it is cut", (_, strange) => {
  const [one, two, three] = [1, 2, 3].map((vcpu) => scale("18.11", vcpu)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const frames = [one, strange, strange, two, strange, three];
  const stream = join(frames);
  const next = random(7);
  for (let round = 0; round < 200; round++) {
    const { cutter, frames: cut, push } = cutting("18.11");
    // Nobody knows what a piece stands for whose frame has no known command and whose next begins elsewhere: these are cut in two at most.
    const at = round === 0 ? stream.length : next(stream.length);
    for (const chunk of [stream.slice(0, at), stream.slice(at)]) push(chunk, 0);
    expect([at, hex(cut)]).toEqual([at, hex(frames)]);
    expect([cutter.dropped, cutter.resyncs, cutter.discardedBytes]).toEqual([0, 0, 0]);
  }
});

test.each(STRANGE)(
  "next() gives what follows at once when a busy guest sends %s in a write of its own",
  (_, strange) => {
    const { cutter, frames, push } = cutting("auto");
    push(golden("18.11", "connect"), 0);
    for (let ms = 20; ms <= 1000; ms += 20) push(ms === 40 ? strange : scale("18.11", ms), ms);
    expect([frames.length, cutter.resyncs, cutter.discardedBytes]).toEqual([51, 0, 0]);
  },
);

test.each(GENERATIONS)(
  "next() loses no %s frame to stray bytes when a busy guest sends them alone",
  (wire) => {
    for (const stray of [1, 3, 15, REQUEST_BYTES[wire] - 1]) {
      const { cutter, frames, push } = cutting("auto");
      push(golden(wire, "connect"), 0);
      push(new Uint8Array(stray).fill(0x41), 20);
      const sent = Array.from({ length: 50 }, (_, vcpu) => scale(wire, vcpu));
      for (const [i, one] of sent.entries()) push(one, 40 + 20 * i);
      expect([stray, hex(frames.slice(1))]).toEqual([stray, hex(sent)]);
      expect([cutter.generation, cutter.dropped + cutter.resyncs, cutter.discardedBytes]).toEqual([
        wire,
        1,
        stray,
      ]);
    }
  },
);

test.each(GENERATIONS)(
  "next() is back in step within two %s frames when stray bytes come in the middle of a burst",
  (wire) => {
    const next = random(8);
    for (let round = 0; round < 300; round++) {
      const { cutter, frames, push } = cutting(wire);
      const odd = round % 2 === 0;
      const before = Array.from({ length: next(4) }, (_, vcpu) => scale(wire, vcpu));
      const after = Array.from({ length: 4 + next(4) }, (_, vcpu) => scale(wire, 100 + vcpu));
      // Bytes of the size of frames are frames.
      const stray = Uint8Array.from({ length: 1 + next(REQUEST_BYTES[wire] - 1) }, () =>
        odd ? next(256) : 0,
      );
      const chunks =
        next(2) === 0
          ? [join([...before, stray, ...after])]
          : pieces(join([...before, stray, ...after]), next);
      for (const chunk of chunks) push(chunk, 0);
      for (let i = 0; i < 3; i++) push(scale(wire, 200 + i), 20 + 20 * i);
      const got = hex(frames);
      expect(got.slice(0, before.length)).toEqual(hex(before));
      expect(got.slice(-3)).toEqual(hex([200, 201, 202].map((vcpu) => scale(wire, vcpu))));
      if (chunks.length === 1) {
        expect(got.slice(before.length)).toEqual(
          hex([...after, ...[200, 201, 202].map((vcpu) => scale(wire, vcpu))]),
        );
        expect([cutter.resyncs, cutter.discardedBytes]).toEqual([1, stray.length]);
      }
    }
  },
);

test("next() counts every byte in frames or as discarded, whatever comes", () => {
  const next = random(9);
  for (let round = 0; round < 300; round++) {
    const wire = GENERATIONS[next(3)] ?? "18.11";
    const { cutter, frames, push } = cutting(wire);
    let sent = 0;
    for (let i = 0; i < 30; i++) {
      const whole = scale(wire, next(8));
      const chunk =
        [whole, whole.slice(next(whole.length)), Uint8Array.from({ length: next(700) }, () => next(256))][
          next(3)
        ] ?? whole;
      sent += chunk.length;
      push(chunk, i * 20);
    }
    // The last of it may be a part of a frame that is still to come: after a second nobody waits for that.
    push(scale(wire, 1), 3000);
    push(scale(wire, 1), 3020);
    sent += 2 * REQUEST_BYTES[wire];
    const framed = frames.reduce((sum, { length }) => sum + length, 0);
    expect(framed + cutter.discardedBytes).toBe(sent);
  }
});

test("next() takes two unknown frames that were written at once for two, also where something in them looks like a packet", () => {
  const strange = commanded(12);
  new DataView(strange.buffer).setUint32(308, 1, true);
  new DataView(strange.buffer).setUint32(312, 1, true);
  const { cutter, frames, push } = cutting("18.11");
  push(join([strange, strange]), 0);
  push(scale("18.11", 1), 20);
  expect([hex(frames), cutter.resyncs]).toEqual([hex([strange, strange, scale("18.11", 1)]), 0]);
});

test("next() takes no CONNECT and no odd bytes for the place where packets go on", () => {
  for (const title of ["connect", "connect-dirty"]) {
    const { cutter, frames, push } = cutting("18.11");
    push(join([Uint8Array.of(1, 2, 3), golden("18.11", title), golden("18.11", title)]), 0);
    push(scale("18.11", 5), 20);
    expect(hex(frames.slice(-1))).toEqual(hex([scale("18.11", 5)]));
    expect(cutter.discardedBytes).toBeLessThan(464);
  }
});

test("next() passes what is a frame but no good request when commands are the extension's or units and policies are wrong", () => {
  const { cutter, frames, push } = cutting("18.11");
  const unit = scale("18.11", 1);
  unit[8] = 77;
  const policy = golden("18.11", "policy-stock").fill(0xff, 128, 132);
  push(join([commanded(EXTENSION_FIRST), commanded(0x564d_ffff), unit, policy]), 0);
  expect([frames.length, cutter.resyncs]).toEqual([4, 0]);
});

test("next() falls back in step when a stream of each generation lost some bytes", () => {
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

test("next() gives the chunk itself, or parts of it, when nothing is held", () => {
  const { frames, push } = cutting("18.11");
  const [one, two] = [scale("18.11", 1), join([scale("18.11", 2), scale("18.11", 3)])];
  push(one, 0);
  push(two, 1);
  expect(frames[0]).toBe(one);
  expect(frames.map((frame) => frame.buffer)).toEqual([one.buffer, two.buffer, two.buffer]);
});

test("next() leaves a frame to its taker when it came in pieces", () => {
  const { frames, push } = cutting("18.11");
  for (const vcpu of [1, 2]) {
    push(scale("18.11", vcpu).slice(0, 300), 0);
    push(scale("18.11", vcpu).slice(300), 1);
    acknowledge(frames.at(-1) ?? new Uint8Array(0), false);
  }
  const nacks = [1, 2].map((vcpu) => acknowledge(scale("18.11", vcpu), false));
  expect(hex(frames)).toEqual(hex(nacks));
});

test("next() never throws and only gives whole frames when the bytes and times are random", () => {
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
      cutter.take(chunk, now);
      for (let frame = cutter.next(); frame !== undefined; frame = cutter.next()) {
        expect(frame.length).toBe(REQUEST_BYTES[cutter.generation ?? "18.11"]);
      }
    }
    if (wire !== "auto") expect(cutter.generation).toBe(wire);
  }
});
