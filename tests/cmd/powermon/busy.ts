// A host that has something to show: two VMs with wishes, limits, a refusal and policies, behind a control server.

import { encodeRequest } from "../../../internal/packet/request.ts";
import { SAYS, serve } from "../../control/serve.ts";
import { ask, frame } from "../../helpers/lab.ts";

/** vm1 has claims on CPUs 2 and 3 within its ceiling, and asked for a vCPU it has not; vm2 has no place, and an operator's policy beside its own. */
export async function busy() {
  const it = await serve({
    guests: ["vm1.0", "vm1.1", "vm2.0"],
    says: {
      ...SAYS,
      limits: { "2": { ceiling: 2_500_000 } },
      vm: { vm1: { ...SAYS.vm.vm1, ceiling: 2_400_000 }, vm2: { policy: NIGHT } },
    },
  });
  const [vm1] = it.guests;
  if (vm1 === undefined) throw new Error("vm1 is not there");
  await ask(vm1, frame({ step: "min", vcpu: 1 }));
  await ask(vm1, frame({ step: "max", vmName: "vm2" }));
  await ask(
    vm1,
    encodeRequest({ kind: "policy", vcpu: 0, vmName: "", physical: false, policy: TRAFFIC }, "18.11"),
  );
  const set = it.asks.setPolicy({
    vm: "vm1",
    policy: { type: "workload", workload: "low", vcpus: [1] },
    save: false,
  });
  if (!set.ok) throw new Error(set.error.message);
  await ask(vm1, frame({ step: "max" }));
  return it;
}

const NIGHT = {
  type: "time",
  timezone: "UTC",
  turbo: true,
  windows: [{ from: "22:00", to: "06:00", level: "min" }],
};

const TRAFFIC = {
  type: "workload",
  vcpus: [0],
  macs: [],
  traffic: { min: 0, avg: 0, max: 0 },
  busyHours: [],
  quietHours: [],
  trafficHours: [],
  workload: "high",
  turbo: false,
} as const;
