// Runs something on every machine of the contract, with one boot a CPU and one line for what can't be built.
import { afterAll, beforeAll, describe, test } from "bun:test";
import { dirname } from "node:path";
import type { MachineName } from "../kernel/contract.ts";
import { DriverHost, isBuilt, MACHINES } from "./driver-host.ts";
import { buildPart, scenario } from "./scenario.ts";
import type { DriverCpu } from "./vm.ts";

const NEEDS = {
  programs: ["qemu-system-x86_64", "iasl", "busybox", "socat", "xz", "zstd", "gcc"],
  lab: { script: "build-drivers.sh" },
} as const;
const CPUS: readonly DriverCpu[] = ["intel", "amd", "amd-no-boost"];

/**
 * Describes a scenario on the drivers of today. Machines whose driver is built out of the kernel's source are left out where that can't
 * be done, and are one skipped test, or with CI=true one failed test.
 * @param each is called for every machine, those of one boot together; `host` gives the booted host inside tests and hooks
 */
export function driverScenario(title: string, each: (host: () => DriverHost, machine: MachineName) => void) {
  scenario(title, NEEDS, (build) => {
    const modules = buildPart("build-driver-modules.sh", dirname(build));
    const names = Object.keys(MACHINES) as MachineName[];
    const runs = names.filter((machine) => "dir" in modules || !isBuilt(machine));
    if ("missing" in modules) {
      const left = names.filter(isBuilt).join(", ");
      test.skipIf(process.env["CI"] !== "true")(`${left} (not run: the drivers ${modules.missing})`, () => {
        throw new Error(`CI must try every driver, but they ${modules.missing}`);
      });
    }

    describe.each(CPUS)("%s", (cpu) => {
      let host: DriverHost | undefined;

      beforeAll(async () => {
        host = await DriverHost.boot(cpu, build, "dir" in modules ? modules.dir : "");
      });

      afterAll(() => host?.end());

      const booted = () => {
        if (!host) throw new Error(`The host with CPU ${cpu} is not up`);
        return host;
      };
      for (const machine of runs) if (MACHINES[machine].cpu === cpu) each(booted, machine);
    });
  });
}
