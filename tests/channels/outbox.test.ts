import { describe, expect, test } from "bun:test";
import { Outbox } from "../../internal/channels/outbox.ts";

/** A guest's end that has room for so many bytes. */
class Guest {
  room: number;
  writes = 0;
  readonly got: number[] = [];

  constructor(room = Infinity) {
    this.room = room;
  }

  write(bytes: Uint8Array): number {
    this.writes++;
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.got.push(...bytes.subarray(0, taken));
    return taken;
  }
}

const SIZE = 4;
/** Frames of one chunk, side by side; each byte tells its frame, from 1. */
const chunk = (frames: number) => {
  const bytes = Uint8Array.from({ length: frames * SIZE }, (_, i) => Math.floor(i / SIZE) + 1);
  return Array.from({ length: frames }, (_, n) => bytes.subarray(n * SIZE, (n + 1) * SIZE));
};

describe("put()", () => {
  test("sends the first reply to a chunk at once, the others eight at a time and the last with flush()", () => {
    const guest = new Guest();
    const outbox = new Outbox(guest, { repliesDropped: 0 });
    const sent = chunk(11).map((reply) => {
      outbox.put(reply);
      return guest.got.length / SIZE;
    });
    expect(sent).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 9, 9, 9]);
    outbox.flush();
    outbox.flush();
    expect([guest.writes, guest.got.length]).toEqual([3, 11 * SIZE]);
    outbox.put(new Uint8Array([7]));
    expect([guest.writes, guest.got.at(-1)]).toEqual([4, 7]);
  });

  test("drops a reply that comes while one is on its way in part, wherever it stands", () => {
    const guest = new Guest(3 * SIZE + 1);
    const counts = { repliesDropped: 0 };
    const outbox = new Outbox(guest, counts);
    for (const reply of chunk(4)) outbox.put(reply);
    outbox.put(new Uint8Array([9]));
    guest.room = Infinity;
    outbox.flush();
    outbox.drained();
    expect(guest.got).toEqual([1, 2, 3, 4].flatMap((frame) => Array.from({ length: SIZE }, () => frame)));
    expect(counts.repliesDropped).toBe(1);
  });
});

describe("flush()", () => {
  test("keeps the order when replies stand elsewhere or some requests get none", () => {
    const guest = new Guest();
    const outbox = new Outbox(guest, { repliesDropped: 0 });
    const [one, two, , four, five] = chunk(5) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    for (const reply of [one, two, new Uint8Array([9, 9]), four, five]) outbox.put(reply);
    outbox.flush();
    expect(guest.got).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 9, 9, 4, 4, 4, 4, 5, 5, 5, 5]);
  });

  test("drops every reply of a guest that is gone, and counts them", () => {
    const counts = { repliesDropped: 0 };
    const outbox = new Outbox({ write: () => -1 }, counts);
    for (const reply of chunk(3)) outbox.put(reply);
    outbox.flush();
    expect(counts.repliesDropped).toBe(3);
  });

  test.each(Array.from({ length: 3 * SIZE + 1 }, (_, room) => [room]))(
    "sends no part of a reply alone when the guest has room for %d bytes",
    (room) => {
      const guest = new Guest(room);
      const counts = { repliesDropped: 0 };
      const outbox = new Outbox(guest, counts);
      for (const reply of chunk(3)) outbox.put(reply);
      outbox.flush();
      const begun = Math.ceil(room / SIZE);
      expect([guest.got.length, counts.repliesDropped]).toEqual([room, 3 - begun]);
      outbox.put(new Uint8Array([8]));
      outbox.flush();
      expect(counts.repliesDropped).toBe(3 - begun + 1);
      guest.room = 1;
      outbox.drained();
      guest.room = Infinity;
      outbox.drained();
      outbox.put(new Uint8Array([9]));
      outbox.flush();
      const whole = Array.from({ length: begun * SIZE }, (_, i) => Math.floor(i / SIZE) + 1);
      expect(guest.got).toEqual([...whole, 9]);
    },
  );
});
