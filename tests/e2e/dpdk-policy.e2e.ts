// Every policy that a stock DPDK guest can send, from librte_power's struct to the frequency of a machine made of files.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeBranchCounters } from "../../internal/rules/perf-events.ts";
import { pcpu } from "../../internal/values/units.ts";
import { makeNetns, type Netns, netnsLacks, sendPackets } from "../helpers/netns.ts";
import type { Domain } from "./domains.ts";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = { programs: ["gcc", "pkg-config", "socat", "ip"], dpdk: true, root: true } as const;

/** PKT_POLICY_REMOVE, ACK and NACK of rte_power_guest_channel.h. */
const REMOVE = 4;
const ACK = "command 1 unit 0 vcpu 0";
const NACK = "command 2 unit 0 vcpu 0";
/** Frequencies of the tree: the highest, which is turbo, the highest without it, the middle one, lowest. */
const [MAX, BASE, MEDIUM, MIN] = ["2601000", "2600000", "2200000", "1200000"];
const GUEST_MAC = "52:54:00:aa:bb:01";
/** An interface's counter is looked at once a second, and two looks make a rate. */
const FOLLOWS_MS = 10_000;

/** Logged once a minute for each cause: a row before has had it. */
const ONCE = "";

const noCounters = probeBranchCounters(pcpu(0));
const noNetns = netnsLacks();

scenario("a stock DPDK guest's policies", needs, () => {
  let dir: string;
  let host: OuterHost;
  let guest: ForeignGuest; // vm1: lcores 0 and 1 are pinned, 2 is not
  let original: Record<string, Domain>;

  /** Sends a policy on lcore 0 and returns its answer. */
  const send = async (words: string): Promise<string> => {
    expect(await guest.do(`policy 0 ${words}`)).toBe("0");
    return guest.do("read 0 packet");
  };
  const speeds = async () => {
    const { policy0, policy1 } = await host.domains();
    return [policy0?.setspeed, policy1?.setspeed];
  };
  /** Without setspeed, which means nothing under another governor. */
  const settings = (domains: Record<string, Domain>) =>
    Object.entries(domains).map(([name, { governor, min, max }]) => [name, governor, min, max]);
  const isOriginal = async () => Bun.deepEquals(settings(await host.domains()), settings(original));
  const remove = async () => {
    await guest.do(`send 0 ${REMOVE} 0`);
    expect(await guest.do("silent 0")).toBe("silence");
    await until("the machine's own settings", 5000, isOriginal);
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const program = join(dir, "dpdk-guest");
    await compileForeignGuest(program);
    host = new OuterHost("acpi-cpufreq-2cpu-turbo", ["--pin", "vm1:0=0,1=1"]);
    original = await host.domains();
    guest = new ForeignGuest(program, "vm1", 3, host.channels);
    expect(await guest.do("init 0")).toBe("0");
  });

  afterAll(async () => {
    await guest?.end();
    await rm(dir, { recursive: true });
    await host?.end();
  });

  test("WORKLOAD moves the vCPUs it names, each in place of the one before, until it is removed", async () => {
    expect(await send("workload level=0 vcpus=0,1")).toBe(ACK);
    expect(await speeds()).toEqual([MAX, MAX]);
    expect(await send("workload level=1 vcpus=0,1")).toBe(ACK);
    expect(await speeds()).toEqual([MEDIUM, MEDIUM]);
    expect(await send("workload level=2 vcpus=1")).toBe(ACK);
    expect((await speeds())[1]).toBe(MIN);
    expect((await host.domains())["policy0"]?.governor).toBe(original["policy0"]!.governor);
    await remove();
  });

  test("a policy's highest level is base once the guest has said DISABLE_TURBO", async () => {
    expect(await send("workload level=0 vcpus=0")).toBe(ACK);
    expect((await speeds())[0]).toBe(MAX);
    expect(await guest.do("turbo-off 0")).toBe("1");
    expect(await guest.do("read 0 packet")).toBe("command 1 unit 6 vcpu 0");
    expect((await speeds())[0]).toBe(BASE);
    expect(await send("workload level=2 vcpus=0")).toBe(ACK);
    expect(await send("workload level=0 vcpus=0")).toBe(ACK);
    expect((await speeds())[0]).toBe(BASE);
    await remove();
  });

  test("the policy that guest_cli sends by itself stands, whatever its port's MAC: its hours hold", async () => {
    const now = Number(await Bun.$`date +%H`.text());
    const here = [now, (now + 1) % 24].sort((a, b) => a - b).join(",");
    const stock = "busy=3,4,5 quiet=11,12,13 traffic=8,10 mac=52:54:00:00:00:98 vcpus=0,1";
    expect(await send(`time ${stock}`)).toBe(ACK);
    expect(
      await send(`time ${stock.replace("quiet=11,12,13", `quiet=${here}`).replace("3,4,5", here)}`),
    ).toBe(ACK);
    expect(await speeds()).toEqual([MAX, MAX]);
    expect(await host.log()).toContain("52:54:00:00:00:98");
    await remove();
  });

  test("TIME holds in the host's local hour, busy before quiet, and elsewhere leaves things as they are", async () => {
    // As the daemon sees it: the test runner has a time zone of its own. The next hour may come any moment; 0 stands first.
    const now = Number(await Bun.$`date +%H`.text());
    const here = [now, (now + 1) % 24].sort((a, b) => a - b).join(",");
    const elsewhere = `${(now + 12) % 24}`;
    expect(await send(`time busy=${here} vcpus=0`)).toBe(ACK);
    expect((await speeds())[0]).toBe(MAX);
    expect(await send(`time quiet=${here} vcpus=0`)).toBe(ACK);
    expect((await speeds())[0]).toBe(MIN);
    expect(await send(`time busy=${elsewhere} vcpus=0`)).toBe(ACK);
    expect((await speeds())[0]).toBe(MIN);
    expect(await send(`time busy=${here} quiet=${here} vcpus=0`)).toBe(ACK);
    expect((await speeds())[0]).toBe(MAX);
    await remove();
  });

  test.skipIf(noNetns !== undefined && process.env["CI"] !== "true")(
    `TRAFFIC follows what a veth in a network namespace carries, up and down${noNetns === undefined ? "" : ` (${noNetns})`}`,
    async () => {
      const [net, vm] = [await makeNetns(), await makeNetns()];
      try {
        await connect(net, vm);
        mkdirSync(join(host.sys, "class"), { recursive: true });
        symlinkSync(`${net.sys}/class/net`, join(host.sys, "class/net"));
        const follows = (khz: string, packets: number) =>
          until(`${khz} kHz at bursts of ${packets} packets`, FOLLOWS_MS, async () => {
            if (packets > 0) await net.run(sendPackets("10.77.0.2", packets));
            return (await speeds())[0] === khz;
          });
        expect(await send(`traffic mac=${GUEST_MAC} medium=100 max=200 vcpus=0`)).toBe(ACK);
        await follows(MIN, 0);
        await follows(MAX, 5000);
        await follows(MIN, 0);
        expect(await send(`traffic mac=${GUEST_MAC} medium=100 max=1000000000 vcpus=0`)).toBe(ACK);
        await follows(MEDIUM, 5000);
        await follows(MIN, 0);
        await remove();
      } finally {
        await rm(join(host.sys, "class/net"), { force: true });
        await Promise.all([net.close(), vm.close()]);
      }
    },
  );

  test(`BRANCH_RATIO is ${noCounters === undefined ? "taken" : "refused, and the log says why"} on this machine`, async () => {
    const answer = await send("branch vcpus=0");
    if (noCounters === undefined) {
      expect(answer).toBe(ACK);
      return remove();
    }
    expect(answer).toBe(NACK);
    expect(await isOriginal()).toBe(true);
    expect(await host.log()).toContain(noCounters);
  });

  test.each([
    ["a MAC that is nowhere", "traffic mac=52:54:00:00:00:99 medium=1 max=2 vcpus=0", "52:54:00:00:00:99"],
    ["a TRAFFIC policy without a MAC", "traffic medium=1 max=2 vcpus=0", "MAC"],
    ["a vCPU without a place", "workload level=0 vcpus=0,2", "vCPU 2"],
    ["no vCPU", "workload level=0", ONCE],
    ["another VM's name", "workload level=0 vcpus=0 vm=vm2", "vm2"],
    ["an hour that is none", "time busy=24 vcpus=0", "busy_hours"],
    ["a workload that is none", "workload level=3 vcpus=0", ONCE],
  ])("%s is answered NACK, changes nothing, and the log says why", async (_, words, why) => {
    expect(await send("workload level=1 vcpus=0")).toBe(ACK);
    const before = (await host.log()).length;
    expect(await send(words)).toBe(NACK);
    expect((await speeds())[0]).toBe(MEDIUM);
    await until(`the log names ${why}`, 5000, async () => (await host.log()).slice(before).includes(why));
    await remove();
  });

  test("a policy goes with its channel", async () => {
    expect(await send("workload level=0 vcpus=0,1")).toBe(ACK);
    expect(await speeds()).toEqual([MAX, MAX]);
    expect(await guest.end()).toBe(0);
    await until("the machine's own settings", 5000, isOriginal);
  });
});

/** Puts the guest's end of a veth into `vm`; the other end is a port of a bridge in `net`, which learns the guest's MAC. */
async function connect(net: Netns, vm: Netns): Promise<void> {
  await net.run(`
    ip link add br0 type bridge; ip link set br0 up; ip addr add 10.77.0.1/24 dev br0
    ip link add vhost type veth peer name vguest address ${GUEST_MAC}
    ip link set vhost master br0; ip link set vhost up
    ip link set vguest netns ${vm.pid}
  `);
  await vm.run("ip addr add 10.77.0.2/24 dev vguest; ip link set vguest up");
  await vm.run(sendPackets("10.77.0.1", 1));
}
