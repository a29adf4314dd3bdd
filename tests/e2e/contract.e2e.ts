// The contract of tests/kernel on the kernel's own drivers: what the model of files is held to is what Linux 6.12 answers.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { CASES, type MachineName } from "../kernel/contract.ts";
import { DriverHost, isBuilt, MACHINES } from "./driver-host.ts";
import { buildPart, scenario } from "./scenario.ts";
import type { DriverCpu } from "./vm.ts";

const needs = {
  programs: ["qemu-system-x86_64", "iasl", "busybox", "xz", "zstd", "gcc"],
  lab: "build-drivers.sh",
} as const;
const CPUS: readonly DriverCpu[] = ["intel", "amd", "amd-no-boost"];

scenario("contract", needs, (build) => {
  const modules = buildPart("build-driver-modules.sh", dirname(build));
  if ("missing" in modules) {
    test.skipIf(process.env["CI"] !== "true")(
      `intel_pstate and cppc_cpufreq (not run: ${modules.missing})`,
      () => {
        throw new Error(`CI must try every driver, but its module ${modules.missing}`);
      },
    );
  }
  const can = (machine: MachineName) => "dir" in modules || !isBuilt(machine);

  describe.each(CPUS)("%s", (cpu) => {
    let host: DriverHost;

    beforeAll(async () => {
      host = await DriverHost.boot(cpu, build, "dir" in modules ? modules.dir : "");
    });

    afterAll(() => host?.end());

    for (const one of CASES) {
      if (MACHINES[one.machine].cpu !== cpu || !can(one.machine)) continue;
      test(`${one.machine}: ${one.name}`, async () => {
        expect(await host.answers(one)).toEqual([...one.steps]);
      });
    }
  });
});
