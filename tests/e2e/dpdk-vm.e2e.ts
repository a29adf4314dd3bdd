// Stock DPDK guests never read their acknowledgements: on a real virtio port these pile up and must cost powermon nothing.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileForeignGuest, foreignGuestWords } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { DIST, scenario } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

/** More than the guest's queue and every buffer on the way hold. */
const REQUESTS = 2000;
/** Of rte_power_guest_channel.h. */
const ACK = 1;
const SOCKET = "/run/agent.sock";
const needs = {
  programs: ["qemu-system-x86_64", "busybox", "xz", "socat", "gcc", "pkg-config"],
  lab: true,
  dpdk: true,
} as const;

const scale = (step: string, vcpu: number, more = "") =>
  `${DIST}/vmpower-guest scale ${step} --vcpu ${vcpu} --timeout-ms 10000 ${more}`;

scenario("a stock DPDK guest in a VM", needs, (build) => {
  let dir: string;
  let host: OuterHost;
  let guest: Vm;

  /** Gives the dpdk-guest that runs in the VM one command and returns its answer without the mark. */
  const dpdk = (command: string) =>
    guest.sh(`
      count() { grep -c '^= ' /run/dpdk.out || :; }
      before=$(count)
      echo '${command}' > /run/dpdk.in
      until [ "$(count)" -gt "$before" ]; do sleep 0.05; done
      grep '^= ' /run/dpdk.out | tail -n 1 | cut -c 3- | tr -d '\\n'`);
  /** What the agent says of its ports, by number. */
  const agentPorts = async (): Promise<{ outcome: string; speech: string | null }[]> =>
    JSON.parse(await guest.sh(`socat -t 5 - UNIX-CONNECT:${SOCKET} <<< '{"do":"status"}'`)).ports;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    await compileForeignGuest(join(dir, "dpdk-guest"));
    host = new OuterHost("acpi-cpufreq-4cpu-independent", ["--pin", "vm1:0=2,1=3"]);
    guest = await bootVm({ kind: "guest", name: "vm1", ports: 2, build, dir: host.channels });
  });

  afterAll(async () => {
    await guest?.kill();
    await rm(dir, { recursive: true });
    await host?.end();
  });

  test(`${REQUESTS} requests whose answers nobody reads are all taken, and the last one holds`, async () => {
    const words = foreignGuestWords("vm1", 1).join(" ");
    const steps = `init 0\nflood 0 ${REQUESTS}\nread 0 packet\nmin 0`;
    const said = await guest.sh(`${dir}/dpdk-guest ${words} <<< '${steps}'`, 90);
    const answers = said.split("\n").filter((line) => line.startsWith("= "));
    expect(answers).toEqual(["= 0", "= done", "= command 1 unit 4 vcpu 0", "= 1"]);
    expect(await host.domains()).toMatchObject({ policy2: { setspeed: "800000" } });
  });

  test("vmpower-guest on the same port is answered as itself, not with what piled up", async () => {
    for (const [unit, khz] of [
      ["up", "1000000"],
      ["max", "2600000"],
      ["down", "2400000"],
    ] as const) {
      await guest.sh(scale(unit, 0));
      expect(await host.domains()).toMatchObject({ policy2: { setspeed: khz } });
    }
  });

  test("librte_power on one port and our agent on the other: each is served as its own", async () => {
    await guest.sh(`
      mkfifo /run/dpdk.in
      setsid bash -c 'exec 9<> /run/dpdk.in; exec ${dir}/dpdk-guest ${foreignGuestWords("vm1", 1).join(" ")} <&9' \
        > /run/dpdk.out 2> /run/dpdk.err < /dev/null &
      echo $! > /run/dpdk.pid`);
    expect(await dpdk("init 0")).toBe("0");

    // the agent tries every port, and gets those that are free
    await guest.sh(`
      printf 'socket = "${SOCKET}"\ntimeout_ms = 5000\n' > /run/agent.toml
      setsid ${DIST}/vmpower-guest agent --config /run/agent.toml < /dev/null > /run/agent.log 2>&1 &
      echo $! > /run/agent.pid`);
    await until("the agent on port 1 alone", 30_000, async () => {
      const [zero, one] = await agentPorts();
      return zero?.outcome === "busy" && one?.outcome === "done" && one.speech === "extension";
    });

    for (const [call, unit, mine, step, its] of [
      ["max", 3, "2600000", "min", "800000"],
      ["down", 2, "2400000", "up", "1000000"],
      ["min", 4, "800000", "max", "2600000"],
    ] as const) {
      expect(await dpdk(`${call} 0`)).toBe("1");
      expect(await dpdk("read 0 packet")).toBe(`command ${ACK} unit ${unit} vcpu 0`);
      expect(await guest.sh(scale(step, 1, `--agent ${SOCKET}`))).toBe(`vCPU 1: ${step} done\n`);
      expect(await host.domains()).toMatchObject({ policy2: { setspeed: mine }, policy3: { setspeed: its } });
      // what the agent and the host tell each other (HELLO, claims, heartbeats) stays on its own port
      expect(await dpdk("silent 0")).toBe("silence");
    }
    expect((await agentPorts()).map(({ outcome }) => outcome)).toEqual(["busy", "done"]);
  });

  test("a port is the agent's once librte_power has let it go", async () => {
    await guest.sh("kill $(cat /run/dpdk.pid)");
    await until("the agent on both ports", 60_000, async () =>
      (await agentPorts()).every(({ outcome, speech }) => outcome === "done" && speech === "extension"),
    );
    expect(await guest.sh(scale("max", 0, `--agent ${SOCKET}`))).toBe("vCPU 0: max done\n");
    expect(await host.domains()).toMatchObject({ policy2: { setspeed: "2600000" } });
  });
});
