// Nobody tells powermon where vCPUs run: it reads it from a real QEMU's threads and follows when they are moved.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { order } from "../helpers/monitor.ts";
import type { Domain } from "./domains.ts";
import { OuterHost } from "./outer-host.ts";
import { DIST, scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

const PORTS = 2;
const needs = { programs: ["qemu-system-x86_64", "busybox", "xz", "taskset"], lab: true, cpus: 2 } as const;

/** Lets the thread of one vCPU run on the outer machine's CPUs `cpus` only, as a cpulist. */
function pin(qemu: number, vcpu: number, cpus: string): void {
  const tasks = `/proc/${qemu}/task`;
  const named = (tid: string) => readFileSync(`${tasks}/${tid}/comm`, "utf8").startsWith(`CPU ${vcpu}/`);
  const tid = readdirSync(tasks).find(named) ?? "";
  const { exitCode, stderr } = Bun.spawnSync(["taskset", "-pc", cpus, tid]);
  if (exitCode !== 0) throw new Error(`Cannot pin vCPU ${vcpu}: ${stderr.toString()}`);
}

scenario("live pinning from QEMU's threads", needs, (build) => {
  let host: OuterHost;
  let dir: string;
  let guest: Vm;
  let original: Record<string, Domain>;
  const scale = (unit: string, vcpu: number) =>
    guest.exec(`${DIST}/vmpower-guest scale ${unit} --vcpu ${vcpu} --timeout-ms 10000`);

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "powermon-e2e-"));
    const config = join(dir, "powermon.toml");
    const channels = join(dir, "channels");
    writeFileSync(
      config,
      `[pinning]\nsources = ["qmp", "proc"]\n[vm-defaults]\nqmp = "${channels}/{vm}.qmp"\n`,
    );
    host = new OuterHost("acpi-cpufreq-4cpu-independent", ["--config", config], channels);
    original = await host.domains();
    guest = await bootVm({ kind: "guest", name: "vm1", ports: PORTS, build, dir: host.channels });
  });

  afterAll(async () => {
    await guest?.kill();
    await host?.end();
    rmSync(dir, { recursive: true });
  });

  test("a vCPU that floats over two pCPUs is refused with status 3 and changes nothing", async () => {
    pin(guest.pid, 0, "0-1");
    const before = await host.domains();
    await until("a refusal", 30_000, async () => (await scale("max", 0)).status === 3);
    expect(await host.domains()).toEqual(before);
  });

  test("a vCPU drives the domain of its pCPU and no other once it is pinned", async () => {
    const before = await host.domains();
    pin(guest.pid, 0, "1");
    pin(guest.pid, 1, "0");
    await until("ACK for vCPU 0", 3000, async () => (await scale("max", 0)).status === 0);
    const first = await host.domains();
    expect(first).toEqual({ ...before, policy1: { ...before["policy1"]!, setspeed: "2600000" } });
    expect(await scale("min", 1)).toMatchObject({ status: 0 });
    expect(await host.domains()).toEqual({
      ...first,
      policy0: { ...first["policy0"]!, setspeed: "800000" },
    });
  });

  test("what the vCPUs wished follows them when they are pinned anew, and so do requests", async () => {
    pin(guest.pid, 0, "0");
    pin(guest.pid, 1, "1");
    const moved = await until("the clocks of both vCPUs changed places", 3000, async () => {
      const now = await host.domains();
      return now["policy0"]?.setspeed === "2600000" && now["policy1"]?.setspeed === "800000" && now;
    });
    expect(await scale("down", 0)).toMatchObject({ status: 0 });
    expect(await host.domains()).toEqual({
      ...moved,
      policy0: { ...moved["policy0"]!, setspeed: "2400000" },
    });
  });

  test("the claims of a VM that QEMU stopped wait until it goes on", async () => {
    const held = await host.domains();
    const monitor = join(host.channels, "vm1.qmp");
    await order(monitor, [{ execute: "stop" }]);
    await until("the clocks are as before the claims", 10_000, async () =>
      Bun.deepEquals(await host.domains(), original),
    );
    await order(monitor, [{ execute: "cont" }]);
    await until("the claims stand again", 10_000, async () => Bun.deepEquals(await host.domains(), held));
  });
});
