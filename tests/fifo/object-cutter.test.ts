// Objects out of a stream: any split, any bytes, bounded.

import { describe, expect, test } from "bun:test";
import { MAX_OBJECT_BYTES, ObjectCutter, UNFINISHED_MS } from "../../internal/fifo/object-cutter.ts";

/** A cutter with what it called. */
function cutter() {
  const cut = new ObjectCutter();
  const objects: string[] = [];
  const problems: string[] = [];
  return {
    objects,
    problems,
    push: (bytes: string | Uint8Array, nowMs = 0) =>
      cut.push(
        typeof bytes === "string" ? Buffer.from(bytes) : bytes,
        nowMs,
        (text) => objects.push(text),
        (why) => problems.push(why),
      ),
  };
}

const THREE = ['{"a":1}', '{"b":{"c":"}{\\"} \\\\"}}', '{"d":"ü","e":[{},{}]}'];

describe("ObjectCutter.push()", () => {
  test("gives objects in a row, whatever blanks are between them", () => {
    const { push, objects, problems } = cutter();
    push(`  ${THREE[0]}${THREE[1]}\r\n\t${THREE[2]}\n`);
    expect([objects, problems]).toEqual([THREE, []]);
  });

  test("gives the same objects for every split in two and for single bytes", () => {
    const bytes = Buffer.from(THREE.join("\n"));
    for (let at = 0; at <= bytes.length; at++) {
      const { push, objects } = cutter();
      push(bytes.subarray(0, at));
      push(bytes.subarray(at));
      expect(objects).toEqual(THREE);
    }
    const { push, objects } = cutter();
    for (const byte of bytes) push(Uint8Array.of(byte));
    expect(objects).toEqual(THREE);
  });

  test("tells of text outside of objects once for each run of it, and goes on", () => {
    const { push, objects, problems } = cutter();
    push('hello world {"a":1} , , {"b":2}\n');
    expect(objects).toEqual(['{"a":1}', '{"b":2}']);
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain("outside of an object");
  });

  test("tells once of an object that is too long, and takes the next one", () => {
    const { push, objects, problems } = cutter();
    push(`{"a":"${"x".repeat(MAX_OBJECT_BYTES)}`);
    push(`${"x".repeat(1_000_000)}"}{"b":2}`);
    expect(objects).toEqual(['{"b":2}']);
    expect(problems).toEqual([`an object is longer than ${MAX_OBJECT_BYTES} bytes`]);
  });

  test("takes an object of just the longest length", () => {
    const { push, objects, problems } = cutter();
    const text = `{"a":"${"x".repeat(MAX_OBJECT_BYTES - 8)}"}`;
    push(text);
    expect([objects, problems]).toEqual([[text], []]);
  });

  test("gives an unfinished object up after a silence", () => {
    const { push, objects, problems } = cutter();
    push('{"a":"', 1000);
    push('{"b":2}', 1000 + UNFINISHED_MS);
    expect(objects).toEqual([]);
    push('{"c":3}', 1001 + 2 * UNFINISHED_MS);
    expect(objects).toEqual(['{"c":3}']);
    expect(problems).toEqual(["an object stayed unfinished for more than 5 s"]);
  });

  test("returns for any bytes, and is whole again after a silence", () => {
    for (let seed = 0; seed < 300; seed++) {
      const { push, objects } = cutter();
      const bytes = Uint8Array.from(
        { length: 2000 },
        (_, i) => (i * 7919 + seed * 104_729 + ((i * seed) >> 3)) & 0xff,
      );
      for (let at = 0; at < bytes.length; at += 97) push(bytes.subarray(at, at + 97));
      push(Buffer.from('{"after":1}'), UNFINISHED_MS + 1);
      expect(objects.at(-1)).toBe('{"after":1}');
    }
  });
});
