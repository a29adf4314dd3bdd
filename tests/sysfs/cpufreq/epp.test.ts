// The energy hint where the kernel has no word for it.

import { expect } from "bun:test";
import { readEpp, UNKNOWN_EPP } from "../../../internal/sysfs/cpufreq/epp.ts";
import { cpuRootOf } from "../../../internal/sysfs/cpufreq/originals.ts";
import { domainId } from "../../../internal/values/units.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { error, value } from "../machine.ts";

testNeeding(["root and FUSE"], "readEpp() knows no word for a value of the firmware's", async () => {
  const at = await mountMachine("amd-pstate-epp-powersave-6.12");
  at.setRawEpp(1, 64);
  const read = (id: number) => readEpp(cpuRootOf(at.roots), domainId(id));
  expect(value(read(0))?.current).toBe("performance");
  expect(value(read(1))).toMatchObject({ current: UNKNOWN_EPP, choices: expect.arrayContaining(["power"]) });
  at.fault("cpufreq/policy1/energy_performance_preference", { read: "EIO" });
  expect(error(read(1)).code).toBe("EIO");
});
