// A machine without a host above it sets its own clocks by the guest's commands: librte_power's other environment, on a real kernel.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Domain } from "./domains.ts";
import { bootLoneHost, LONE_HOST, type LoneHost } from "./lone-host.ts";
import { DIST, scenario } from "./scenario.ts";

/** Of vmpower-guest, as docs/guest.md says. */
const ORIGINALS = "/var/lib/vmpower-guest/originals";

scenario("vmpower-guest on its own clocks", LONE_HOST, (build) => {
  let machine: LoneHost;
  let original: Record<string, Domain>;
  const domains = () => machine.host.domains();
  const ask = (words: string) => machine.host.vm.exec(`${DIST}/vmpower-guest ${words}`);
  const answer = async (words: string) =>
    JSON.parse(await machine.host.vm.sh(`${DIST}/vmpower-guest ${words} --json`));
  const saved = async () => (await machine.host.vm.sh(`ls ${ORIGINALS}`)).split("\n").filter(Boolean);

  beforeAll(async () => {
    machine = await bootLoneHost(build);
    const { host } = machine;
    // every CPU gets a clock that holds still, so that any stray write shows
    await host.configure("policy0", "userspace", { setspeed: 1_600_000 });
    await host.configure("policy1", "performance");
    await host.configure("policy2", "performance", { min: 1_000_000, max: 2_400_000 });
    await host.configure("policy3", "userspace", { setspeed: 1_400_000 });
    await host.vm.sh(`${DIST}/vmpower-guest --version`);
    original = await domains();
  });

  afterAll(() => machine?.end());

  test("probe says that the own clocks were chosen, and why", async () => {
    expect(await ask("probe")).toMatchObject({
      status: 0,
      stdout: 'Environment cpufreq: There is no poweragent port in "/dev/virtio-ports", but cpufreq.\n',
    });
    expect(await answer("probe --env cpufreq")).toEqual({
      env: "cpufreq",
      agent: false,
      why: "--env cpufreq was given.",
      ports: [],
    });
    const forced = await ask("probe --env kvm-vm");
    expect(forced.status).not.toBe(0);
    expect(forced.stdout).toStartWith("Environment kvm-vm: --env kvm-vm was given; ");
    expect(await domains()).toEqual(original);
  });

  test("freq tells what every CPU's kernel was told, and changes nothing", async () => {
    expect((await answer("freq --env cpufreq")).vcpus).toMatchObject([
      { vcpu: 0, khz: 1_600_000 },
      { vcpu: 1, khz: 2_600_000 },
      { vcpu: 2, khz: 2_400_000 },
      { vcpu: 3, khz: 1_400_000 },
    ]);
    expect(await domains()).toEqual(original);
  });

  // each row: step, CPU, the clock it must then have; CPU 2 keeps within the limits that its administrator has set
  test.each([
    ["max", 0, "2600000"],
    ["down", 0, "2400000"],
    ["min", 1, "800000"],
    ["up", 1, "1000000"],
    ["min", 2, "1000000"],
    ["max", 2, "2400000"],
  ] as const)("scale %s --vcpu %d changes that CPU to %s kHz and no other", async (step, cpu, khz) => {
    const policy = `policy${cpu}`;
    const before = await domains();
    expect(await ask(`scale ${step} --vcpu ${cpu} --env cpufreq`)).toMatchObject({
      status: 0,
      stdout: `vCPU ${cpu}: ${step} done\n`,
    });
    const after = await domains();
    expect(before[policy]?.cur).not.toBe(khz);
    expect(after[policy]).toMatchObject({ governor: "userspace", setspeed: khz, cur: khz });
    expect({ ...after, [policy]: undefined }).toEqual({ ...before, [policy]: undefined });
  });

  test("freq tells the clocks that scale has set", async () => {
    expect((await answer("freq --env cpufreq")).vcpus).toMatchObject([
      { khz: 2_400_000 },
      { khz: 1_000_000 },
      { khz: 2_400_000 },
      { khz: 1_400_000 },
    ]);
  });

  test("what was before is kept for each CPU that was changed, until release puts it back", async () => {
    expect(await saved()).toEqual(["policy0.json", "policy1.json", "policy2.json"]);
    expect(await ask("release --vcpu 1-2 --env cpufreq")).toMatchObject({ status: 0 });
    const { policy0, ...others } = await domains();
    expect(policy0).toMatchObject({ setspeed: "2400000" });
    expect<object>(others).toEqual({ ...original, policy0: undefined });
    expect(await saved()).toEqual(["policy0.json"]);
    expect(await ask("release --vcpu 0 --env cpufreq")).toMatchObject({ status: 0 });
    expect(await domains()).toEqual(original);
    expect(await saved()).toEqual([]);
  });

  test("a CPU that is not there is refused by its number, and changes nothing", async () => {
    const refused = await ask("scale max --vcpu 4 --env cpufreq");
    expect(refused.status).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain("CPU 4 has no clock that can be set");
    expect(await domains()).toEqual(original);
  });
});
