// The main job on real kernels: a guest VM asks, the host VM's clock of the pinned CPU changes and no other.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { scenario } from "./scenario.ts";
import { TWO_VMS, TwoVms } from "./two-vms.ts";

scenario("chain of two VMs", TWO_VMS, (build) => {
  let vms: TwoVms;

  beforeAll(async () => {
    vms = await TwoVms.boot(build);
    // every CPU gets a clock that holds still, so that any stray write shows
    await vms.host.configure("policy0", "userspace", { setspeed: 1_600_000 });
    for (const policy of ["policy1", "policy2", "policy3"]) await vms.host.configure(policy, "performance");
    await vms.host.startPowermon("--pin vm1:0=2,1=3 --allow-query vm1");
    // connected on both ports, and somewhere in the middle, so that each first step below changes something
    await vms.scaleWhenConnected("min", 0);
    await vms.scaleWhenConnected("max", 1);
  });

  afterAll(() => vms?.end());

  // each row: unit, vCPU, the domain of the pCPU it is pinned to, the clock that domain must then have
  test.each([
    ["max", 0, "policy2", "2600000"],
    ["down", 0, "policy2", "2400000"],
    ["min", 0, "policy2", "800000"],
    ["up", 0, "policy2", "1000000"],
    ["min", 1, "policy3", "800000"],
    ["up", 1, "policy3", "1000000"],
    ["max", 1, "policy3", "2600000"],
    ["down", 1, "policy3", "2400000"],
  ] as const)(
    "scale %s of vCPU %d changes %s to %s kHz and nothing else",
    async (unit, vcpu, policy, khz) => {
      const before = await vms.host.domains();
      expect(await vms.scale(unit, vcpu)).toMatchObject({ status: 0 });
      const after = await vms.host.domains();
      expect(before[policy]?.cur).not.toBe(khz);
      expect(after[policy]).toMatchObject({ governor: "userspace", setspeed: khz, cur: khz });
      expect({ ...after, [policy]: undefined }).toEqual({ ...before, [policy]: undefined });
    },
  );

  test("freq answers with the clocks of both vCPUs", async () => {
    const answer = JSON.parse(await vms.answered("freq --vcpu all --json --timeout-ms 10000"));
    expect(answer.vcpus).toMatchObject([
      { vcpu: 0, khz: 1_000_000 },
      { vcpu: 1, khz: 2_400_000 },
    ]);
  });

  test("caps answers that neither CPU has turbo, for this kernel has no boost", async () => {
    const answer = JSON.parse(await vms.answered("caps --json --timeout-ms 10000"));
    expect(answer.vcpus).toMatchObject([
      { vcpu: 0, turbo: false },
      { vcpu: 1, turbo: false },
    ]);
  });

  test("probe says that the host answers on both ports", async () => {
    const answer = JSON.parse(await vms.answered("probe --json --timeout-ms 10000"));
    expect(answer.ports).toMatchObject([
      { number: 0, answers: true },
      { number: 1, answers: true },
    ]);
  });

  test("scale of a vCPU without a pin is refused with status 3 and changes nothing", async () => {
    await vms.host.endPowermon("TERM");
    await vms.host.startPowermon("--pin vm1:0=2");
    await vms.scaleWhenConnected("max", 0);
    const before = await vms.host.domains();
    expect(await vms.scale("min", 1)).toMatchObject({ status: 3 });
    expect(await vms.host.domains()).toEqual(before);
  });
});
