// The host's own power on a real kernel: what it can do is what the kernel says, a profile holds and goes, S3 brings all of it back.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildPart, scenario } from "./scenario.ts";
import { bootVm, type Vm } from "./vm.ts";

const needs = { programs: ["qemu-system-x86_64", "iasl", "busybox", "xz", "gcc"], lab: true } as const;
const CPU = "/sys/devices/system/cpu";
/** Everything that a profile or a suspend could leave changed. */
const KNOBS =
  "cpufreq/policy*/scaling_governor cpufreq/policy*/scaling_min_freq cpufreq/policy*/scaling_max_freq cpufreq/policy*/scaling_setspeed cpu*/power/pm_qos_resume_latency_us cpu*/cpuidle/state*/disable";

scenario("power", needs, (build) => {
  let dir: string;
  let vm: Vm;
  // The module that says that the VM's CPUs have turbo needs the kernel's headers.
  const turboBit = buildPart("build-turbo-bit.sh", dirname(build));
  const turbo = "dir" in turboBit;
  const whyNoTurbo = turbo ? "" : ` (not run: the module ${turboBit.missing})`;
  const sh = (command: string, limitSeconds = 30) => vm.sh(command, limitSeconds);
  const line = async (path: string) => (await sh(`head -n 1 ${path}`)).trimEnd();
  const knobs = () => sh(`cd ${CPU} && grep -H '' ${turbo ? "cpufreq/boost " : ""}${KNOBS}`);
  const configure = (policy: string, governor: string, min: number, max: number) =>
    sh(
      `cd ${CPU}/cpufreq/${policy} && echo ${governor} > scaling_governor && echo ${max} > scaling_max_freq && echo ${min} > scaling_min_freq`,
    );

  /** Makes a machine of it that somebody has set up by hand. */
  async function setUp() {
    await configure("policy0", "userspace", 800_000, 2_600_000);
    await sh(`echo 1600000 > ${CPU}/cpufreq/policy0/scaling_setspeed`);
    await configure("policy1", "userspace", 1_000_000, 2_000_000);
    await sh(`echo 1200000 > ${CPU}/cpufreq/policy1/scaling_setspeed`);
    await configure("policy2", "schedutil", 1_000_000, 2_400_000);
    await configure("policy3", "performance", 800_000, 2_600_000);
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    vm = await bootVm({ kind: "power", name: "power", ports: 0, build, dir });
    await sh("powermon --version");
    await setUp();
  });

  afterAll(async () => {
    await vm?.kill();
    await rm(dir, { recursive: true });
  });

  test("capabilities are what the kernel says", async () => {
    const told = JSON.parse(await sh("powermon capabilities --json"));
    expect(told.problems).toEqual([]);
    const states = (await line("/sys/power/state")).split(" ");
    for (const { target, supported } of told.sleep.targets)
      expect([target, supported]).toEqual([target, states.includes(target === "hybrid" ? "disk" : target)]);
    const [mem, disk] = told.sleep.targets;
    expect(mem.choices.join(" ")).toBe((await line("/sys/power/mem_sleep")).replace(/[[\]]/g, ""));
    expect(`[${mem.choice}]`).toBe(/\[.*\]/.exec(await line("/sys/power/mem_sleep"))?.[0] ?? "");
    expect(disk).toMatchObject({ controllable: false, why: "there is no free swap for the memory's image" });
    expect(told.sleep.wakeClock).toEqual({ controllable: true, name: "rtc0" });
    for (const domain of told.cpufreq.domains) {
      const at = `${CPU}/cpufreq/policy${domain.domain}`;
      expect(domain).toMatchObject({
        controllable: true,
        driver: await line(`${at}/scaling_driver`),
        governor: await line(`${at}/scaling_governor`),
        governors: (await line(`${at}/scaling_available_governors`)).trim().split(" "),
        frequencies: (await line(`${at}/scaling_available_frequencies`)).trim().split(" ").map(Number),
        floorKhz: Number(await line(`${at}/scaling_min_freq`)),
        ceilingKhz: Number(await line(`${at}/scaling_max_freq`)),
      });
    }
    expect(told.cpufreq.domains).toHaveLength(4);
    const named = await sh(`cat ${CPU}/cpu0/cpuidle/state*/name`);
    expect(told.cpuidle).toMatchObject({
      driver: await line(`${CPU}/cpuidle/current_driver`),
      controllable: true,
    });
    expect(told.cpuidle.states.map((state: { name: string }) => state.name).join("\n")).toBe(named.trimEnd());
    expect(told.topology.cpus).toHaveLength(4);
  });

  test("both XML forms say what this kernel can do", async () => {
    const xml = await sh("powermon capabilities --format xml");
    expect(xml).toContain("<suspend_mem/>\n      <suspend_disk/>\n      <suspend_hybrid/>");
    expect(await sh("powermon capabilities --format rfc")).toContain("<S3/>\n      <S4/>");
  });

  test("energy has no meter here and says so with status 5", async () => {
    const { status, stderr } = await vm.exec("powermon energy");
    expect(status).toBe(5);
    expect(stderr).toMatch(/shows no energy counter/);
  });

  test("a profile is applied, verified, drifts by hand, is caught, and off brings every setting back", async () => {
    const before = await knobs();
    await sh("powermon profile apply latency");
    const after = await knobs();
    for (let cpu = 0; cpu < 4; cpu++) {
      expect(after).toContain(`cpufreq/policy${cpu}/scaling_governor:performance\n`);
      expect(after).toContain(`cpufreq/policy${cpu}/scaling_min_freq:2600000\n`);
      expect(after).toContain(`cpu${cpu}/power/pm_qos_resume_latency_us:9\n`);
    }
    expect(await vm.exec("powermon profile verify")).toMatchObject({ status: 0 });
    await sh(`echo schedutil > ${CPU}/cpufreq/policy2/scaling_governor`);
    const drifted = await vm.exec("powermon profile verify --json");
    expect(drifted.status).toBe(1);
    expect(JSON.parse(drifted.stdout).drift).toEqual([
      { path: "cpufreq/policy2/scaling_governor", text: "performance", knob: "governor", found: "schedutil" },
    ]);
    await sh("powermon profile apply powersave");
    await sh("powermon profile off");
    expect(await knobs()).toBe(before);
  });

  test("a profile for one CPU changes that CPU alone", async () => {
    const before = await knobs();
    await sh("powermon profile apply performance --cpus 2");
    const changed = (await knobs()).split("\n").filter((one) => !before.includes(`${one}\n`));
    expect(changed).toEqual([
      // The minimum that somebody raised stays.
      "cpufreq/policy2/scaling_governor:performance",
      "cpufreq/policy2/scaling_max_freq:2600000",
    ]);
    await sh("powermon profile off");
    expect(await knobs()).toBe(before);
  });

  test("a budget is held by ceilings that the kernel follows, clips a claim, and leaves nothing when it ends or is killed", async () => {
    for (let cpu = 0; cpu < 4; cpu++) await configure(`policy${cpu}`, "performance", 800_000, 2_600_000);
    const before = await knobs();
    const at = "--state-dir /run/bt";
    const ceilings = async () =>
      (await sh(`cd ${CPU}/cpufreq && cat policy?/scaling_max_freq`)).trim().split("\n").map(Number);
    // 48 W and f^3 for each CPU, from 52 to 167 W, by what the kernel says that they run at.
    await vm.sh(`cat > /run/meter.sh << 'END'
E=1000000000; read T R < /proc/uptime; T=\${T%.*}\${T#*.}
while :; do
  read N R < /proc/uptime; N=\${N%.*}\${N#*.}; W=48000
  for p in ${CPU}/cpufreq/policy*; do read F < $p/scaling_cur_freq; F=$((F / 100000)); W=$((W + F * F * F * 17 / 10)); done
  E=$((E + W * (N - T) * 10)); T=$N
  echo $E > /run/energy.new; mv /run/energy.new /run/energy
  usleep 100000
done
END
      sh /run/meter.sh < /dev/null > /dev/null 2>&1 & echo $! > /run/meter.pid
      printf '[budget]\\nwatts = 110\\nmeter = "file:/run/energy"\\n' > /run/b.toml`);
    const start = () =>
      sh(
        `powermon run --config /run/b.toml --dir /run/ch ${at} > /run/blog 2>&1 < /dev/null & echo $! > /run/bpid; until grep -q Serving /run/blog; do usleep 50000; done`,
      );
    const gone = (signal: string) =>
      sh(
        `kill -${signal} $(cat /run/bpid); while kill -0 $(cat /run/bpid) 2> /dev/null; do usleep 50000; done`,
      );
    await sh("mkdir -p /run/ch");
    await start();
    // What is drawn over four looks, once somebody pays.
    const drawn = async () => {
      const [from, to] = (
        await sh(
          `until [ $(cat ${CPU}/cpufreq/policy3/scaling_max_freq) -lt 2600000 ]; do usleep 50000; done; sleep 3; read N R < /proc/uptime; echo $(cat /run/energy) $N; sleep 4; read N R < /proc/uptime; echo $(cat /run/energy) $N`,
        )
      )
        .trim()
        .split("\n")
        .map((one) => one.split(" ").map(Number));
      return ((to?.[0] ?? 0) - (from?.[0] ?? 0)) / 1e6 / ((to?.[1] ?? 0) - (from?.[1] ?? 0));
    };
    const held = await drawn();
    expect(held).toBeGreaterThan(95);
    expect(held).toBeLessThan(116);
    expect(Math.min(...(await ceilings()))).toBeGreaterThan(800_000);
    await sh("powermon freq set 3 max --socket /run/bt/control.sock");
    const clipped = Number(await line(`${CPU}/cpufreq/policy3/scaling_setspeed`));
    expect(clipped).toBeLessThan(2_600_000);
    expect((await ceilings())[3]).toBe(2_600_000);
    expect(await sh("powermon explain 3 --socket /run/bt/control.sock")).toMatch(
      /The wish was cut to its ceiling [\d.]+ GHz: budget 110 W, priority normal\./,
    );
    await gone("KILL");
    expect(await knobs()).not.toBe(before);
    await sh(`powermon restore ${at}`);
    expect(await knobs()).toBe(before);
    await start();
    await sh(`until [ $(cat ${CPU}/cpufreq/policy3/scaling_max_freq) -lt 2600000 ]; do usleep 50000; done`);
    await gone("TERM");
    expect(await knobs()).toBe(before);
    await sh("kill $(cat /run/meter.pid)");
    await setUp();
  });

  const turboTest = test.skipIf(!turbo && process.env["CI"] !== "true");
  turboTest(`turbo is turned off and on by the kernel's switch${whyNoTurbo}`, async () => {
    if (!turbo) throw new Error(`CI must try turbo${whyNoTurbo}`);
    expect(JSON.parse(await sh("powermon capabilities --json")).cpufreq.boost.supported).toBe(true);
    expect(await line(`${CPU}/cpufreq/boost`)).toBe("1");
    await sh("powermon profile apply powersave");
    expect(await line(`${CPU}/cpufreq/boost`)).toBe("0");
    await sh("powermon profile apply performance");
    expect(await line(`${CPU}/cpufreq/boost`)).toBe("1");
    await sh("powermon profile off");
  });

  test("suspend mem --dry-run and one without swap write nothing", async () => {
    const slept = () => line("/sys/power/suspend_stats/success");
    expect(await sh("powermon suspend mem --duration 60 --dry-run")).toMatch(/^Would sleep: mem by kernel/);
    expect(await vm.exec("powermon suspend disk --duration 60")).toMatchObject({ status: 5 });
    expect(await line("/sys/class/rtc/rtc0/wakealarm")).toBe("");
    expect(await slept()).toBe("0");
  });

  test("the kernel alone forgets a speed over S3", async () => {
    const before = await knobs();
    await sh("echo +8 > /sys/class/rtc/rtc0/wakealarm && echo mem > /sys/power/state", 60);
    const after = await knobs();
    expect(after).not.toBe(before);
    expect(after).not.toContain("cpufreq/policy1/scaling_setspeed:1200000\n");
    await sh(`echo 1200000 > ${CPU}/cpufreq/policy1/scaling_setspeed`);
  });

  test("suspend mem --duration sleeps, wakes by the clock, puts every setting back and tells how it went", async () => {
    await sh("powermon profile apply powersave --cpus 3");
    const before = await knobs();
    const told = JSON.parse(await sh("powermon suspend mem --duration 10 --json", 90));
    expect(told).toMatchObject({ slept: true, via: "kernel", clock: "rtc0", notRestored: [] });
    expect(told.record.wokenBy).toBe("the wake alarm");
    expect(told.record.sleptS).toBeGreaterThan(5);
    expect(told.record.sleptS).toBeLessThan(12);
    expect(await knobs()).toBe(before);
    expect(await vm.exec("powermon profile verify")).toMatchObject({ status: 0 });
    expect(await line("/sys/power/suspend_stats/success")).toBe("2");
    expect(await line("/sys/class/rtc/rtc0/wakealarm")).toBe("");
    await sh("powermon profile off");
  });

  test("an alarm that somebody else set for later is there again after a suspend", async () => {
    const alarm = Number(await line("/sys/class/rtc/rtc0/since_epoch")) + 600;
    await sh(`echo ${alarm} > /sys/class/rtc/rtc0/wakealarm`);
    await sh("powermon suspend mem --duration 8", 90);
    expect(await line("/sys/class/rtc/rtc0/wakealarm")).toBe(`${alarm}`);
    expect(await line("/sys/power/suspend_stats/success")).toBe("3");
  });

  test("a daemon's claim stands within its profile, over S3 too, and both go with the daemon", async () => {
    const before = await knobs();
    const at = "--state-dir /run/st";
    const speed = () => line(`${CPU}/cpufreq/policy2/scaling_setspeed`);
    const latency = async () => (await sh("od -An -td4 -N4 /dev/cpu_dma_latency")).trim();
    const free = await latency();
    await sh(
      "printf '[profile.quick]\\nlatency_us = 50\\n[profile.quick.cpus.all]\\nceiling = 2000000\\n' > /run/p.toml",
    );
    await sh(
      `mkdir -p /run/ch; powermon run --config /run/p.toml --dir /run/ch ${at} > /run/log 2>&1 < /dev/null & echo $! > /run/pid; until [ -S /run/st/control.sock ]; do usleep 50000; done`,
    );
    await sh("powermon freq set 2 max --socket /run/st/control.sock");
    expect(await speed()).toBe("2400000");
    await sh(`powermon profile apply quick ${at}`);
    expect(await speed()).toBe("2000000");
    expect(await latency()).toBe("50");
    const claimed = await knobs();
    const told = JSON.parse(await sh(`powermon suspend mem --duration 8 --json ${at}`, 90));
    expect(told).toMatchObject({ slept: true, blockers: [], notRestored: [] });
    expect(told.record.wokenBy).toBe("the wake alarm");
    expect(await knobs()).toBe(claimed);
    expect(await vm.exec(`powermon profile verify ${at}`)).toMatchObject({ status: 0 });
    expect(await sh("cat /run/log")).toMatch(/The host goes to sleep[^]*The host is awake/);
    await sh("kill $(cat /run/pid); while kill -0 $(cat /run/pid) 2> /dev/null; do usleep 50000; done");
    expect(await knobs()).toBe(before);
    expect(await latency()).toBe(free);
  });
});
