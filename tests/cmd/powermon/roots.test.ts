// What stands for /sys and /proc must be there: a mistyped folder is no machine without any power settings.

import { expect, test } from "bun:test";
import { runPowermon } from "./power-main.ts";
import { machine } from "../../sysfs/machine.ts";

test.each([
  [["capabilities"]],
  [["profile", "recommend"]],
  [["profile", "apply", "balanced"]],
  [["restore"]],
  [["energy"]],
  [["suspend", "mem", "--duration", "60"]],
  [["run"]],
])("powermon %p refuses a folder that is not there, or is none", async (words) => {
  const { tree } = machine("acpi-cpufreq-4cpu-independent");
  const state = ["--state-dir", `${tree.root}/state`];
  for (const [flag, folder] of [
    ["--sysfs-root", `${tree.root}/nowhere`],
    ["--proc-root", `${tree.proc}/sys/kernel/random/boot_id`],
  ] as const)
    expect(await runPowermon([...words, flag, folder, ...state])).toMatchObject({
      status: 2,
      out: "",
      err: `powermon: ${flag} must be a folder that this user may look into, not "${folder}".`,
    });
});
