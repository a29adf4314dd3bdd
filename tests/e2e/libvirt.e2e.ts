// libvirt's own word for pins and channels, kept through everything that happens to libvirtd and its domains.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PrivateLibvirt, startLibvirt } from "../helpers/libvirtd.ts";
import type { Domain } from "./domains.ts";
import { LibvirtVm } from "./libvirt-vm.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = {
  programs: ["qemu-system-x86_64", "busybox", "xz", "virsh", "libvirtd", "ip"],
  lab: true,
  root: true,
  cpus: 2,
} as const;

scenario("domains of libvirt", needs, (build) => {
  let libvirt: PrivateLibvirt;
  let host: OuterHost;
  let web: LibvirtVm; // two vCPUs, on pCPUs 0 and 1
  let batch: LibvirtVm; // one, on pCPU 1
  let original: Record<string, Domain>;

  /** Waits until the clocks of pCPUs 0 and 1 are set to these. */
  const speeds = async (limitMs: number, wanted: readonly [string, string]): Promise<void> => {
    await until(`clocks ${wanted.join(" and ")}`, limitMs, async () => {
      const now = await host.domains();
      return now["policy0"]?.setspeed === wanted[0] && now["policy1"]?.setspeed === wanted[1];
    });
  };
  const acknowledged = async (vm: LibvirtVm, unit: string, vcpu: number) =>
    expect(await vm.scale(unit, vcpu)).toMatchObject({ status: 0 });
  const pinned = (vcpu: number, scope: "--live" | "--config") =>
    libvirt.virsh("vcpupin", web.name, `${vcpu}`, scope).trim().split(/\s+/).at(-1);

  beforeAll(async () => {
    libvirt = await startLibvirt();
    const channels = join(libvirt.dir, "channels");
    const config = join(libvirt.dir, "powermon.toml");
    writeFileSync(
      config,
      `[pinning]\nsources = ["libvirt", "proc"]\nlibvirt_uri = "${libvirt.uri}"\n[channels]\ndirs = ["${channels}"]\n`,
    );
    host = new OuterHost("acpi-cpufreq-4cpu-independent", ["--config", config], channels);
    original = await host.domains();
    web = new LibvirtVm(libvirt, { name: "web.1", channels, pins: [0, 1], build });
    batch = new LibvirtVm(libvirt, { name: "batch", channels, pins: [1], build });
    await Promise.all([web.start(), batch.start()]);
  });

  afterAll(async () => {
    await host?.end();
    await libvirt?.stop();
  });

  test("requests reach the pCPUs that the domains are pinned to, the highest where two meet", async () => {
    await acknowledged(web, "max", 0);
    await acknowledged(web, "min", 1);
    expect(await host.domains()).toMatchObject({
      policy0: { setspeed: "2600000" },
      policy1: { setspeed: "800000" },
    });
    await acknowledged(batch, "down", 0);
    expect(await host.domains()).toMatchObject({ policy1: { setspeed: "2400000" } });
    expect(JSON.parse(await host.ask("vm", "show", "web.1", "--json")).vcpus).toMatchObject([
      { vcpu: 0, pcpus: [0], source: "libvirt" },
      { vcpu: 1, pcpus: [1], source: "libvirt" },
    ]);
  });

  test("powermon vm pin is libvirt's own pin, now and for the next start, and the claim moves with it", async () => {
    await host.ask("vm", "pin", "web.1", "0", "1");
    await speeds(1000, [original["policy0"]!.setspeed, "2600000"]);
    expect([pinned(0, "--live"), pinned(0, "--config")]).toEqual(["1", "1"]);
    await host.ask("vm", "pin", "web.1", "0", "0");
    await speeds(1000, ["2600000", "2400000"]);
    expect([pinned(0, "--live"), pinned(0, "--config")]).toEqual(["0", "0"]);
  });

  test("a ceiling in a domain's own definition holds for its claims while it stands there", async () => {
    const metadata = (...words: string[]) =>
      libvirt.virsh("metadata", "web.1", "urn:powermon:vm", "--live", ...words);
    metadata("--key", "powermon", "--set", "<vm ceiling='1400000'/>");
    await speeds(5000, ["1400000", "2400000"]);
    const { settings } = JSON.parse(await host.ask("vm", "show", "web.1", "--json"));
    expect(settings.ceiling).toEqual({ value: 1400000, from: `libvirt's definition of "web.1"` });
    metadata("--remove");
    await speeds(5000, ["2600000", "2400000"]);
  });

  test("a pin that virsh sets from outside is followed within a second", async () => {
    libvirt.virsh("vcpupin", "web.1", "0", "1", "--live");
    await speeds(1000, [original["policy0"]!.setspeed, "2600000"]);
    libvirt.virsh("vcpupin", "web.1", "0", "0", "--live");
    await speeds(1000, ["2600000", "2400000"]);
  });

  test("requests go on while libvirtd is away, and pins are followed again once it is back", async () => {
    await libvirt.endDaemon();
    await acknowledged(web, "down", 0);
    await speeds(1000, ["2400000", "2400000"]);
    await libvirt.startDaemon();
    // its events are asked for anew at most 5 s later, the first time 0.5 s
    libvirt.virsh("vcpupin", "web.1", "0", "1", "--live");
    await speeds(6000, [original["policy0"]!.setspeed, "2400000"]);
    libvirt.virsh("vcpupin", "web.1", "0", "0", "--live");
    await speeds(1000, ["2400000", "2400000"]);
    await acknowledged(web, "max", 0);
    await speeds(1000, ["2600000", "2400000"]);
  });

  test("a suspended domain's claim waits for its resume", async () => {
    libvirt.virsh("suspend", "batch");
    await speeds(1000, ["2600000", "800000"]);
    libvirt.virsh("resume", "batch");
    await speeds(1000, ["2600000", "2400000"]);
    await acknowledged(batch, "up", 0);
    await speeds(1000, ["2600000", "2600000"]);
  });

  test("a reset guest's claim is withdrawn, and its channel serves the next boot", async () => {
    const booted = batch.reset();
    await speeds(1000, ["2600000", "800000"]);
    await booted;
    await acknowledged(batch, "max", 0);
    await speeds(1000, ["2600000", "2600000"]);
  });

  test("a destroyed domain's claims are withdrawn and its CPUs are as before", async () => {
    libvirt.virsh("destroy", "batch");
    await speeds(1000, ["2600000", "800000"]);
    libvirt.virsh("destroy", "web.1");
    await speeds(1000, [original["policy0"]!.setspeed, original["policy1"]!.setspeed]);
    expect(await host.domains()).toEqual(original);
  });

  test("a domain that is started again is served again, by the same powermon", async () => {
    await batch.start();
    await until("ACK", 10_000, async () => (await batch.scale("max", 0)).status === 0);
    expect(await host.domains()).toMatchObject({ policy1: { setspeed: "2600000" } });
  });
});
