// The arm64 executables on an arm64 kernel: the guest on real virtio ports, the host on a machine of files.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { makeTree } from "../helpers/tree.ts";
import { readDomains } from "./domains.ts";
import { OuterHost } from "./outer-host.ts";
import { DIST, scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

const NEEDS = {
  programs: ["qemu-system-aarch64", "busybox", "npm"],
  lab: { script: "build-arm64.sh", words: [packageJson.devDependencies.bun] },
} as const;
const TREE = "acpi-cpufreq-4cpu-independent";
const ROOT = join(import.meta.dir, "../..");

scenario("arm64", NEEDS, (build) => {
  let dir: string;
  let vm: Vm;

  beforeAll(async () => {
    if (DIST === join(ROOT, "dist")) {
      await Bun.$`${process.execPath} scripts/build.ts --bun ${build}/bun --suffix=-linux-arm64`
        .cwd(ROOT)
        .quiet();
    }
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    vm = await bootVm({ kind: "arm64", name: "vm1", ports: 2, build, dir });
  });

  afterAll(async () => {
    await vm?.kill();
    if (dir) await rm(dir, { recursive: true });
  });

  test("it is an arm64 machine, and both executables start there", async () => {
    expect(await vm.sh("uname -m")).toBe("aarch64\n");
    expect(await vm.sh("powermon --version")).toBe(`powermon ${packageJson.version}\n`);
    expect(await vm.sh("vmpower-guest --version")).toBe(`vmpower-guest ${packageJson.version}\n`);
  });

  describe("the guest", () => {
    let host: OuterHost;

    beforeAll(async () => {
      host = new OuterHost(TREE, ["--pin", "vm1:0=2,1=3", "--allow-query", "vm1"], dir);
      await until("powermon answers on both ports", 30_000, async () => {
        const { status } = await vm.exec("vmpower-guest probe --timeout-ms 10000");
        return status === 0;
      });
    });

    afterAll(() => host?.end());

    test.each([
      ["min", 0, "policy2", "800000"],
      ["max", 1, "policy3", "2600000"],
      ["up", 0, "policy2", "1000000"],
    ] as const)("scale %s of vCPU %d sets %s to %s kHz and no other", async (step, vcpu, policy, khz) => {
      const before = await host.domains();
      expect(await vm.sh(`vmpower-guest scale ${step} --vcpu ${vcpu} --timeout-ms 10000`)).toBe(
        `vCPU ${vcpu}: ${step} done\n`,
      );
      const after = await host.domains();
      expect(after[policy]).toMatchObject({ governor: "userspace", setspeed: khz });
      expect({ ...after, [policy]: undefined }).toEqual({ ...before, [policy]: undefined });
    });

    test("a query is answered, and another VM's name is refused", async () => {
      const told = JSON.parse(
        await vm.sh("vmpower-guest freq --vcpu 0 --vm-name vm1 --timeout-ms 10000 --json"),
      );
      expect(told.vcpus).toMatchObject([{ vcpu: 0, khz: 1_000_000 }]);
      expect(
        await vm.exec("vmpower-guest scale max --vcpu 0 --vm-name vm2 --timeout-ms 10000"),
      ).toMatchObject({
        status: 3,
      });
    });

    test("its agent holds the ports, and programs are served by it", async () => {
      await vm.sh(
        "vmpower-guest agent > /run/agent.log 2>&1 < /dev/null & until [ -S /run/vmpower-guest.sock ]; do usleep 50000; done",
      );
      expect(await vm.sh("vmpower-guest scale min --vcpu 1 --timeout-ms 10000")).toBe("vCPU 1: min done\n");
      expect((await host.domains())["policy3"]).toMatchObject({ setspeed: "800000" });
      await vm.sh("kill $(pidof vmpower-guest); while pidof vmpower-guest; do usleep 50000; done");
    });
  });

  describe("the host", () => {
    const FLAGS = "--sysfs-root /run/tree/sys --proc-root /run/tree/proc";
    const domains = () => readDomains((command) => vm.sh(command), "/run/tree/sys");
    /** Starts powermon and waits until it takes questions. */
    const start = () =>
      vm.sh(
        `mkdir -p /run/channels; powermon run --dir /run/channels ${FLAGS} --state-dir /run/state > /run/log 2>&1 < /dev/null & until [ -S /run/state/control.sock ]; do usleep 50000; done`,
      );
    const end = (signal: string) =>
      vm.sh(`kill -${signal} $(pidof powermon); while pidof powermon; do usleep 50000; done`);
    const ask = (words: string) => vm.sh(`powermon ${words} --socket /run/state/control.sock`);

    beforeAll(async () => {
      const tree = makeTree(TREE);
      const packed = await Bun.$`tar -cz -C ${tree.root} .`.quiet();
      tree.remove();
      const text = packed.stdout.toString("base64");
      await vm.sh("mkdir -p /run/tree");
      for (let at = 0; at < text.length; at += 50_000) {
        await vm.sh(`printf %s '${text.slice(at, at + 50_000)}' >> /run/tree.64`);
      }
      await vm.sh("base64 -d /run/tree.64 | tar -xz -C /run/tree");
    });

    test("capabilities are those of the machine of files", async () => {
      const told = JSON.parse(await vm.sh(`powermon capabilities --no-logind --json ${FLAGS}`));
      expect(told.cpufreq.domains).toHaveLength(4);
      expect(told.cpufreq.domains[0]).toMatchObject({ driver: "acpi-cpufreq", controllable: true });
    });

    test("check tells of its clocks and finds nothing wrong with them", async () => {
      const { stdout } = await vm.exec(`powermon check --json ${FLAGS}`);
      const { findings } = JSON.parse(stdout) as {
        findings: Record<"severity" | "about" | "what", string>[];
      };
      const clocks = findings.filter(({ about }) =>
        ["cpufreq", "driver", "governor", "permissions"].includes(about),
      );
      expect(clocks.map(({ severity, what }) => `${severity}: ${what}`)).toEqual([
        "note: CPUs 0-3: driver acpi-cpufreq, 4 domains, 800000 to 2600000 kHz, without turbo.",
      ]);
    });

    test.each(["TERM", "KILL"])(
      "an operator's claim is written, and is taken back after SIG%s",
      async (signal) => {
        const before = await domains();
        await start();
        await ask("freq set 2 max");
        await ask("freq set 1 min");
        const held = await domains();
        expect(held["policy2"]).toMatchObject({ governor: "userspace", setspeed: "2600000" });
        expect(held["policy1"]).toMatchObject({ governor: "userspace", setspeed: "800000" });
        expect(JSON.parse(await ask("explain 2 --json"))).toMatchObject({ cpu: 2 });
        await end(signal);
        if (signal === "KILL") {
          expect(await domains()).toEqual(held);
          await vm.sh(`powermon restore ${FLAGS} --state-dir /run/state`);
        }
        expect(await domains()).toEqual(before);
        await vm.sh("rm -rf /run/state");
      },
    );

    test("a profile is applied, verified and turned off", async () => {
      const before = await domains();
      const at = `${FLAGS} --state-dir /run/profiles`;
      await vm.sh(`powermon profile apply performance ${at}`);
      expect((await domains())["policy0"]).toMatchObject({ governor: "performance" });
      await vm.sh(`powermon profile verify ${at}`);
      await vm.sh(`powermon profile off ${at}`);
      expect(await domains()).toEqual(before);
    });
  });
});
