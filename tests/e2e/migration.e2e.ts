// A VM that moves between two hosts of a fleet, each with its own powermon: claims end where it left and stand again where it came, by its settings.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBinary } from "../helpers/daemon.ts";
import { type EtcdCluster, startEtcd } from "../helpers/etcd.ts";
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
  { programs: ["qemu-system-x86_64", "busybox", "xz", "etcd"], lab: true },
  (build) => {
    let dir: string;
    let etcd: EtcdCluster;
    let here: OuterHost; // vCPUs 0 and 1 on pCPUs 2 and 3
    let there: OuterHost; // on pCPUs 1 and 0
    let left: Vm;
    let came: Vm;
    let original: Record<string, Domain>;

    const spec = (place: string) =>
      ({ kind: "migrant", name: "vm1", ports: PORTS, build, dir: join(dir, place) }) as const;
    const config = (place: string) => join(dir, `${place}.toml`);
    /** Runs `powermon fleet vm` and returns what it printed; throws unless its status is 0. */
    async function fleetVm(...words: readonly string[]): Promise<string> {
      const ran = await runBinary("powermon", ["fleet", "vm", ...words, "--config", config("here")]);
      if (ran.status !== 0) throw new Error(`powermon fleet vm ${words.join(" ")}: ${ran.err}`);
      return ran.out;
    }
    const runsOn = (place: string) =>
      until(`the fleet knows that it runs on ${place} alone`, 10_000, async () =>
        (await fleetVm("vm1")).startsWith(`VM vm1 runs on ${place} of rack7, priority high.\n`),
      );
    const monitor = (place: string) => join(dir, place, "vm1.qmp");
    const speedsWhen = (host: OuterHost, limitMs: number, wanted: Readonly<Record<string, string>>) =>
      until(`clocks ${JSON.stringify(wanted)}`, limitMs, async () => {
        const now = await host.domains();
        return Object.entries(wanted).every(([policy, khz]) => now[policy]?.setspeed === khz);
      });

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), "powermon-e2e-"));
      for (const place of ["here", "there"]) mkdirSync(join(dir, place));
      etcd = await startEtcd();
      const host = (place: string, pins: string) => {
        // Neither has a meter, which is to change no clock.
        const table = `[budget]\nfallback = "max"\n[fleet]\nendpoints = ${JSON.stringify(etcd.urls)}\ngroup = "rack7"\n`;
        writeFileSync(config(place), `${table}name = "${place}"\nfallback_watts = 200\n`);
        const flags = ["--config", config(place), "--log-level", "debug", "--pin", `vm1:${pins}`];
        return new OuterHost("acpi-cpufreq-4cpu-independent", flags, join(dir, place));
      };
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
      await etcd?.stop();
      rmSync(dir, { recursive: true });
    });

    test("its agent's claims stand on the host where it runs", async () => {
      await left.sh(`vmpower-guest scale max --vcpu 0 ${AGENT} --timeout-ms 10000`);
      await left.sh(`vmpower-guest scale min --vcpu 1 ${AGENT} --timeout-ms 10000`);
      await speedsWhen(here, 5000, { policy2: "2600000", policy3: "800000" });
      expect(await there.domains()).toEqual(original);
    });

    test("what is set for it in the fleet is in force on the host where it runs", async () => {
      await fleetVm("set", "vm1", "--ceiling", "2400000", "--priority", "high");
      await speedsWhen(here, 10_000, { policy2: "2400000", policy3: "800000" });
      await runsOn("here");
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

    test("its agent makes the same claims on the other host by itself, which knew its settings before", async () => {
      await speedsWhen(there, 30_000, { policy1: "2400000", policy0: "800000" });
      const shown = JSON.parse(await there.ask("vm", "show", "vm1", "--json"));
      expect(shown.vcpus[0]).toMatchObject({ vcpu: 0, pcpus: [1] });
      expect(shown.settings.ceiling).toEqual({ value: 2_400_000, from: 'the fleet\'s word on VM "vm1"' });
      // Each clock that was set there, from its first request on.
      const set = [...(await there.log()).matchAll(/Frequency set .*khz=(\d+)/g)].map(([, khz]) =>
        Number(khz),
      );
      expect(set.length).toBeGreaterThan(0);
      expect(Math.max(...set)).toBe(2_400_000);
      await runsOn("there");
    });

    test("what is set for it no more holds no more, where it is now", async () => {
      await fleetVm("unset", "vm1");
      await speedsWhen(there, 10_000, { policy1: "2600000", policy0: "800000" });
    });

    test("its programs are served there as they were here", async () => {
      await came.connect();
      await came.sh(`vmpower-guest scale down --vcpu 0 ${AGENT} --timeout-ms 10000`);
      await speedsWhen(there, 5000, { policy1: "2400000", policy0: "800000" });
      expect(await here.domains()).toEqual(original);
    });
  },
);
