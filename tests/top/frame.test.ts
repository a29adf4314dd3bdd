import { expect, test } from "bun:test";
import { frame, type FrameOptions } from "../../internal/top/frame.ts";
import type { VmReport } from "../../internal/api/vms.ts";
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
  host: "host.example",
  changes: [],
  machine: { at: "", cpus: [], clocks: [], measures: false, packages: [], temperatures: [] },
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
    "powermon on host.example, up 1 h 2 min: 2 VMs, 2 of 3 channels connected, 3 of ~",
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

const CHANGES = Array.from({ length: 9 }, (_, n) => ({
  at: `2026-01-02T03:04:0${n}.000Z`,
  what: `CPU ${n} set to 2.00 GHz`,
  who: n === 3 ? "an operator" : `web.2 vCPU ${n}`,
}));
/** Twelve CPUs that do something, and what the machine says of them. */
const BUSY: Glance = {
  ...GLANCE,
  domains: Array.from({ length: 12 }, (_, n) => clock(n, n < 4 ? 2_000_000 : undefined)),
  changes: CHANGES,
  machine: {
    at: "",
    cpus: Array.from({ length: 12 }, (_, cpu) => ({ cpu, busyS: 1, busy: cpu === 1 ? 0.973 : 0 })),
    clocks: Array.from({ length: 12 }, (_, domain) => ({
      domain,
      ...(domain < 4
        ? { measuredKhz: 1_998_000 }
        : { heldKhz: 1_500_000, governor: domain === 4 ? "userspace" : "schedutil" }),
    })),
    measures: true,
    packages: [{ name: "package-0", joules: 9, watts: 85.24 }],
    temperatures: [{ name: "coretemp Package id 0", celsius: 61.4 }],
  },
};

test("frame() shows watts against the budget, and who pays", () => {
  const budget: NonNullable<Glance["budget"]> = {
    budgetWatts: 110,
    origin: "file",
    drawnWatts: 104.23,
    floorsTooHigh: false,
    payers: ["batch", "web"],
    morePayers: 3,
    says: "104.2 of 110 W, paid by batch, web, 3 more",
  };
  expect(lines(START, { width: 200 }, { ...BUSY, budget })[3]).toBe(
    "Power budget: 104.2 of 110 W, paid by batch, web, 3 more",
  );
});

test("frame() shows how busy CPUs are, what was measured, what the kernel holds of unclaimed ones, watts and temperature", () => {
  const drawn = lines(START, { width: 100 }, BUSY);
  expect(drawn[2]).toBe("CPUs 8% busy, package-0 85.2 W, coretemp Package id 0 61 °C");
  expect(drawn[3]).toMatch(/^CPUS +BUSY +GHz +REAL FREQUENCY +FLOOR +CEIL HELD BY +CLAIMS$/);
  expect(drawn[5]).toMatch(/^1 +97% +2\.00 +2\.00 \[#+\.+\] +1\.00 +2\.00 vm1 vCPU 1 +1$/);
  expect(drawn[8]).toMatch(/^4 +0% +1\.50 +- \[=+-+\.+\] +1\.00 +2\.00 nobody: userspace +-$/);
  expect(drawn[9]).toMatch(/^5 +0% <1\.50 +- \[-+\.+\] +1\.00 +2\.00 nobody: schedutil +-$/);
  const faint = frame(BUSY, START, { ...PLAIN, width: 100, styled: true }).filter((line) =>
    line.startsWith("\u001b[2m"),
  );
  expect(faint).toHaveLength(8);
  expect(drawn).toContain("03:04:03 CPU 3 set to 2.00 GHz, by an operator");
});

test("frame() says at 78 columns and 20 lines what there is no room for, and how to see it", () => {
  const small = { width: 78, height: 20 };
  const drawn = lines(START, small, BUSY);
  expect(drawn).toHaveLength(20);
  expect(drawn[3]).toMatch(/^CPUS +BUSY +GHz +REAL FREQUENCY +HELD BY +CLAIMS$/);
  expect(drawn.at(-1)).toBe("Not shown: 1 more CPU (Page Down); 1 refusal, 9 changes (c); floor, ceiling (~");
  const many = {
    ...BUSY,
    domains: Array.from({ length: 24 }, (_, n) => clock(n, 2_000_000)),
    vms: Array.from({ length: 9 }, (_, n) => ({ ...GLANCE.vms[0], vm: `vm${n}` }) as Glance["vms"][number]),
  };
  expect(lines(START, small, many).at(-1)).toStartWith(
    "Not shown: 17 more CPUs (Page Down); 3 more VMs (Tab, Page Down); 1 refusal, ",
  );
  const changes = lines({ ...START, view: "told" }, small, BUSY);
  expect(changes.filter((line) => line.includes(" set to "))).toHaveLength(9);
  expect(changes.some((line) => line.startsWith("Not shown"))).toBe(false);
  const roomy = lines(START, { width: 100, height: 60 }, BUSY);
  expect(roomy.some((line) => line.startsWith("Not shown"))).toBe(false);
});

const from = { from: "default" };
const REPORT: VmReport = {
  vm: "vm1",
  channels: [0],
  counts: {},
  settings: {
    queries: { value: true, ...from },
    turbo: { value: false, ...from },
    floor: { value: "min", ...from },
    ceiling: { value: 1_800_000, ...from },
    commands: { value: ["max"], ...from },
    requestsPerSecond: { value: 0, ...from },
    burst: { value: 1, ...from },
    wire: { value: "auto", ...from },
    leaseS: { value: 0, ...from },
    priority: { value: "normal", ...from },
  },
  vcpus: [
    { vcpu: 0, pcpus: [1], domains: [1], wishKhz: 2_600_000, targetKhz: 1_800_000 },
    { vcpu: 1, pcpus: [], domains: [], why: "vCPU 1 is pinned to nothing." },
  ],
};

test("frame() shows one VM alone: its vCPUs' places, wishes and clocks, its settings, and what was told of it", () => {
  const state = { ...START, pane: "vms", vm: "vm1" } as const;
  const changes = [
    ...CHANGES,
    { at: "2026-01-02T03:05:00.000Z", what: "vm1: ceiling 1800000", who: "an operator", vm: "vm1" },
  ];
  const drawn = lines(state, { vm: REPORT, width: 100 }, { ...BUSY, changes });
  expect(drawn.slice(3, 9)).toEqual([
    "VM vm1: 1 of 2 channels connected, 0.5 requests/s, 0 refused, 0 failed, policy -",
    "floor min, ceiling 1.80 GHz, turbo no, queries yes, requests/s at most any",
    "",
    "VCPU  CPUS         BUSY WISHES  GETS  REAL WHY NOT, OR THE LAST REFUSAL",
    "0     1             97%   2.60  1.80  2.00",
    "1     -               -      -     -     - vCPU 1 is pinned to nothing.",
  ]);
  expect(drawn.slice(9)).toEqual(["", "LAST CHANGES", "03:05:00 vm1: ceiling 1800000, by an operator"]);
  expect(lines({ ...state, vm: "gone" }).at(-1)).toBe('There is no VM "gone" any more; Esc goes back.');
});
