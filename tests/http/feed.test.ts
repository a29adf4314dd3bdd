import { expect, test } from "bun:test";
import type { LiveDomain, LiveReport } from "../../internal/api/live.ts";
import type { Range } from "../../internal/http/history.ts";
import { Feed } from "../../internal/http/feed.ts";

const clock = (domain: number, targetKhz: number | undefined): LiveDomain => ({
  domain,
  cpus: [domain],
  minKhz: 1,
  nominalKhz: 9,
  maxKhz: 9,
  floorKhz: 1,
  ceilingKhz: 9,
  targetKhz,
  claims: 0,
  holder: undefined,
  clippedBy: undefined,
});

/** A host whose clocks a test sets, and pages that note what they are told. */
function host(...targets: (number | undefined)[]) {
  const now = { targets };
  const look = (): LiveReport => ({
    host: "host.example",
    changes: [],
    machine: {
      at: "2026-01-02T03:04:05Z",
      cpus: [],
      clocks: [],
      measures: false,
      packages: [],
      temperatures: [],
    },
    at: "2026-01-02T03:04:05Z",
    uptimeS: 1,
    domains: now.targets.map((khz, domain) => clock(domain, khz)),
    vms: [],
    refusals: [],
  });
  const feed = new Feed(look, () => now.targets.map((target, id) => ({ id, target })));
  const page = async (range?: Range) => {
    const events: { event: string; policies?: number[]; history?: unknown }[] = [];
    const end = await feed.watch((text) => {
      expect(text).toMatch(/^event: \w+\ndata: [^\n]+\n\n$/);
      const [first = "", second = ""] = text.split("\n");
      const { domains, history }: { domains?: { domain: number }[]; history?: unknown } = JSON.parse(
        second.slice("data: ".length),
      );
      events.push({
        event: first.slice("event: ".length),
        ...(domains && { policies: domains.map(({ domain }) => domain) }),
        ...(history !== undefined && { history }),
      });
    }, range);
    return { events, end };
  };
  return { now, feed, page };
}

test("watch() tells the whole with its history, then each look only what changed", async () => {
  const { now, feed, page } = host(5, undefined, 7);
  await feed.turn();
  await feed.turn();
  const { events } = await page();
  expect(events).toEqual([{ event: "whole", policies: [0, 1, 2], history: [[[2, 5]], [[2, 0]], [[2, 7]]] }]);
  await feed.turn();
  now.targets = [5, 6, 7];
  await feed.turn();
  expect(events.slice(1)).toEqual([
    { event: "change", policies: [] },
    { event: "change", policies: [1] },
  ]);
});

test("watch() tells a page that comes between two looks what the others were told, so that no change is lost", async () => {
  const { now, feed, page } = host(5);
  await feed.turn();
  const first = await page();
  await feed.turn();
  now.targets = [6];
  const second = await page();
  now.targets = [5];
  await feed.turn();
  // It never heard of 6, so it needs no change back.
  expect(second.events.map(({ event, policies }) => [event, policies])).toEqual([
    ["whole", [0]],
    ["change", []],
  ]);
  now.targets = [8];
  await feed.turn();
  expect([first.events.at(-1)?.policies, second.events.at(-1)?.policies]).toEqual([[0], [0]]);
});

test("watch() begins anew when there are other clocks, and ends when it is told", async () => {
  const { now, feed, page } = host(5);
  const { events, end } = await page();
  now.targets = [5, 6];
  await feed.turn();
  expect(events.at(-1)?.event).toBe("reload");
  end();
  await feed.turn();
  expect(events).toHaveLength(2);
  expect(feed.watchers).toBe(0);
});

test("a change between pages is in the next page's whole", async () => {
  const { now, feed, page } = host(5);
  await feed.turn();
  (await page()).end();
  now.targets = [8];
  const { events } = await page();
  await feed.turn();
  expect(events.map(({ event, policies }) => [event, policies])).toEqual([
    ["whole", [0]],
    ["change", []],
  ]);
});

test("turn() asks for nothing while nobody watches, and pages are told how far each look is", async () => {
  let asked = 0;
  const { feed, page, now } = host(5);
  const look = feed.turn.bind(feed);
  const counting = new Feed(
    () => {
      asked++;
      throw new Error("nobody watches");
    },
    () => [{ id: 0, target: 5 }],
  );
  for (let n = 0; n < 3; n++) await counting.turn();
  expect(asked).toBe(0);
  for (let n = 0; n < 7; n++) await look();
  const { events } = await page("1h");
  expect(events[0]).toMatchObject({ event: "whole", history: [[[2, 5]]] });
  now.targets = [7];
  await look();
  expect(events[1]).toMatchObject({ event: "change", policies: [0] });
});
