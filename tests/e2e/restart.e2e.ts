// A guest VM crashes and comes back: its claims end with it, its channels come back by themselves.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Domain } from "./domains.ts";
import { scenario } from "./scenario.ts";
import { TWO_VMS, TwoVms } from "./two-vms.ts";

scenario("guest VM killed and restarted", TWO_VMS, (build) => {
  let vms: TwoVms;
  let powermon: number;
  let original: Record<string, Domain>;

  beforeAll(async () => {
    vms = await TwoVms.boot(build);
    await vms.host.configure("policy2", "performance");
    await vms.host.configure("policy3", "userspace", { setspeed: 1_400_000 });
    original = await vms.host.domains();
    powermon = await vms.host.startPowermon("--pin vm1:0=2,1=3");
    await vms.scaleWhenConnected("min", 0);
    await vms.scaleWhenConnected("max", 1);
  });

  afterAll(() => vms?.end());

  test("its claims are withdrawn when the guest VM is killed", async () => {
    expect(await vms.host.domains()).toMatchObject({
      policy2: { cur: "800000" },
      policy3: { cur: "2600000" },
    });
    await vms.killGuest();
    const { policy2, policy3 } = await vms.host.domainsWhen(
      "the domains as before the claims",
      10_000,
      (now) => now["policy2"]?.cur === "2600000" && now["policy3"]?.cur === "1400000",
    );
    expect({ policy2, policy3 }).toEqual({ policy2: original["policy2"], policy3: original["policy3"] });
  });

  test("the same powermon serves both channels again when the guest VM is back", async () => {
    await vms.restartGuest();
    await vms.scaleWhenConnected("max", 0);
    await vms.scaleWhenConnected("min", 1);
    expect(await vms.host.domains()).toMatchObject({
      policy2: { cur: "2600000" },
      policy3: { cur: "800000" },
    });
    expect(await vms.host.powermonPid()).toBe(powermon);
  });
});
