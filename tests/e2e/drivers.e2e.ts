// The cpufreq drivers of today's hosts, Linux 6.12: each answers as the contract says, and powermon sets clocks by it and gives all back.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { CASES, type MachineName } from "../kernel/contract.ts";
import { CPU, type DriverHost } from "./driver-host.ts";
import { driverScenario } from "./driver-scenario.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";

/** What shows that it is that driver: its name, its status file, a file of policy0 that is there and one that is not; how it holds a clock. */
interface Shown {
  readonly driver: string;
  readonly status?: readonly [file: string, text: string];
  readonly has: string;
  readonly lacks: string;
  readonly by: "setspeed" | "limits";
  /** What guests' min, max and turbo-on come to, in kHz. */
  readonly min: number;
  readonly max: number;
  readonly turbo?: number;
  /** The file that turns turbo off and on, where the hardware lets it. */
  readonly turboFile?: typeof BOOST | typeof NO_TURBO;
  readonly hwp?: boolean;
  /** What the energy hint reads where governor performance holds it at a raw 0. */
  readonly zeroEpp?: string;
}

const EPP = "energy_performance_preference";
const BOOST = "cpufreq/boost";
const NO_TURBO = "intel_pstate/no_turbo";
const amd = (status: string, driver: string) =>
  ({ driver, status: ["amd_pstate/status", status], has: "boost", min: 520_000, max: 2_600_000 }) as const;
const AMD_TURBO = { turbo: 4_313_000, turboFile: BOOST } as const;
const intel = (status: string, driver: string) =>
  ({
    driver,
    status: ["intel_pstate/status", status],
    has: "base_frequency",
    lacks: "boost",
    min: 800_000,
    max: 2_400_000,
    hwp: true,
  }) as const;
const INTEL_TURBO = { turbo: 3_700_000, turboFile: NO_TURBO } as const;
/** Without HWP there is neither a hint nor a base frequency. */
const WITHOUT_HWP = { has: "scaling_governor", lacks: EPP, hwp: false } as const;
const EPP_DRIVER = { ...amd("active", "amd-pstate-epp"), lacks: "base_frequency", by: "limits" } as const;
const HWP_DRIVER = { ...intel("active", "intel_pstate"), by: "limits" } as const;
const PASSIVE_DRIVER = { ...intel("passive", "intel_cpufreq"), ...INTEL_TURBO, by: "setspeed" } as const;

const SHOWN: Readonly<Record<MachineName, Shown>> = {
  "acpi-cpufreq-boost": {
    driver: "acpi-cpufreq",
    has: "boost",
    lacks: EPP,
    by: "setspeed",
    min: 800_000,
    max: 2_600_000,
    turboFile: BOOST,
  },
  "amd-pstate-active": { ...EPP_DRIVER, ...AMD_TURBO },
  "amd-pstate-active-no-cpb": EPP_DRIVER,
  "amd-pstate-guided": { ...amd("guided", "amd-pstate"), ...AMD_TURBO, lacks: EPP, by: "setspeed" },
  "amd-pstate-passive": { ...amd("passive", "amd-pstate"), ...AMD_TURBO, lacks: EPP, by: "setspeed" },
  "intel_pstate-hwp": { ...HWP_DRIVER, ...INTEL_TURBO },
  "intel_pstate-mtl": { ...HWP_DRIVER, ...INTEL_TURBO, zeroEpp: "default" }, // its performance is 16
  "intel_pstate-turbo-off": HWP_DRIVER,
  "intel_pstate-no-hwp": { ...HWP_DRIVER, ...INTEL_TURBO, ...WITHOUT_HWP },
  "intel_cpufreq-hwp": PASSIVE_DRIVER,
  "intel_cpufreq-no-hwp": { ...PASSIVE_DRIVER, ...WITHOUT_HWP },
  cppc_cpufreq: {
    driver: "cppc_cpufreq",
    has: "boost",
    lacks: EPP,
    by: "setspeed",
    min: 520_000,
    max: 2_600_000,
    turbo: 4_316_000,
    turboFile: BOOST,
  },
};

/** The built-in profiles in an order in which each must undo what the one before did; what each says of turbo, if it does, and of the hint. */
const PROFILES = [
  { profile: "powersave", turbo: false, epp: "power" },
  { profile: "performance", turbo: true, epp: "performance" },
  { profile: "balanced", turbo: true, epp: "balance_performance" },
  { profile: "latency", turbo: undefined, epp: "performance" },
] as const;

const POWERMON = `${DIST}/powermon`;

driverScenario("drivers", (host: () => DriverHost, machine: MachineName) => {
  const {
    driver,
    status,
    has,
    lacks,
    by,
    min,
    max,
    turbo,
    turboFile,
    hwp,
    zeroEpp = "performance",
  } = SHOWN[machine];
  const vm = () => host().host.vm;
  const line = async (file: string) => (await vm().sh(`head -n 1 ${CPU}/${file}`)).trimEnd();
  const put = (file: string, text: string | number) => vm().sh(`echo ${text} > ${CPU}/${file}`);
  const turboText = (on: boolean) => (on === (turboFile === BOOST) ? "1" : "0");
  const turn = async (on: boolean) => turboFile && put(turboFile, turboText(on));
  /** What a guest's max comes to that never asked for turbo: Intel's drivers wait for its word, and cppc_cpufreq's boost is off at first. */
  const unasked = status?.[0] === "amd_pstate/status" ? (turbo ?? max) : max;
  const held = by === "setspeed" ? ["scaling_setspeed"] : ["scaling_min_freq", "scaling_max_freq"];
  const holds = (knobs: string, khz: number) =>
    held.every((file) => knobs.includes(`cpufreq/policy1/${file}:${khz}\n`));

  describe(machine, () => {
    // What the model of files in tests/kernel is held to is what the kernel says.
    test.each(CASES.filter((one) => one.machine === machine))("contract: $name", async (one) => {
      expect(await host().answers(one)).toEqual([...one.steps]);
    });
  });

  describe(`powermon on ${machine}`, () => {
    let fresh: string | undefined;
    let before: string;

    beforeAll(() => vm().sh(`${POWERMON} setup --dir /run/powermon/channels`)); // what check looks for beside the drivers

    beforeEach(async () => {
      before = await host().knobs();
      if (before === fresh) return;
      await host().become(machine);
      fresh = before = await host().knobs();
    });

    afterEach(() => host().host.forget());

    test("it is the kernel's own driver, in that mode", async () => {
      expect(await line("cpufreq/policy1/scaling_driver")).toBe(driver);
      if (status) expect(await line(status[0])).toBe(status[1]);
      const files = (await vm().sh(`ls ${CPU}/cpufreq/policy0`)).split("\n");
      expect(files).toContain(has);
      expect(files).not.toContain(lacks);
    });

    test("check finds no problem, and capabilities are what the kernel says", async () => {
      const checked = JSON.parse(await vm().sh(`${POWERMON} check --json`));
      expect(checked.findings.filter((one: { severity: string }) => one.severity === "problem")).toEqual([]);
      const told = JSON.parse(await vm().sh(`${POWERMON} capabilities --json`));
      expect(told.problems).toEqual([]);
      expect(told.cpufreq.domains).toHaveLength(2);
      for (const domain of told.cpufreq.domains) {
        const at = `cpufreq/policy${domain.domain}`;
        expect(domain).toMatchObject({
          controllable: true,
          driver,
          governor: await line(`${at}/scaling_governor`),
          governors: (await line(`${at}/scaling_available_governors`)).split(" "),
          floorKhz: Number(await line(`${at}/scaling_min_freq`)),
          ceilingKhz: Number(await line(`${at}/scaling_max_freq`)),
        });
      }
    });

    /** Has a guest's vCPU 0 on CPU 1 ask for `step`, the clock of CPU 0 staying as it is. */
    async function move(step: string, khz: number): Promise<void> {
      const others = (text: string) => text.split("\n").filter((one) => !one.includes("policy1"));
      const was = others(await host().knobs());
      await host().scaleWhenConnected(step, 0);
      const now = await host().knobs();
      for (const file of held) expect(now).toContain(`cpufreq/policy1/${file}:${khz}\n`);
      expect(others(now)).toEqual(was);
    }

    /** Starts powermon while turbo is off, and has a guest move its CPU. */
    async function moveWithoutTurbo(): Promise<void> {
      await turn(true);
      before = await host().knobs();
      await turn(false);
      await host().host.startPowermon("--pin vm1:0=1");
      await move("min", min);
      await move("max", max);
    }

    /** Waits until CPU 1 holds `khz` again. */
    const heldAgain = (what: string, khz: number) =>
      until(`${khz} kHz ${what}`, 30_000, async () => {
        const knobs = await host().knobs();
        if (holds(knobs, khz)) return true;
        throw new Error(`${knobs}powermon says: ${await host().host.log()}`);
      });

    test("a guest moves its own CPU and no other, and turbo that comes after SIGTERM finds everything as it was", async () => {
      await moveWithoutTurbo();
      expect(await host().host.endPowermon("TERM")).toMatchObject({ status: 0 });
      await turn(true);
      expect(await host().knobs()).toBe(before);
    });

    test("turbo that comes is a guest's too, and after SIGKILL restore gives everything back", async () => {
      await moveWithoutTurbo();
      await turn(true);
      if (turbo !== undefined) {
        await until("the turbo clock", 30_000, async () => {
          const { stdout } = await host().guest("scale turbo-on --vcpu 0");
          const knobs = await host().knobs();
          if (holds(knobs, turbo)) return true;
          throw new Error(`${stdout}${knobs}`);
        });
        await move("turbo-off", max);
      }
      await host().host.endPowermon("KILL");
      expect(await host().knobs()).not.toBe(before);
      await host().host.restore();
      expect(await host().knobs()).toBe(before);
    });

    const percent = async () => {
      const told = async () => {
        const text = await vm().sh("cat /sys/module/intel_model/parameters/hw");
        const number = (name: string) =>
          [...text.matchAll(new RegExp(` ${name}=(\\d+)`, "g"))].map((one) => Number(one[1]));
        return hwp ? { min: number("min"), max: number("max") } : { min: [], max: number("ratio") };
      };
      const half = (turbo ?? max) / 200_000; // in 100 MHz: intel_pstate rounds it up, intel_cpufreq down
      const most = by === "limits" ? Math.ceil(half) : Math.floor(half);
      await put("intel_pstate/max_perf_pct", 50);
      await host().host.startPowermon("--pin vm1:0=1");
      await host().scaleWhenConnected("max", 0);
      const now = await told();
      expect(now.max).toHaveLength(2);
      if (hwp) expect(now.max[0]).toBe(most);
      for (const ratio of [...now.min, ...now.max]) expect(ratio).toBeLessThanOrEqual(most);
      await host().host.endPowermon("TERM");
      await put("intel_pstate/max_perf_pct", 100);
      expect(await host().knobs()).toBe(before);
    };
    if (status?.[0] === "intel_pstate/status")
      test("max_perf_pct bounds a guest's max as it bounds every CPU", percent);

    test("a CPU that comes is served, and a claim outlives its going and what others write over it", async () => {
      const online = "cpu1/online";
      await put(online, 0);
      await put(online, 1);
      before = await host().knobs(); // some of it the kernel sets anew
      await put(online, 0);
      await host().host.startPowermon("--pin vm1:0=1");
      await until("a refusal", 30_000, async () => (await host().guest("scale max --vcpu 0")).status === 3);
      await put(online, 1);
      await host().scaleWhenConnected("max", 0);
      await heldAgain("on the CPU that came", unasked);
      await put(online, 0);
      await put(online, 1);
      await heldAgain("on the CPU that is back", unasked);
      const at = "cpufreq/policy1";
      const governor = `${at}/scaling_governor`;
      if (by === "setspeed") await put(governor, "powersave");
      for (const limit of ["min", "max"]) await put(`${at}/scaling_${limit}_freq`, min);
      await until("governor and limit as they were", 30_000, async () => {
        const isSet = by === "limits" || (await line(governor)) === "userspace";
        return isSet && (await line(`${at}/scaling_max_freq`)) !== `${min}`;
      });
      await heldAgain("after what others wrote", unasked);
      expect(await host().host.endPowermon("TERM")).toMatchObject({ status: 0 });
      expect(await host().knobs()).toBe(before);
    });

    test("each built-in profile holds what it says after the one before, and off gives everything back", async () => {
      const each = (file: string) => vm().sh(`cat ${CPU}/cpufreq/policy[01]/${file}`);
      const turboBefore = turboFile ? await line(turboFile) : "";
      for (const { profile, turbo: on, epp } of PROFILES) {
        await vm().sh(`${POWERMON} profile apply ${profile} && ${POWERMON} profile verify`);
        if (turboFile) expect(await line(turboFile)).toBe(on === undefined ? turboBefore : turboText(on));
        expect(await each("scaling_max_freq")).toBe(
          on === false ? `${max}\n${max}\n` : await each("cpuinfo_max_freq"),
        );
        const hint = epp === "performance" ? zeroEpp : epp;
        if ((await host().knobs()).includes(EPP)) expect(await each(EPP)).toBe(`${hint}\n${hint}\n`);
      }
      await vm().sh(`${POWERMON} profile off`);
      expect(await host().knobs()).toBe(before);
    });
  });
});
