import { expect, test } from "bun:test";
import { frame, type FrameOptions } from "../../internal/top/frame.ts";
import type { Glance } from "../../internal/top/glance.ts";
import { START } from "../../internal/top/state.ts";

const clock = (domain: number, targetKhz: number | undefined, vm = "vm1"): Glance["domains"][number] => ({
  domain,
  cpus: [domain],
  minKhz: 1_000_000,
  nominalKhz: 3_000_000,
  maxKhz: 3_000_000,
  floorKhz: 1_000_000,
  ceilingKhz: 2_000_000,
  claims: targetKhz === undefined ? 0 : 1,
  ...(targetKhz !== undefined && {
    targetKhz,
    holder: { by: "guest", vm, vcpu: domain, wishKhz: targetKhz },
  }),
});

const GLANCE: Glance = {
  at: "2026-01-02T03:04:05.000Z",
  uptimeS: 3723,
  domains: [
    clock(0, undefined),
    clock(1, 2_000_000),
    clock(2, 1_000_000, "web.2"),
    { ...clock(3, 3_000_000), holder: { by: "operator", wishKhz: 3_000_000 }, clippedBy: "site" },
  ],
  vms: [
    {
      vm: "vm1",
      channels: 2,
      connected: 1,
      requests: 9,
      refused: 0,
      failed: 0,
      requestsPerSecond: 0.52,
      refusedPerSecond: 0,
    },
    {
      vm: "web.2",
      channels: 1,
      connected: 1,
      requests: 900,
      refused: 4,
      failed: 1,
      policy: { type: "time", origin: "operator" },
      requestsPerSecond: 1234.5,
      refusedPerSecond: 4,
    },
  ],
  refusals: [
    {
      at: "2026-01-02T03:04:05.000Z",
      vm: "web.2",
      vcpu: 3,
      message:
        'The guest calls itself "vm1", but this channel belongs to another; \u009b2Jgive it its own name.',
    },
  ],
};
const PLAIN: FrameOptions = { width: 80, height: Infinity, blocks: false, styled: false };
const lines = (state = START, options: Partial<FrameOptions> = {}, of = GLANCE) =>
  frame(of, state, { ...PLAIN, ...options }).map((line) => line.trimEnd());

test("frame() shows bars with floor, ceiling and holder, rates, policies and refusals", () => {
  expect(lines()).toEqual([
    "powermon, up 1 h 2 min: 2 VMs, 2 of 3 channels connected, 3 of 4 clocks claimed",
    "1235 requests/s, 4.0 refused/s, clocks by number, VMs by name",
    "CPUS         GHz FREQUENCY                FLOOR  CEIL HELD BY        CLAIMS",
    "0              - [------------..........]  1.00  2.00 nobody         -",
    "1           2.00 [############..........]  1.00  2.00 vm1 vCPU 1     1",
    "2           1.00 [#-----------..........]  1.00  2.00 web.2 vCPU 2   1",
    "3           3.00 [######################]  1.00  2.00 the operator   1 clipped",
    "",
    "VM                   CHANNELS    REQ/S  REFUSED FAILED POLICY",
    "vm1                  1/2           0.5        0      0 -",
    "web.2                1            1235        4      1 time (operator)",
    "",
    "LAST REFUSALS",
    '03:04:05 web.2 vCPU 3: The guest calls itself "vm1", but this channel belongs to',
    "         another; ?2Jgive it its own name.",
  ]);
});

test("frame() sorts and filters clocks and VMs", () => {
  const cpus = (state: typeof START) =>
    lines(state)
      .slice(3, 7)
      .map((line) => line[0]);
  expect(cpus({ ...START, clockSort: "frequency" })).toEqual(["3", "1", "2", "0"]);
  expect(cpus({ ...START, clockSort: "claims" })).toEqual(["1", "2", "3", "0"]);
  const byRate = lines({ ...START, vmSort: "requests" });
  expect(byRate.findIndex((line) => line.startsWith("web.2"))).toBeLessThan(
    byRate.findIndex((line) => line.startsWith("vm1 ")),
  );
  const only = lines({ ...START, filter: "WEB" });
  expect(only.filter((line) => /^\d /.test(line))).toHaveLength(1);
  expect(only.some((line) => line.startsWith("vm1 "))).toBe(false);
  expect(only[1]).toContain('only "WEB"');
});

test.each([
  [80, 24],
  [40, 10],
  [20, 5],
  [200, 60],
  [1, 1],
])("frame() never leaves a terminal of %d columns and %d lines", (width, height) => {
  const many: Glance = { ...GLANCE, domains: Array.from({ length: 256 }, (_, n) => clock(n, 2_000_000)) };
  for (const help of [false, true]) {
    const drawn = frame(many, { ...START, help }, { ...PLAIN, width, height, blocks: true });
    expect(drawn.length).toBeLessThanOrEqual(height);
    for (const line of drawn) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
  }
});

test("frame() keeps VMs in sight of 256 clocks and scrolls both", () => {
  const many: Glance = { ...GLANCE, domains: Array.from({ length: 256 }, (_, n) => clock(n, 2_000_000)) };
  const first = lines(START, { height: 24 }, many);
  expect(first.some((line) => line.startsWith("web.2"))).toBe(true);
  expect(first[3]).toStartWith("0 ");
  const later = lines({ ...START, clockRow: 100 }, { height: 24 }, many);
  expect(later[3]).toStartWith("100 ");
  const last = lines({ ...START, clockRow: 255 }, { height: 24 }, many);
  expect(last.filter((line) => /^\d/.test(line)).at(-1)).toBeDefined();
  expect(last.some((line) => line.startsWith("255 "))).toBe(true);
});

test("frame() says pause, trouble, and the filter while it is typed", () => {
  expect(lines({ ...START, paused: true })[1]).toStartWith("PAUSED, ");
  expect(lines({ ...START, typing: true, filter: "ab" })[1]).toBe("Show only: ab_");
  expect(lines(START, { trouble: "powermon does not answer." })[1]).toBe("powermon does not answer.");
  expect(lines({ ...START, help: true }).join("\n")).toContain("q, Ctrl-C");
});
