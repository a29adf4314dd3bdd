// What happens to a host and its VMs while powermon runs, on a real acpi-cpufreq: claims end, wait and come back as they should.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import type { Domain } from "./domains.ts";
import { CHANNELS } from "./host-vm.ts";
import { DIST, scenario } from "./scenario.ts";
import { TWO_VMS, TwoVms } from "./two-vms.ts";
import { readUnit } from "./unit-file.ts";
import { until } from "./until.ts";

/** What a guest sees of a host that could not: by the extension's answer, or by DPDK's bare no. */
const STATUS = { failed: 1, refused: 3 };
const CONFIG = "/run/lifecycle.toml";
const PINS = '[pinning]\nsources = ["static"]\n[vm.vm1.pins]\n0 = 2\n1 = 3\n';
const PACKAGING = join(import.meta.dir, "../../packaging");
const SYS = "/sys/devices/system/cpu";

scenario("lifecycle", TWO_VMS, (build) => {
  let vms: TwoVms;
  let powermon: number;
  let original: { readonly policy2: Domain | undefined; readonly policy3: Domain | undefined };

  /** The domains of the guest's vCPUs. */
  const claimed = async () => {
    const { policy2, policy3 } = await vms.host.domains();
    return { policy2, policy3 };
  };
  /** Waits until the clocks of vCPUs 0 and 1 are these. */
  const settle = async (policy2: string, policy3: string): Promise<void> => {
    await vms.host.domainsWhen(
      `policy2 at ${policy2}, policy3 at ${policy3}`,
      10_000,
      (now) => now["policy2"]?.cur === policy2 && now["policy3"]?.cur === policy3,
    );
  };
  const set = (policy: string, file: string, text: string) =>
    vms.host.vm.sh(`echo ${text} > ${SYS}/cpufreq/${policy}/${file}`);
  const drifts = async (): Promise<number> => JSON.parse(await vms.host.ask("status --json")).counts.drifts;
  const reload = async (more: string): Promise<void> => {
    await vms.host.write(CONFIG, more + PINS);
    await vms.host.ask("reload");
  };
  const acknowledged = async (unit: string, vcpu: number) =>
    expect(await vms.scale(unit, vcpu)).toMatchObject({ status: 0 });

  beforeAll(async () => {
    vms = await TwoVms.boot(build);
    await vms.host.configure("policy2", "performance");
    await vms.host.configure("policy3", "userspace", { setspeed: 1_400_000 });
    original = await claimed();
    await vms.host.write(CONFIG, PINS);
    powermon = await vms.host.startPowermon(`--config ${CONFIG}`);
    await vms.scaleWhenConnected("min", 0);
    await vms.scaleWhenConnected("max", 1);
  });

  afterAll(() => vms?.end());

  test("a paused VM is served again when it goes on", async () => {
    await vms.qmp("stop");
    await settle("800000", "2600000");
    await vms.qmp("cont");
    await acknowledged("up", 0);
    await settle("1000000", "2600000");
    await acknowledged("min", 0);
  });

  test("a rebooted guest's claims end with its lease, and its channels serve the next boot", async () => {
    await reload("[vm-defaults]\nlease_s = 2\n");
    const rebooted = vms.rebootGuest();
    await settle("2600000", "1400000");
    await rebooted;
    await reload("");
    await acknowledged("min", 0);
    await acknowledged("max", 1);
    const channels = JSON.parse(await vms.host.ask("channel list --json"));
    expect(channels.map(({ counts }: { counts: { connects: number } }) => counts.connects)).toEqual([1, 1]);
  });

  test.each([
    ["scaling_setspeed", "1000000"],
    ["scaling_governor", "performance"],
    ["scaling_min_freq", "1600000"],
  ])("another tool's %s is noticed, counted and put right", async (file, text) => {
    const before = await drifts();
    await set("policy2", file, text);
    await until("the drift is counted", 10_000, async () => (await drifts()) > before);
    await settle("800000", "2600000");
    expect(await vms.host.domains()).toMatchObject({ policy2: { governor: "userspace", min: "800000" } });
  });

  test("another tool's setting stays when drift is only to be reported", async () => {
    await reload('[cpufreq]\ndrift = "report"\n');
    const before = await drifts();
    await set("policy2", "scaling_setspeed", "1000000");
    await until("it is looked at twice", 15_000, async () => (await drifts()) > before + 1);
    await settle("1000000", "2600000");
    await reload("");
    await settle("800000", "2600000");
  });

  test("the claims of a CPU that is offline wait, and are written again when it is back", async () => {
    await vms.host.vm.sh(`echo 0 > ${SYS}/cpu2/online`);
    expect((await vms.scale("up", 0)).status).toBeOneOf([STATUS.failed, STATUS.refused]);
    await acknowledged("down", 1);
    await vms.host.vm.sh(`echo 1 > ${SYS}/cpu2/online`);
    // the kernel itself would now guess a speed
    await settle("800000", "2400000");
    await acknowledged("up", 0);
    await acknowledged("max", 1);
    await settle("1000000", "2600000");
  });

  test("claims outlive a driver that is unloaded and loaded again", async () => {
    await vms.host.vm.sh("busybox rmmod acpi-cpufreq");
    expect((await vms.scale("up", 0)).status).toBeOneOf([STATUS.failed, STATUS.refused]);
    const driver = `${dirname(build)}/lib/modules/*/kernel/drivers/cpufreq/acpi-cpufreq.ko`;
    await vms.host.vm.sh(`busybox insmod ${driver}`);
    await settle("1000000", "2600000");
    await acknowledged("min", 0);
    await settle("800000", "2600000");
  });

  test("its claims are withdrawn when the guest VM is killed", async () => {
    await vms.killGuest();
    await settle("2600000", "1400000");
    expect(await claimed()).toEqual(original);
  });

  test("the same powermon serves both channels again when the guest VM is back", async () => {
    await vms.restartGuest();
    await vms.scaleWhenConnected("max", 0);
    await vms.scaleWhenConnected("min", 1);
    await settle("2600000", "800000");
    expect(await vms.host.powermonPid()).toBe(powermon);
  });

  test("the unit's own lines start, reload, stop and clean up, and systemd is told", async () => {
    await vms.host.endPowermon("TERM");
    expect(await claimed()).toEqual(original);
    const unit = readUnit();
    const sh = (command: string) => vms.host.vm.sh(command);
    const told = async (text: string) => (await sh("cat /run/notify.log")).split(text).length - 1;
    await vms.host.write("/etc/powermon/powermon.toml", `${PINS}[channels]\ndirs = ["${CHANNELS}"]\n`);
    await sh(`
      ln -sf ${DIST}/powermon /usr/bin/powermon
      systemd-sysusers ${PACKAGING}/sysusers.d/powermon.conf
      systemd-tmpfiles --create ${PACKAGING}/tmpfiles.d/powermon.conf
      mkdir -p /var/lib/powermon
      setsid socat -u UNIX-RECV:/run/notify.sock OPEN:/run/notify.log,creat,append < /dev/null 2> /run/notify.err &
      until [ -S /run/notify.sock ]; do sleep 0.05; done`);
    const started = `env -i PATH=/usr/bin:/bin ${unit.environment} NOTIFY_SOCKET=/run/notify.sock WATCHDOG_USEC=1000000 ${unit.start}`;
    await vms.host.start(started);
    await until("READY=1", 10_000, async () => (await told("READY=1")) === 1);
    await vms.scaleWhenConnected("min", 0);
    await until("two watchdog beats", 10_000, async () => (await told("WATCHDOG=1")) > 1);
    await until(
      "a status line",
      10_000,
      async () => (await told("STATUS=1 VMs, 2 of 2 channels connected, 1 claims")) > 0,
    );
    expect((await sh("stat -c '%a %G' /run/powermon/control.sock")).trim()).toBe("660 powermon");
    await sh(unit.reload);
    expect(await told("RELOADING=1")).toBe(0);
    expect((await vms.host.endPowermon("TERM")).status).toBe(0);
    expect(await told("STOPPING=1")).toBe(1);
    expect((await sh(unit.stopPost)).trim()).toBe("Nothing to restore.");
    expect(await claimed()).toEqual(original);
    await vms.host.start(started);
    await vms.scaleWhenConnected("min", 0);
    expect((await claimed()).policy2).not.toEqual(original.policy2);
    await vms.host.endPowermon("KILL");
    expect((await sh(unit.stopPost)).trim()).toBe("policy2: restored");
    expect(await claimed()).toEqual(original);
  });
});
