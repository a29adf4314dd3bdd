// The agent on real virtio ports against a real cpufreq host: what programs want outlives the host's restart and the VM's pause, not the agent.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { DIST, scenario } from "./scenario.ts";
import { TWO_VMS, TwoVms } from "./two-vms.ts";
import { until } from "./until.ts";

const LEASE_S = 6;
const FALL_BACK_MS = (LEASE_S + 10) * 1000;
/** The clocks before anybody claims, kHz. */
const BEFORE = ["1400000", "1400000"] as const;
const GUEST = `${DIST}/vmpower-guest`;
const HOST = "--pin vm1:0=2,1=3 --allow-query vm1";
const CONFIG = `socket = "/run/agent.sock"\nlease_s = ${LEASE_S}\ntimeout_ms = 5000\n`;

scenario("the agent", TWO_VMS, (build) => {
  let vms: TwoVms;
  const clocks = async () => {
    const { policy2, policy3 } = await vms.host.domains();
    return [policy2?.cur, policy3?.cur];
  };
  /** Waits for the clocks of both vCPUs, undefined for any; the guest is left alone meanwhile. */
  async function clocksWhen(
    what: string,
    limitMs: number,
    wanted: readonly (string | undefined)[],
  ): Promise<void> {
    const fit = (now: readonly (string | undefined)[]) =>
      wanted.every((khz, i) => khz === undefined || khz === now[i]);
    try {
      await until(`${what}: ${wanted.join(" ")}`, limitMs, async () => fit(await clocks()));
    } catch (cause) {
      const log = await vms.guest.sh("tail -n 12 /run/agent.log");
      const now = (await clocks()).join(" ");
      throw new Error(`Now ${now}; the agent says: ${log}powermon says: ${await vms.host.log()}`, { cause });
    }
  }

  /** Starts the agent and waits until it serves. */
  async function startAgent(more = ""): Promise<void> {
    await vms.guest.sh(`
      printf '%s' '${CONFIG}${more}' > /run/agent.toml
      : > /run/agent.log
      setsid ${GUEST} agent --config /run/agent.toml --log-level debug < /dev/null >> /run/agent.log 2>&1 &
      echo $! > /run/agent.pid
      until grep -q Serving /run/agent.log; do sleep 0.1; done`);
  }

  /** Starts a program that stays connected and says `line`. */
  async function startProgram(name: string, line: object): Promise<void> {
    const said = JSON.stringify(line);
    await vms.guest.sh(`
      mkfifo /run/${name}
      setsid bash -c 'exec 9<>/run/${name}; exec socat - UNIX-CONNECT:/run/agent.sock <&9 > /run/${name}.out' &
      echo $! > /run/${name}.pid
      echo '${said}' > /run/${name}
      until [ -s /run/${name}.out ]; do sleep 0.1; done
      grep -q '"ok":true' /run/${name}.out || { cat /run/${name}.out; exit 1; }`);
  }
  const endProgram = (name: string) => vms.guest.sh(`kill $(cat /run/${name}.pid); rm /run/${name}*`);

  beforeAll(async () => {
    vms = await TwoVms.boot(build);
    for (const policy of ["policy2", "policy3"])
      await vms.host.configure(policy, "userspace", { setspeed: 1_400_000 });
    await vms.host.startPowermon(HOST);
    await startAgent();
  });

  afterAll(() => vms?.end());

  test("two programs share a port: the higher wish holds, and the other's when that program ends", async () => {
    await startProgram("one", { do: "set", vcpus: 0, khz: 1_200_000 });
    await startProgram("two", { do: "set", vcpus: 0, khz: 2_000_000 });
    expect(await clocks()).toEqual(["2000000", "1400000"]);
    await endProgram("two");
    await clocksWhen("the other program's", 5000, ["1200000", "1400000"]);
  });

  test("the one-shot command goes through the agent, and its claim stays", async () => {
    expect(await vms.ask("scale max --vcpu 1 --agent /run/agent.sock --timeout-ms 10000")).toMatchObject({
      status: 0,
      stdout: "vCPU 1: max done\n",
    });
    expect(await clocks()).toEqual(["1200000", "2600000"]);
    const freq = JSON.parse(await vms.answered("freq --agent /run/agent.sock --json --timeout-ms 10000"));
    expect(freq.vcpus).toMatchObject([{ khz: 1_200_000 }, { khz: 2_600_000 }]);
  });

  test("the host program is stopped for 10 s and started: the claims are back without anybody's help", async () => {
    await vms.host.endPowermon("TERM");
    expect(await clocks()).toEqual([...BEFORE]);
    await Bun.sleep(10_000);
    await vms.host.startPowermon(HOST);
    await clocksWhen("the claims", 30_000, ["1200000", "2600000"]);
  });

  test("the VM is paused past its lease: the clocks fall back; it goes on: the claims are back", async () => {
    await vms.qmp("stop");
    await until("the clocks as before", FALL_BACK_MS, async () => (await clocks()).join() === BEFORE.join());
    await vms.qmp("cont");
    await clocksWhen("the claims", 30_000, ["1200000", "2600000"]);
  });

  test("the agent is killed: its lease runs out and the clocks fall back", async () => {
    await vms.guest.sh("kill -KILL $(cat /run/agent.pid)");
    expect(await clocks()).toEqual(["1200000", "2600000"]);
    await clocksWhen("the clocks as before", FALL_BACK_MS, BEFORE);
  });

  test("the load governor follows a CPU burner up and down", async () => {
    await vms.guest.sh("rm -f /run/one*");
    await startAgent('[[governor]]\nvcpus = "1"\ntype = "load"\nperiod_ms = 500\nhold_ms = 1000\n');
    await vms.guest.sh("setsid taskset -c 1 bash -c 'while :; do :; done' & echo $! > /run/burner.pid");
    await clocksWhen("the burner's", 20_000, [undefined, "2600000"]);
    await vms.guest.sh("kill $(cat /run/burner.pid)");
    await clocksWhen("an idle vCPU's", 40_000, [undefined, "800000"]);
  });

  test("SIGTERM gives every claim up", async () => {
    await vms.guest.sh(
      "kill -TERM $(cat /run/agent.pid); while kill -0 $(cat /run/agent.pid) 2> /dev/null; do sleep 0.1; done",
    );
    expect(await clocks()).toEqual([...BEFORE]);
  });
});
