// The latency of the whole machine that is held for as long as a file is open.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { DmaLatency } from "../../../internal/power/profiles/dma-latency.ts";
import { error, value } from "../../sysfs/machine.ts";

test("DmaLatency holds four bytes of microseconds, changes them and lets go", () => {
  const dir = mkdtempSync(`${tmpdir()}/latency-`);
  const file = `${dir}/cpu_dma_latency`;
  writeFileSync(file, "");
  const held = new DmaLatency(file);
  value(held.hold(250));
  expect([...readFileSync(file)]).toEqual([250, 0, 0, 0]);
  value(held.hold(0));
  expect(held.limitUs).toBe(0);
  expect([...readFileSync(file)]).toEqual([0, 0, 0, 0]);
  value(held.hold(undefined));
  expect(held.limitUs).toBeUndefined();
  rmSync(file);
  expect(error(held.hold(5)).code).toBe("ENOENT");
  rmSync(dir, { recursive: true });
});
