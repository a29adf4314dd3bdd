// cppc_cpufreq. Source: drivers/cpufreq/cppc_cpufreq.c of Linux 6.12.

import { type Captured, capturedOf, restOf } from "./captured.ts";
import type { Driver } from "./cpufreq.ts";

/** Any frequency may be asked for; boost moves the maximum to `boosted` kHz and overwrites the limit that was asked for. */
export function cppcCpufreq(captured: ReadonlyMap<number, Captured>, boosted: number): Driver {
  const driver: Driver = {
    name: "cppc_cpufreq",
    active: false,
    governor: "schedutil",
    boost: false,
    keeps: false,
    files: (policy) => restOf(captured, policy),
    // cppc_cpufreq_cpu_init(): the maximum is the nominal one again, whatever the policy's boost file says.
    init: (policy) => {
      policy.hardware = { ...capturedOf(captured, policy).hardware };
      policy.cur = boosted;
    },
    verify: (policy, wanted) => policy.verify(wanted),
    // cppc_cpufreq_set_boost(): freq_qos_update_request() on the very request of scaling_max_freq.
    setBoost: (policy, on) => {
      policy.hardware.max = on ? boosted : capturedOf(captured, policy).hardware.max;
      policy.asked.max = policy.hardware.max;
    },
  };
  return driver;
}
