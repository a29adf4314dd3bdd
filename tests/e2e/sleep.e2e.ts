// Sleep on a real kernel beyond S3: to disk and back through a second QEMU, hybrid, freeze, and what the kernel refuses.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { order } from "../helpers/monitor.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { startVm, type Vm, type VmSpec } from "./vm.ts";

const needs = { programs: ["qemu-system-x86_64", "iasl", "busybox", "xz"], lab: true } as const;
const POLICY2 = "/sys/devices/system/cpu/cpufreq/policy2";
const DISK_BYTES = 1 << 30;
const AT = "--state-dir /run/st";

scenario("sleep", needs, (build) => {
  let dir: string;
  let spec: VmSpec;
  let vm: Vm;
  const sh = (command: string, limitSeconds = 30) => vm.sh(command, limitSeconds);
  const line = async (path: string) => (await sh(`head -n 1 ${path}`)).trimEnd();
  /** Has QEMU do something to the machine. */
  const press = (execute: string) => order(join(dir, "power.qmp"), [{ execute }]);
  const start = (append: string) =>
    startVm(spec, {
      LAB_DISK: join(dir, "disk"),
      LAB_APPEND: append,
      LAB_MODULES: "notifier-error-inject pm-notifier-error-inject",
    });
  /** Puts the host to sleep beside the test's commands, whose channel may not outlive it. */
  const suspend = (words: string) =>
    sh(
      `rm -f /run/told*; (powermon suspend ${words} --json ${AT} > /run/told 2> /run/told.err; echo $? > /run/told.status) < /dev/null > /dev/null 2>&1 &`,
    );
  /** Resolves with the status and what was told, once the sleep is over. */
  const told = async () => {
    await until(
      "the sleep is over",
      120_000,
      async () => (await vm.exec("test -s /run/told.status")).status === 0,
    );
    return { status: Number(await line("/run/told.status")), ...JSON.parse(await sh("cat /run/told")) };
  };
  const swap = (kb: number) => sh(`swapoff /dev/vda 2> /dev/null; mkswap /dev/vda ${kb} && swapon /dev/vda`);

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    spec = { kind: "power", name: "power", ports: 0, build, dir };
    const disk = await open(join(dir, "disk"), "w");
    await disk.truncate(DISK_BYTES);
    await disk.close();
    vm = start("");
    await vm.reach();
    await sh("powermon --version");
    await sh(`mkdir -p /run/ch; powermon run --dir /run/ch ${AT} > /run/log 2>&1 < /dev/null &
      until [ -S /run/st/control.sock ]; do usleep 50000; done`);
    await sh("powermon freq set 2 1200000 --socket /run/st/control.sock");
    expect(await line(`${POLICY2}/scaling_setspeed`)).toBe("1200000");
  });

  afterAll(async () => {
    await vm?.kill();
    await rm(dir, { recursive: true });
  });

  test("swap that can't hold the image is too small, for capabilities and for suspend", async () => {
    await swap(8192);
    const { sleep } = JSON.parse(await sh("powermon capabilities --json"));
    const disk = sleep.targets.find(({ target }: { target: string }) => target === "disk");
    expect(disk).toMatchObject({ supported: true, controllable: false });
    expect(disk.why).toMatch(/^free swap is too small for the memory's image: 8 MiB of about \d+$/);
    const refused = await vm.exec(`powermon suspend disk --wake none --json ${AT}`);
    expect(refused.status).toBe(5);
    expect(JSON.parse(refused.stdout).error).toMatchObject({
      code: "unsupported",
      details: { blockers: [{ kind: "swap", forceable: false }] },
    });
    await swap(DISK_BYTES / 1024);
  });

  test("an alarm that would ring before the image is written is refused", async () => {
    const refused = await vm.exec(`powermon suspend disk --duration 30 ${AT}`);
    expect(refused).toMatchObject({ status: 3 });
    expect(refused.stderr).toMatch(/may ring before the memory's image is written/);
  });

  test("freeze names the power button that woke it, though its alarm had passed", async () => {
    await suspend("freeze --duration 5");
    await until("it sleeps and the alarm has passed", 60_000, async () => {
      await Bun.sleep(8000);
      await press("system_powerdown");
      return (await vm.exec("test -s /run/told.status", 5)).status === 0;
    });
    const { status, slept, record } = await told();
    expect([status, slept]).toEqual([0, true]);
    expect(record.wokenBy).toContain("LNXPWRBN");
    expect(record.wokenBy).not.toContain("wake alarm");
    expect(record.sleptS).toBeGreaterThan(2);
    expect(await line(`${POLICY2}/scaling_setspeed`)).toBe("1200000");
  });

  test.each(["first", "second"])(
    "disk: a second QEMU resumes the image, with claims as they were (%s time)",
    async () => {
      const boot = await line("/proc/sys/kernel/random/boot_id");
      await suspend("disk --wake none");
      await vm.ended(120_000);
      vm = start("lab.resume");
      await vm.connect();
      await until("the image runs", 60_000, async () => (await vm.exec("true", 5)).status === 0);
      expect(await told()).toMatchObject({
        status: 0,
        slept: true,
        notRestored: [],
        record: { wokenBy: expect.any(String) },
      });
      expect(await line("/proc/sys/kernel/random/boot_id")).toBe(boot);
      expect(await line(`${POLICY2}/scaling_setspeed`)).toBe("1200000");
      expect(await sh("cat /run/log")).toMatch(/The host goes to sleep[^]*The host is awake/);
    },
  );

  test("hybrid writes the image, sleeps in memory, wakes by the clock and gives power/disk back", async () => {
    const disk = await line("/sys/power/disk");
    await suspend("hybrid --duration 60 --force");
    const { status, slept, record } = await told();
    expect([status, slept, record.wokenBy]).toEqual([0, true, "the wake alarm"]);
    expect(await line("/sys/power/disk")).toBe(disk);
    expect(await line(`${POLICY2}/scaling_setspeed`)).toBe("1200000");
  }, 200_000);

  test("a driver that refuses keeps the host awake, and everything is as it was", async () => {
    await sh("mount -t debugfs none /sys/kernel/debug 2> /dev/null");
    const fault = "/sys/kernel/debug/notifier-error-inject/pm/actions/PM_SUSPEND_PREPARE/error";
    await sh(`echo -16 > ${fault}`);
    await suspend("mem --duration 60");
    const { status, error } = await told();
    expect([status, error.code]).toEqual([1, "failed"]);
    expect(error.message).toContain("EBUSY");
    expect(error.details).toMatchObject({ notRestored: [] });
    expect(await line("/sys/class/rtc/rtc0/wakealarm")).toBe("");
    expect(await line(`${POLICY2}/scaling_setspeed`)).toBe("1200000");
    expect(await sh("tail -n 3 /run/log")).toContain("The host did not sleep");
    await sh(`echo 0 > ${fault}`);
  });
});
