import { expect, test } from "bun:test";
import { SpareTime } from "../../internal/os/spare-time.ts";

/** Keeps the thread for `ms`. */
const burn = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test("SpareTime.run() does work in order, never at once, with a look at everything else in between", async () => {
  const spare = new SpareTime();
  const done: string[] = [];
  const look = () => setImmediate(() => void done.push("look"));
  const all = ["a", "b"].map((one) =>
    spare.run(() => {
      done.push(one);
      look();
      return one;
    }),
  );
  expect(done).toEqual([]);
  expect(await Promise.all(all)).toEqual(["a", "b"]);
  expect(done.slice(0, 3)).toEqual(["a", "look", "b"]);
});

test("SpareTime.run() lets nine times as much time pass as was used up", async () => {
  const spare = new SpareTime();
  const ends: number[] = [];
  await spare.run(() => {
    burn(100);
    ends.push(performance.now());
  });
  await spare.run(() => ends.push(performance.now()));
  const [end = 0, next = 0] = ends;
  // 50 ms may be used after a rest; the other 50 are a tenth of the 500 from the start of the work on.
  expect(next - end).toBeGreaterThan(350);
});

test("SpareTime.run() lets nobody wait for all of what a long piece of work took", async () => {
  const spare = new SpareTime();
  await spare.run(() => burn(1000));
  const end = performance.now();
  await spare.run(() => {});
  // Paid for in full it would be 8.5 s and more.
  expect(performance.now() - end).toBeLessThan(8000);
}, 20_000);

test("SpareTime.run() rejects with what the work throws, and goes on", async () => {
  const spare = new SpareTime();
  const thrown = spare.run(() => {
    throw new Error("no");
  });
  expect(thrown).rejects.toThrow("no");
  expect(await spare.run(async () => await Promise.resolve(1))).toBe(1);
});
