// Each setting that differs is told, and nothing else.

import { expect, test } from "bun:test";
import { configChanges } from "../../internal/config/changes.ts";

test("configChanges() tells settings that came, went and changed, in the order of their keys", () => {
  const before = {
    pinning: { floating: "all" },
    vm: { "web.1": { pins: { 0: 2 } }, gone: { queries: true } },
  } as const;
  const after = {
    pinning: { floating: "refuse" },
    vm: { "web.1": { pins: { 0: 3 } }, fresh: {} },
    http: { listen: "127.0.0.1:9560" },
  } as const;
  expect(configChanges(before, after)).toEqual([
    '+ http.listen = "127.0.0.1:9560" (at the next start)',
    '- pinning.floating = "all"',
    '+ pinning.floating = "refuse"',
    '- vm."web.1".pins.0 = 2',
    '+ vm."web.1".pins.0 = 3',
    "+ vm.fresh = {}",
    "- vm.gone.queries = true",
  ]);
  expect(configChanges(after, structuredClone(after))).toEqual([]);
});

test("configChanges() cuts a value that is long", () => {
  const [line = ""] = configChanges(
    {},
    { http: { names: Array.from({ length: 100 }, (_, i) => `host${i}`) } },
  );
  expect(line).toContain("... (at the next start)");
  expect(line.length).toBeLessThan(260);
});
