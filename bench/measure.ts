// What is measured and what is wanted of it: one list for both sides, so that no figure is missing on one of them.

import type { Metric } from "./report.ts";
import { type Server, session } from "./session.ts";

/** What floods beside the canary: so many channels, of so many VMs. */
const CANARIES = [
  { name: "1", beside: "1 flooding channel", vms: 1, channelsPerVm: 1 },
  { name: "8", beside: "8 flooding channels", vms: 1, channelsPerVm: 8 },
  { name: "64", beside: "64 flooding channels", vms: 1, channelsPerVm: 64 },
  { name: "Vms64", beside: "64 flooding VMs", vms: 64, channelsPerVm: 1 },
] as const;
type CanaryKey = `${"p50" | "p99" | "slow50" | "slow99" | "max"}Beside${(typeof CANARIES)[number]["name"]}`;

/** Returns the figures of the canary: a guest that asks every 5 ms, beside each flood and against itself when all is quiet. */
function canaryMetrics(): Record<CanaryKey, Metric> {
  const lines = CANARIES.flatMap(({ name, beside }): [string, Metric][] => [
    [`p50Beside${name}`, { title: `canary, p50 beside ${beside}`, unit: "us" }],
    [`slow50Beside${name}`, { title: "  of its quiet p50", unit: "x", wanted: { of: "value", most: 5 } }],
    [`p99Beside${name}`, { title: `canary, p99 beside ${beside}`, unit: "us" }],
    [`slow99Beside${name}`, { title: "  of its quiet p99", unit: "x", wanted: { of: "value", most: 10 } }],
    [`maxBeside${name}`, { title: "  longest", unit: "us", wanted: { of: "value", most: 10_000 } }],
  ]);
  return Object.fromEntries(lines) as Record<CanaryKey, Metric>;
}

/** Every figure of the report, in its order. Wanted values: issue of the first release; see README.md for their meaning. */
export const METRICS = {
  p50: { title: "round trip, p50", unit: "us", wanted: { of: "ratio", most: 1.5 } },
  p99: { title: "round trip, p99", unit: "us", wanted: { of: "ratio", most: 3 } },
  p999: { title: "round trip, p99.9", unit: "us" },
  max: { title: "round trip, longest", unit: "us" },
  pingCpu: { title: "CPU per request, round trips", unit: "us" },
  rate1: { title: "throughput, 1 channel", unit: "/s", wanted: { of: "ratio", least: 0.6 } },
  cpu1: { title: "CPU per request, 1 channel", unit: "us" },
  late1: { title: "p99 of 8 outstanding", unit: "us" },
  rate64: { title: "throughput, 64 channels", unit: "/s" },
  cpu64: { title: "CPU per request, 64 channels", unit: "us" },
  late64: { title: "p99 of 64 outstanding", unit: "us" },
  rate1024: { title: "throughput, 1,024 channels", unit: "/s" },
  cpu1024: { title: "CPU per request, 1,024 channels", unit: "us" },
  late1024: { title: "p99 of 1,024 outstanding", unit: "us" },
  idleCpu: { title: "idle CPU, 1,024 channels", unit: "%", wanted: { of: "value", most: 0.2 } },
  idleWakeups: { title: "idle wakeups, 1,024 channels", unit: "/s" },
  rss: { title: "RSS, 1,024 channels", unit: "MiB", wanted: { of: "value", most: 64 } },
  anon: { title: "of which anonymous", unit: "MiB" },
  ...canaryMetrics(),
  start: { title: "vmpower-guest --version", unit: "ms", wanted: { of: "value", most: 60 } },
} as const satisfies Record<string, Metric>;

export type Key = keyof typeof METRICS;

/** How much of everything. */
export interface Size {
  /** Requests before the first figure is taken, so that neither a cold cache nor an unoptimized function is measured. */
  readonly warmUp: number;
  readonly pings: number;
  readonly requests: number;
  /** Of the canary, beside each flood; 0 leaves them out. */
  readonly canaries: number;
  /** How long to watch the idle server; 0 leaves idle CPU and memory out. */
  readonly idleMs: number;
}

/** The channels of a flood: vCPU n of every VM is pinned to pCPU n, so 128 VMs share 8 frequency domains. */
const FLOODS = [
  { name: "1", vms: 1, channelsPerVm: 1, window: 8 },
  { name: "64", vms: 8, channelsPerVm: 8, window: 1 },
  { name: "1024", vms: 128, channelsPerVm: 8, window: 1 },
] as const;

/**
 * Measures one server once and gives each figure to `put`. Throws BadReplies when a reply was wrong or missing.
 * @param scratch a folder of the bench's own, on tmpfs
 * @param client the compiled client.c
 */
export async function measure(
  scratch: string,
  client: string,
  server: Server,
  size: Size,
  put: (key: Key, value: number) => void,
): Promise<void> {
  for (const { name, vms, channelsPerVm, window } of FLOODS) {
    await session(scratch, client, server, vms, channelsPerVm, async ({ drive, usage }) => {
      if (name === "1") {
        await drive(`ping ${size.warmUp}`);
        const { answers, cpuUs } = await drive(`ping ${size.pings}`);
        for (const key of ["p50", "p99", "p999", "max"] as const) put(key, answers[key]);
        put("pingCpu", cpuUs);
      }
      await drive(`flood ${window} ${size.warmUp}`);
      const { answers, cpuUs } = await drive(`flood ${window} ${size.requests}`);
      put(`rate${name}`, answers.acked / answers.seconds);
      put(`cpu${name}`, cpuUs);
      put(`late${name}`, answers.p99);
      if (name !== "1024" || size.idleMs === 0) return;
      await Bun.sleep(Math.min(size.idleMs, 2000)); // what the flood left behind is not idleness
      const [before, since] = [usage(), Bun.nanoseconds()];
      await Bun.sleep(size.idleMs); // the silence is what is measured
      const [after, ns] = [usage(), Bun.nanoseconds() - since];
      put("idleCpu", (100 * (after.cpuNs - before.cpuNs)) / ns);
      put("idleWakeups", (after.wakeups - before.wakeups) / (ns / 1e9));
      put("rss", after.rssKib / 1024);
      put("anon", after.anonKib / 1024);
    });
  }
  if (size.canaries === 0) return;
  for (const { name, vms, channelsPerVm } of CANARIES) {
    // One VM more: the canary is the last channel.
    await session(scratch, client, server, vms + 1, channelsPerVm, async ({ drive }) => {
      await drive(`flood 1 ${size.warmUp}`);
      const quiet = (await drive(`canary 0 ${size.canaries}`)).answers;
      const { answers } = await drive(`canary ${vms * channelsPerVm} ${size.canaries}`);
      for (const [share, p] of [
        ["50", "p50"],
        ["99", "p99"],
      ] as const) {
        put(`p${share}Beside${name}`, answers[p]);
        put(`slow${share}Beside${name}`, answers[p] / quiet[p]);
      }
      put(`maxBeside${name}`, answers.max);
    });
  }
}
