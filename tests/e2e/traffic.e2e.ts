// An operator's TRAFFIC policy on a real host: packets on a real interface move a real clock, and so does their end.
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Domain } from "./domains.ts";
import { CHANNELS } from "./host-vm.ts";
import { bootLoneHost, LONE_HOST, type LoneHost } from "./lone-host.ts";
import { scenario } from "./scenario.ts";

const needs = { ...LONE_HOST, programs: [...LONE_HOST.programs, "ip", "socat"] } as const;
const POLICY = "/run/traffic.toml";
const TEXT = `type = "traffic"
vcpus = [0]
interfaces = ["vhost"]
medium_pps = 10
max_pps = 200
`;
/** What policy show says of it. */
const IN_FORCE = [
  { vm: "vm1", origin: "operator", inForce: true, rule: { traffic: { interfaces: ["vhost"] } } },
];
/** The clock of CPU 2 at each level: highest, the middle one, lowest, kHz. */
const CLOCKS = { max: "2600000", medium: "1600000", min: "800000" } as const;
/** A counter is looked at once a second, two looks make a rate, and the emulated CPUs share the real ones. */
const FOLLOWS_MS = 20_000;

scenario("traffic on a real host", needs, (build) => {
  let machine: LoneHost;
  let original: Record<string, Domain>;
  const sh = (command: string) => machine.host.vm.sh(command);

  /** Waits until CPU 2 has the clock of `level`, then holds that no other CPU's settings have changed. */
  async function follows(level: keyof typeof CLOCKS): Promise<void> {
    const khz = CLOCKS[level];
    let now: Record<string, Domain> = {};
    try {
      await machine.host.domainsWhen(`${khz} kHz`, FOLLOWS_MS, (domains) => {
        now = domains;
        return domains["policy2"]?.setspeed === khz;
      });
    } catch (cause) {
      throw new Error(`Now ${now["policy2"]?.setspeed} kHz; powermon says: ${await machine.host.log()}`, {
        cause,
      });
    }
    expect(now["policy2"]).toMatchObject({ governor: "userspace", setspeed: khz, cur: khz });
    expect({ ...now, policy2: undefined }).toEqual({ ...original, policy2: undefined });
  }

  /** Sends packets to the guest's end of the veth until stopped: `burst` of them, a pause of `pause` seconds, and again. */
  const startSending = (burst: number, pause: number) =>
    sh(`
      # nothing ever comes by 4: to read it is to wait
      setsid bash -c 'exec 3> /dev/udp/10.77.0.2/9 4<> <(:)
        while :; do for ((i = 0; i < ${burst}; i++)); do echo x >&3; done; read -rt ${pause} <&4 || :; done' \
        < /dev/null > /run/sender.log 2>&1 &
      echo $! > /run/sender.pid`);
  const stopSending = () => sh("kill $(cat /run/sender.pid)");

  beforeAll(async () => {
    machine = await bootLoneHost(build);
    const { host } = machine;
    // nobody answers there: a guest that sends nothing is a VM all the same
    await sh(`
      setsid socat -u UNIX-LISTEN:${CHANNELS}/vm1.0,fork /dev/null < /dev/null > /dev/null 2>&1 &
      ip netns add guest
      ip link add vhost type veth peer name vguest netns guest
      ip addr add 10.77.0.1/24 dev vhost && ip link set vhost up
      ip -n guest addr add 10.77.0.2/24 dev vguest && ip -n guest link set vguest up
      until [ -S ${CHANNELS}/vm1.0 ]; do sleep 0.05; done`);
    for (const policy of ["policy0", "policy1", "policy2", "policy3"])
      await host.configure(policy, "performance");
    await host.write(POLICY, TEXT);
    await host.startPowermon("--pin vm1:0=2");
    await host.vm.sh(`until [ -S /run/powermon-e2e/state/control.sock ]; do sleep 0.1; done`);
    original = await host.domains();
  });

  afterAll(() => machine?.end());

  test("policy set puts it in force, and an idle interface means the lowest clock", async () => {
    await machine.host.ask(`policy set vm1 --file ${POLICY}`);
    await follows("min");
    expect(JSON.parse(await machine.host.ask("policy show vm1 --json"))).toMatchObject(IN_FORCE);
  });

  test("the clock follows packets: many, few, many again, none", async () => {
    await startSending(100, 0.01);
    await follows("max");
    await stopSending();
    await startSending(4, 0.1);
    await follows("medium");
    await stopSending();
    await startSending(100, 0.01);
    await follows("max");
    await stopSending();
    await follows("min");
  });

  test("an interface that is not there is refused by its name, and the policy before stands", async () => {
    const nowhere = TEXT.replace("vhost", "vnone");
    await machine.host.write("/run/nowhere.toml", nowhere);
    await expect(machine.host.ask("policy set vm1 --file /run/nowhere.toml")).rejects.toThrow("vnone");
    expect(JSON.parse(await machine.host.ask("policy show vm1 --json"))).toMatchObject(IN_FORCE);
    await follows("min");
  });

  test("policy remove puts the machine's own settings back", async () => {
    await machine.host.ask("policy remove vm1");
    await machine.host.domainsWhen("the settings as before", 10_000, (now) => Bun.deepEquals(now, original));
  });
});
