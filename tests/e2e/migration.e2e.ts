// A VM that moves between two hosts, each with its own powermon: claims end where it left and stand again where it came.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { order } from "../helpers/monitor.ts";
import type { Domain } from "./domains.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, startVm, type Vm } from "./vm.ts";

const PORTS = 2;
const LEASE_S = 6;
const AGENT = "--agent /run/agent.sock";

/** Moves the VM of one monitor to the QEMU that waits at `socket`; what is left behind stands still. */
async function migrate(monitor: string, socket: string): Promise<void> {
  await order(monitor, [{ execute: "migrate", arguments: { uri: `unix:${socket}` } }]);
  await until("the VM has moved", 60_000, async () => {
    const [told] = await order(monitor, [{ execute: "query-migrate" }]);
    const { status } = told as { readonly status?: string };
    if (status === "failed") throw new Error(JSON.stringify(told));
    return status === "completed";
  });
}

scenario(
  "a VM that is migrated",
  { programs: ["qemu-system-x86_64", "busybox", "xz"], lab: true },
  (build) => {
    let dir: string;
    let here: OuterHost; // vCPUs 0 and 1 on pCPUs 2 and 3
    let there: OuterHost; // on pCPUs 1 and 0
    let left: Vm;
    let came: Vm;
    let original: Record<string, Domain>;

    const spec = (place: string) =>
      ({ kind: "migrant", name: "vm1", ports: PORTS, build, dir: join(dir, place) }) as const;
    const monitor = (place: string) => join(dir, place, "vm1.qmp");
    const speedsWhen = (host: OuterHost, limitMs: number, wanted: Readonly<Record<string, string>>) =>
      until(`clocks ${JSON.stringify(wanted)}`, limitMs, async () => {
        const now = await host.domains();
        return Object.entries(wanted).every(([policy, khz]) => now[policy]?.setspeed === khz);
      });

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "powermon-e2e-"));
      for (const place of ["here", "there"]) mkdirSync(join(dir, place));
      const host = (place: string, pins: string) =>
        new OuterHost("acpi-cpufreq-4cpu-independent", ["--pin", `vm1:${pins}`], join(dir, place));
      here = host("here", "0=2,1=3");
      there = host("there", "0=1,1=0");
      original = await here.domains();
      left = await bootVm(spec("here"));
      await left.sh(`
        printf 'socket = "/run/agent.sock"\nlease_s = ${LEASE_S}\ntimeout_ms = 5000\n' > /run/agent.toml
        setsid vmpower-guest agent --config /run/agent.toml < /dev/null > /run/agent.log 2>&1 &
        until grep -q Serving /run/agent.log; do sleep 0.1; done`);
    });

    afterAll(async () => {
      await Promise.all([left?.kill(), came?.kill()]);
      await Promise.all([here?.end(), there?.end()]);
      rmSync(dir, { recursive: true });
    });

    test("its agent's claims stand on the host where it runs", async () => {
      await left.sh(`vmpower-guest scale max --vcpu 0 ${AGENT} --timeout-ms 10000`);
      await left.sh(`vmpower-guest scale min --vcpu 1 ${AGENT} --timeout-ms 10000`);
      await speedsWhen(here, 5000, { policy2: "2600000", policy3: "800000" });
      expect(await there.domains()).toEqual(original);
    });

    test("it moves: its claims end here, and this host's clocks are as before", async () => {
      const socket = join(dir, "incoming");
      came = startVm(spec("there"), { LAB_INCOMING: socket });
      await until("it waits", 30_000, () => existsSync(socket));
      await migrate(monitor("here"), socket);
      // libvirt ends what is left behind
      await order(monitor("here"), [{ execute: "quit" }]);
      await until("this host's clocks are as before", 5000, async () =>
        Bun.deepEquals(await here.domains(), original),
      );
    });

    test("its agent makes the same claims on the other host by itself", async () => {
      await speedsWhen(there, 30_000, { policy1: "2600000", policy0: "800000" });
      const [claimed] = JSON.parse(await there.ask("vm", "show", "vm1", "--json")).vcpus;
      expect(claimed).toMatchObject({ vcpu: 0, pcpus: [1] });
    });

    test("its programs are served there as they were here", async () => {
      await came.connect();
      await came.sh(`vmpower-guest scale down --vcpu 0 ${AGENT} --timeout-ms 10000`);
      await speedsWhen(there, 5000, { policy1: "2400000", policy0: "800000" });
      expect(await here.domains()).toEqual(original);
    });
  },
);
