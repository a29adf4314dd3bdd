// Stock DPDK guests never read their acknowledgements: on a real virtio port these pile up and must cost powermon nothing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileForeignGuest, foreignGuestWords } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { DIST, scenario } from "./scenario.ts";
import { bootVm, type Vm } from "./vm.ts";

/** More than the guest's queue and every buffer on the way hold. */
const REQUESTS = 2000;
const needs = {
  programs: ["qemu-system-x86_64", "busybox", "xz", "gcc", "pkg-config"],
  lab: true,
  dpdk: true,
} as const;

scenario("a stock DPDK guest in a VM", needs, (build) => {
  let dir: string;
  let host: OuterHost;
  let guest: Vm;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    await compileForeignGuest(join(dir, "dpdk-guest"));
    host = new OuterHost("acpi-cpufreq-4cpu-independent", ["--pin", "vm1:0=2,1=3"]);
    guest = await bootVm({ kind: "guest", name: "vm1", ports: 2, build, dir: host.channels });
  });

  afterAll(async () => {
    await guest?.kill();
    await rm(dir, { recursive: true });
    await host?.end();
  });

  test(`${REQUESTS} requests whose answers nobody reads are all taken, and the last one holds`, async () => {
    const words = foreignGuestWords("vm1", 1).join(" ");
    const steps = `init 0\nflood 0 ${REQUESTS}\nread 0 packet\nmin 0`;
    const said = await guest.sh(`${dir}/dpdk-guest ${words} <<< '${steps}'`, 90);
    const answers = said.split("\n").filter((line) => line.startsWith("= "));
    expect(answers).toEqual(["= 0", "= done", "= command 1 unit 4 vcpu 0", "= 1"]);
    expect(await host.domains()).toMatchObject({ policy2: { setspeed: "800000" } });
  });

  test("vmpower-guest on the same port is answered as itself, not with what piled up", async () => {
    const scale = (unit: string) => `${DIST}/vmpower-guest scale ${unit} --vcpu 0 --timeout-ms 10000`;
    for (const [unit, khz] of [
      ["up", "1000000"],
      ["max", "2600000"],
      ["down", "2400000"],
    ] as const) {
      await guest.sh(scale(unit));
      expect(await host.domains()).toMatchObject({ policy2: { setspeed: khz } });
    }
  });
});
