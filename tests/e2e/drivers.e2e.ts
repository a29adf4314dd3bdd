// The cpufreq drivers of today's hosts, Linux 6.12: each answers as the contract says, and powermon sets clocks by it and gives all back.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { CASES, type MachineName } from "../kernel/contract.ts";
import { CPU, type DriverHost } from "./driver-host.ts";
import { driverScenario } from "./driver-scenario.ts";
import { DIST } from "./scenario.ts";

/** What a guest's step comes to, in kHz. */
type Move = readonly [step: string, khz: number];

/** What shows that it is that driver: its name, its status file, a file of policy0 that is there and one that is not; how it holds a clock. */
interface Shown {
  readonly driver: string;
  readonly status?: readonly [file: string, text: string];
  readonly has: string;
  readonly lacks: string;
  readonly by: "setspeed" | "limits";
  readonly moves: readonly Move[];
}

const EPP = "energy_performance_preference";
const amd = (status: string, driver: string): Omit<Shown, "lacks" | "by"> => ({
  driver,
  status: ["amd_pstate/status", status],
  has: "boost",
  moves: [
    ["min", 520_000],
    ["max", 2_600_000],
    ["turbo-on", 4_313_000],
  ],
});
const intel = (status: string, driver: string): Omit<Shown, "by"> => ({
  driver,
  status: ["intel_pstate/status", status],
  has: "base_frequency",
  lacks: "boost",
  moves: [
    ["min", 800_000],
    ["max", 2_400_000],
    ["turbo-on", 3_700_000],
  ],
});
/** Without HWP there is neither a hint nor a base frequency. */
const WITHOUT_HWP = { has: "scaling_governor", lacks: EPP } as const;
const FEW_MOVES: readonly Move[] = [
  ["min", 800_000],
  ["up", 900_000],
];
const EPP_DRIVER: Shown = { ...amd("active", "amd-pstate-epp"), lacks: "base_frequency", by: "limits" };
const HWP_DRIVER: Shown = { ...intel("active", "intel_pstate"), by: "limits" };

const SHOWN: Readonly<Record<MachineName, Shown>> = {
  "acpi-cpufreq-boost": {
    driver: "acpi-cpufreq",
    has: "boost",
    lacks: EPP,
    by: "setspeed",
    moves: [
      ["min", 800_000],
      ["max", 2_600_000],
    ],
  },
  "amd-pstate-active": EPP_DRIVER,
  "amd-pstate-active-no-cpb": {
    ...EPP_DRIVER,
    moves: [
      ["min", 520_000],
      ["max", 2_600_000],
    ],
  },
  "amd-pstate-guided": { ...amd("guided", "amd-pstate"), lacks: EPP, by: "setspeed" },
  "amd-pstate-passive": { ...amd("passive", "amd-pstate"), lacks: EPP, by: "setspeed" },
  "intel_pstate-hwp": HWP_DRIVER,
  "intel_pstate-mtl": HWP_DRIVER,
  "intel_pstate-turbo-off": {
    ...HWP_DRIVER,
    moves: [
      ["min", 800_000],
      ["max", 2_400_000],
    ],
  },
  "intel_pstate-no-hwp": { ...HWP_DRIVER, ...WITHOUT_HWP, moves: FEW_MOVES },
  "intel_cpufreq-hwp": { ...intel("passive", "intel_cpufreq"), by: "setspeed" },
  "intel_cpufreq-no-hwp": {
    ...intel("passive", "intel_cpufreq"),
    ...WITHOUT_HWP,
    by: "setspeed",
    moves: FEW_MOVES,
  },
  cppc_cpufreq: {
    driver: "cppc_cpufreq",
    has: "boost",
    lacks: EPP,
    by: "setspeed",
    moves: [
      ["min", 520_000],
      ["max", 2_600_000],
    ],
  },
};

const POWERMON = `${DIST}/powermon`;

driverScenario("drivers", (host: () => DriverHost, machine: MachineName) => {
  const { driver, status, has, lacks, by, moves } = SHOWN[machine];
  const vm = () => host().host.vm;
  const line = async (file: string) => (await vm().sh(`head -n 1 ${CPU}/${file}`)).trimEnd();

  describe(machine, () => {
    // What the model of files in tests/kernel is held to is what the kernel says.
    test.each(CASES.filter((one) => one.machine === machine))("contract: $name", async (one) => {
      expect(await host().answers(one)).toEqual([...one.steps]);
    });
  });

  describe(`powermon on ${machine}`, () => {
    let before: string;

    beforeAll(() => vm().sh(`${POWERMON} setup --dir /run/powermon/channels`)); // what check looks for beside the drivers

    beforeEach(async () => {
      await host().become(machine);
      before = await host().knobs();
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

    /** Has a guest's vCPU 0 on CPU 1 make each move, the clock of CPU 0 staying as it is. */
    async function move(): Promise<void> {
      await host().host.startPowermon("--pin vm1:0=1");
      const files = by === "setspeed" ? ["scaling_setspeed"] : ["scaling_min_freq", "scaling_max_freq"];
      const others = (text: string) => text.split("\n").filter((one) => !one.includes("policy1"));
      for (const [step, khz] of moves) {
        await host().scaleWhenConnected(step, 0);
        const now = await host().knobs();
        for (const file of files) expect(now).toContain(`cpufreq/policy1/${file}:${khz}\n`);
        expect(others(now)).toEqual(others(before));
      }
    }

    test("a guest moves its own CPU and no other, and SIGTERM gives everything back", async () => {
      await move();
      expect(await host().host.endPowermon("TERM")).toMatchObject({ status: 0 });
      expect(await host().knobs()).toBe(before);
    });

    test("after SIGKILL restore gives everything back", async () => {
      await move();
      await host().host.endPowermon("KILL");
      expect(await host().knobs()).not.toBe(before);
      await host().host.restore();
      expect(await host().knobs()).toBe(before);
    });
  });
});
