// Files, devices and streams read to a bound.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readBounded, readOwnFile, readStreamBounded } from "../../internal/os/read-bounded.ts";

describe("readBounded()", () => {
  test("returns all of a file up to the bound, and nothing of a longer one", () => {
    const dir = mkdtempSync(`${tmpdir()}/bounded-`);
    const bytes = Buffer.alloc(200_000, "ab");
    writeFileSync(`${dir}/file`, bytes);
    expect(readBounded(`${dir}/file`, 200_000)).toEqual(bytes);
    expect(readBounded(`${dir}/file`, 199_999)).toBeUndefined();
    rmSync(dir, { recursive: true });
  });

  test("ends on a device without an end, and says what is not there", () => {
    expect(readBounded("/dev/zero", 1 << 20)).toBeUndefined();
    expect(readBounded("/dev/null", 0)).toEqual(Buffer.alloc(0));
    expect(() => readBounded("/nowhere", 1)).toThrow("ENOENT");
  });
});

test("readOwnFile() returns a file up to the bound, and neither waits for what stands in its place nor follows it", () => {
  const dir = mkdtempSync(`${tmpdir()}/own-`);
  writeFileSync(`${dir}/file`, "1234");
  expect(readOwnFile(`${dir}/file`, 4)?.toString()).toBe("1234");
  expect(readOwnFile(`${dir}/file`, 3)).toBeUndefined();
  writeFileSync(`${dir}/sparse`, "");
  truncateSync(`${dir}/sparse`, 2 ** 40);
  expect(readOwnFile(`${dir}/sparse`, 1 << 20)).toBeUndefined();
  expect(Bun.spawnSync(["mkfifo", `${dir}/fifo`]).success).toBe(true);
  expect(() => readOwnFile(`${dir}/fifo`, 4)).toThrow("no file");
  symlinkSync(`${dir}/file`, `${dir}/link`);
  expect(() => readOwnFile(`${dir}/link`, 4)).toThrow("ELOOP");
  mkdirSync(`${dir}/folder`);
  expect(() => readOwnFile(`${dir}/folder`, 4)).toThrow("EISDIR");
  expect(() => readOwnFile("/dev/null", 4)).toThrow("no file");
  rmSync(dir, { recursive: true });
});

test("readStreamBounded() stops a stream that has more than it may", async () => {
  let made = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({ pull: (to) => to.enqueue(new Uint8Array(1000).fill(++made)) });
  expect(await readStreamBounded(endless(), 5000)).toBeUndefined();
  expect(made).toBeLessThan(10);
  expect(await readStreamBounded(new Blob(["abc"]).stream(), 3)).toEqual(Buffer.from("abc"));
});
