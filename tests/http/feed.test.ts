import { expect, test } from "bun:test";
import type { LiveDomain, LiveReport } from "../../internal/api/live.ts";
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
    at: "2026-01-02T03:04:05Z",
    uptimeS: 1,
    domains: now.targets.map((khz, domain) => clock(domain, khz)),
    vms: [],
    refusals: [],
  });
  const feed = new Feed(look);
  const page = () => {
    const events: { event: string; policies?: number[]; history?: unknown }[] = [];
    const end = feed.watch((text) => {
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
    });
    return { events, end };
  };
  return { now, feed, page };
}

test("watch() tells the whole with its history, then each look only what changed", () => {
  const { now, feed, page } = host(5, undefined, 7);
  feed.turn();
  feed.turn();
  const { events } = page();
  expect(events).toEqual([{ event: "whole", policies: [0, 1, 2], history: [[[2, 5]], [[2, 0]], [[2, 7]]] }]);
  feed.turn();
  now.targets = [5, 6, 7];
  feed.turn();
  expect(events.slice(1)).toEqual([
    { event: "change", policies: [] },
    { event: "change", policies: [1] },
  ]);
});

test("watch() tells a page that comes between two looks what the others were told, so that no change is lost", () => {
  const { now, feed, page } = host(5);
  feed.turn();
  const first = page();
  feed.turn();
  now.targets = [6];
  const second = page();
  now.targets = [5];
  feed.turn();
  // It never heard of 6, so it needs no change back.
  expect(second.events.map(({ event, policies }) => [event, policies])).toEqual([
    ["whole", [0]],
    ["change", []],
  ]);
  now.targets = [8];
  feed.turn();
  expect([first.events.at(-1)?.policies, second.events.at(-1)?.policies]).toEqual([[0], [0]]);
});

test("watch() begins anew when there are other clocks, and ends when it is told", () => {
  const { now, feed, page } = host(5);
  const { events, end } = page();
  now.targets = [5, 6];
  feed.turn();
  expect(events.at(-1)?.event).toBe("reload");
  end();
  feed.turn();
  expect(events).toHaveLength(2);
  expect(feed.watchers).toBe(0);
});

test("a change between pages is in the next page's whole", () => {
  const { now, feed, page } = host(5);
  feed.turn();
  page().end();
  now.targets = [8];
  const { events } = page();
  feed.turn();
  expect(events.map(({ event, policies }) => [event, policies])).toEqual([
    ["whole", [0]],
    ["change", []],
  ]);
});
