// However powermon ends, the machine gets its own settings back: by SIGTERM at once, after SIGKILL by powermon restore.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import type { Domain } from "./domains.ts";
import { scenario } from "./scenario.ts";
import { TWO_VMS, TwoVms } from "./two-vms.ts";

/** The clock of a domain under schedutil is the kernel's to choose; everything else must be as it was. */
function settings(domains: Record<string, Domain>): Record<string, Domain> {
  const settled = ([name, domain]: [string, Domain]): [string, Domain] => [
    name,
    domain.governor === "schedutil" ? { ...domain, cur: "" } : domain,
  ];
  return Object.fromEntries(Object.entries(domains).map(settled));
}

scenario("powermon ends", TWO_VMS, (build) => {
  let vms: TwoVms;
  let original: Record<string, Domain>;

  beforeAll(async () => {
    vms = await TwoVms.boot(build);
    await vms.host.configure("policy2", "schedutil", { min: 1_000_000, max: 2_400_000 });
    await vms.host.configure("policy3", "userspace", { min: 1_200_000, max: 2_000_000, setspeed: 1_400_000 });
    original = await vms.host.domains();
  });

  beforeEach(async () => {
    await vms.host.startPowermon("--pin vm1:0=2,1=3");
    await vms.scaleWhenConnected("min", 0);
    await vms.scaleWhenConnected("max", 1);
    const changed = settings(await vms.host.domains());
    expect(changed["policy2"]).not.toEqual(settings(original)["policy2"]);
    expect(changed["policy3"]).not.toEqual(settings(original)["policy3"]);
  });

  afterAll(() => vms?.end());

  test("powermon restore brings the originals back when powermon was killed", async () => {
    expect(await vms.host.endPowermon("KILL")).toMatchObject({ status: 137 });
    expect(settings(await vms.host.domains())).not.toEqual(settings(original));
    await vms.host.restore();
    expect(settings(await vms.host.domains())).toEqual(settings(original));
  });

  test("a powermon started after a crash still knows the originals", async () => {
    await vms.host.endPowermon("KILL");
    await vms.host.startPowermon("--pin vm1:0=2,1=3");
    await vms.scaleWhenConnected("max", 0);
    expect(await vms.host.endPowermon("TERM")).toMatchObject({ status: 0 });
    expect(settings(await vms.host.domains())).toEqual(settings(original));
  });

  test("SIGTERM ends powermon with status 0 in under a second and brings the originals back", async () => {
    const { status, ms } = await vms.host.endPowermon("TERM");
    expect(status).toBe(0);
    // A machine so slow that a start and end of the program alone take a fifth of that has more.
    expect(ms).toBeLessThan(Math.max(1000, 5 * (await vms.host.startAndEndMs())));
    expect(settings(await vms.host.domains())).toEqual(settings(original));
  });
});
