// A C program with libvmpower.h on a real virtio port: what poll, read and write of the kernel's driver do, no socket can stand for.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPILERS, compile } from "../helpers/c-compiler.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

const PORT = "/dev/virtio-ports/virtio.serial.port.poweragent.0";
const needs = { programs: ["qemu-system-x86_64", "busybox", "xz", "gcc"], lab: true } as const;

scenario("a C program in a VM", needs, (build) => {
  let dir: string;
  let host: OuterHost;
  let guest: Vm;
  const held = async () => (await host.domains())["policy2"];

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "powermon-e2e-"));
    compile(COMPILERS[0], "packaging/c/hold.c", join(dir, "hold"));
    compile(COMPILERS[0], "tests/fixtures/packet/header.c", join(dir, "header"));
    host = new OuterHost("acpi-cpufreq-4cpu-independent", ["--pin", "vm1:0=2", "--allow-query", "vm1"]);
    guest = await bootVm({ kind: "guest", name: "vm1", ports: 1, build, dir: host.channels });
    // the host is connected once it refuses what is asked for vCPUs without a pin
    await until("the host on the port", 30_000, async () => {
      const { status } = await guest.exec(`${dir}/header v1 ${PORT} | grep -q "scale 65535"`);
      return status === 0;
    });
  });

  afterAll(async () => {
    await guest?.kill();
    await host?.end().catch(() => {});
    rmSync(dir, { recursive: true });
  });

  test("hold.c holds the clock, keeps the port from others, and gives the clock back", async () => {
    await guest.sh(`
      mkfifo /run/hold.in
      setsid bash -c 'exec 9<> /run/hold.in; exec ${dir}/hold ${PORT} 0 2150000 <&9' > /run/hold.out 2>&1 < /dev/null &
      echo $! > /run/hold.pid`);
    const said = await until("what the program has to say", 30_000, async () => {
      const out = await guest.sh("cat /run/hold.out");
      return out.includes("It may have") && out;
    });
    expect(said).toBe("vCPU 0: 2200000 kHz, its clock 2200000 kHz\nIt may have 800000 to 2600000 kHz.\n");
    expect(await held()).toMatchObject({ governor: "userspace", setspeed: "2200000" });
    expect(await guest.exec(`${dir}/header ask ${PORT}`)).toMatchObject({
      status: 1,
      stdout: "open -E16 another program holds the port\n",
    });
    // killed: its lease ends the claim
    await guest.sh("kill -KILL $(cat /run/hold.pid)");
    await until("the end of its lease", 30_000, async () => (await held())?.setspeed !== "2200000");
  });

  test("with standard input at its end hold.c releases at once", async () => {
    const { stdout, stderr, status } = await guest.exec(`${dir}/hold ${PORT} 0 1300000 < /dev/null`);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    expect(stdout).toStartWith("vCPU 0: 1400000 kHz, its clock 1400000 kHz\n");
    expect((await held())?.setspeed).not.toBe("1400000");
  });

  test("a port whose host has gone is told, at once and without a wait", async () => {
    await host.end();
    await until("the port without a host", 30_000, async () => {
      const { stdout, status } = await guest.exec(`${dir}/header ask ${PORT}`);
      return status === 1 && stdout === "open -E107 nobody holds the host's end of the port\n";
    });
  });
});
