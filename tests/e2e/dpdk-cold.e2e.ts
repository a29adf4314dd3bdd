// A stock DPDK guest waits 10 ms for an answer and takes one that comes later for that to its next request, for good: so a powermon that
// starts beside running guests, with its state on a busy disk, has to answer the first request of every kind at once.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keepDiskBusy } from "../helpers/busy-disk.ts";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = { programs: ["gcc", "pkg-config", "socat", "strace"], dpdk: true, root: true } as const;

const STARTS = 50;
/** ACK, two lists of frequencies, two of capabilities, ACK; nothing for CONNECT and PKT_POLICY_REMOVE. */
const ALL = "1 3 3 4 4 1 then 0 bytes";
/** The same up to an answer that was late: it comes all the same, once and whole. */
const LATE = [
  "late then 464 bytes",
  "1 late then 88 bytes",
  "1 3 late then 88 bytes",
  "1 3 3 late then 184 bytes",
  "1 3 3 4 late then 184 bytes",
  "1 3 3 4 4 late then 464 bytes",
];
const SYNCS = "trace=fsync,fdatasync,sync,syncfs,msync,sync_file_range";

scenario("a stock DPDK guest at powermon's start", needs, () => {
  let dir: string;
  let channels: string;
  let guest: ForeignGuest; // outlives each powermon, as a VM does
  let rest: () => Promise<void>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    channels = join(dir, "channels");
    await mkdir(channels);
    await compileForeignGuest(join(dir, "dpdk-guest"));
    guest = new ForeignGuest(join(dir, "dpdk-guest"), "vm1", 1, channels, true);
    expect(await guest.do("init 0")).toBe("0");
    rest = keepDiskBusy(dir);
  });

  afterAll(async () => {
    await guest?.end();
    await rest?.();
    await rm(dir, { recursive: true });
  });

  test(`gets each answer once and in its turn at ${STARTS} starts, and none waits for the disk`, async () => {
    const flags = ["--pin", "vm1:0=0,1=1", "--allow-query", "vm1"];
    const traced = ["strace", "-D", "-f", "--seccomp-bpf", "-qqq", "-e", SYNCS, "-e", "signal=none"];
    const said: string[] = [];
    for (let start = 0; start < STARTS; start++) {
      const syncs = join(dir, `syncs-${start}`);
      const host = new OuterHost("acpi-cpufreq-2cpu-turbo", flags, channels, [...traced, "-o", syncs]);
      await until("powermon has connected", 20_000, async () =>
        (await host.log()).includes("Channel connected"),
      );
      said.push(await guest.do("each 0"));
      await host.kill();
      expect(await Bun.file(syncs).text()).toBe("");
    }
    const late = said.filter((line) => line !== ALL);
    console.log(`An answer was late for a stock guest at ${late.length} of ${STARTS} starts here`);
    expect(late.filter((line) => !LATE.includes(line))).toEqual([]);
    // 10 ms go by for either side on a machine that is busy with something else; what powermon itself did too slowly would be late at every start.
    expect(late.length).toBeLessThan(STARTS * 0.8);
  });
});
