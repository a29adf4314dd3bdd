// Who is served when: nobody waits for a neighbour's flood, and the loop goes round between turns.

import { describe, expect, test } from "bun:test";
import { Party, Turns, type Worker } from "../../internal/os/turns.ts";
import { until } from "../helpers/until.ts";

/** Work in units, and a record of who did some. */
class Units implements Worker {
  readonly party: Party;
  turn = 0;
  next: Worker | undefined;
  left = 0;
  readonly #name: string;
  readonly #done: string[];

  constructor(name: string, party: Party, done: string[]) {
    this.#name = name;
    this.party = party;
    this.#done = done;
  }

  get waits(): boolean {
    return this.left > 0;
  }

  work(most: number): number {
    const units = Math.min(most, this.left);
    this.left -= units;
    if (units > 0) this.#done.push(`${this.#name}${units}`);
    return units;
  }

  /** Gets so much work. */
  get(turns: Turns, units: number): void {
    this.left = units;
    turns.offer(this, performance.now());
  }
}

function world() {
  const done: string[] = [];
  const worker = (name: string, party = new Party()) => new Units(name, party, done);
  return { turns: new Turns(), done, worker };
}

describe("offer()", () => {
  test("has little work done at once, however often it comes", () => {
    const { turns, done, worker } = world();
    const a = worker("a");
    for (let i = 0; i < 100; i++) a.get(turns, 1);
    expect(done).toHaveLength(100);
  });

  test("does a share of much work at once and the rest in turns", async () => {
    const { turns, done, worker } = world();
    const a = worker("a");
    a.get(turns, 100);
    expect(done).toEqual(["a8"]);
    await until("it is done", () => !a.waits);
    expect(done).toEqual(["a8", "a64", "a28"]);
  });

  test("gives each party a share in turn, and within one each of its workers", async () => {
    const { turns, done, worker } = world();
    const party = new Party();
    const [a, b, c] = [worker("a", party), worker("b", party), worker("c")] as const;
    for (const one of [a, b, c]) one.get(turns, 24);
    expect(done).toEqual(["a8", "c8"]); // a's party had its share
    await until("all is done", () => [a, b, c].every(({ waits }) => !waits));
    expect(done.slice(2)).toEqual(["a8", "c8", "b8", "c8", "a8", "b16"]);
  });

  test("spends a party's share on as many of its workers as it lasts for", async () => {
    const { turns, done, worker } = world();
    const floods = Array.from({ length: 8 }, (_, i) => worker(`f${i}-`));
    for (const one of floods) one.get(turns, 1000); // the turn's units are done
    const before = done.length;
    const [many, one] = [new Party(), new Party()];
    const small = [..."abcdefghi"].map((name) => worker(name, many));
    const other = worker("z", one);
    for (const each of [...small, other]) each.get(turns, 1);
    await until("all small ones are served", () => [...small, other].every(({ waits }) => !waits));
    expect(done.slice(before, before + 9)).toEqual(["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "z1"]);
    expect(done).toContain("i1");
    for (const flood of floods) flood.left = 0;
  });

  test("serves who had nothing to wait for before those who had", async () => {
    const { turns, done, worker } = world();
    const floods = Array.from({ length: 64 }, (_, i) => worker(`f${i}-`));
    for (const one of floods) one.get(turns, 1000);
    const before = done.length;
    const quiet = worker("q");
    quiet.get(turns, 1); // more than a turn's units are done already
    await until("the quiet one is served", () => !quiet.waits);
    const floodsFirst = done.slice(before, done.indexOf("q1"));
    expect(new Set(floodsFirst).size).toBe(floodsFirst.length);
    expect(floodsFirst.length).toBeLessThanOrEqual(floods.length);
    for (const one of floods) one.left = 0;
  });

  test("lets the loop go round after each turn", async () => {
    const { turns, done, worker } = world();
    const a = worker("a");
    let rounds = 0;
    let ends = false;
    const round = () => {
      rounds++;
      if (!ends) setImmediate(round);
    };
    setImmediate(round);
    a.get(turns, 64 * 50);
    await until("it is done", () => !a.waits);
    ends = true;
    expect(rounds).toBeGreaterThanOrEqual(49);
    expect(done.every((one) => Number(one.slice(1)) <= 64)).toBe(true);
  });
});

describe("resume()", () => {
  test("lets two be read in each turn, the longest paused first, though nobody has work", async () => {
    const { turns } = world();
    const read: string[] = [];
    for (const name of "abcde") turns.resume(() => void read.push(name));
    const seen: string[] = [];
    while (read.length < 5) {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(read.join(""));
    }
    expect(seen).toEqual(["ab", "abcd", "abcde"]);
  });
});
