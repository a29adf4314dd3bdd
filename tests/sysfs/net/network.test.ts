// MAC to interface on real interfaces, in a namespace of the test's own, with packets sent through them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { PacketCounter } from "../../../internal/sysfs/net/counters.ts";
import { type Network, readNetwork } from "../../../internal/sysfs/net/network.ts";
import { makeNetns, type Netns, netnsLacks, sendPackets } from "../../helpers/netns.ts";
import { until } from "../../helpers/until.ts";
import { error, value } from "../machine.ts";

const LACKS = netnsLacks();
const GUEST = "52:54:00:aa:bb:01";

describe.skipIf(LACKS !== undefined)(
  `Network on real interfaces${LACKS === undefined ? "" : ` (${LACKS})`}`,
  () => {
    let netns: Netns;
    let guest: Netns;
    let beyond: Netns;
    const now = (): Network => value(readNetwork(netns.sys));
    const received = (mac: string) => {
      const found = now().byMac(mac);
      return found === undefined ? undefined : `${found.interface} ${found.counter}`;
    };

    beforeAll(async () => {
      netns = await makeNetns();
      guest = await makeNetns();
      beyond = await makeNetns();
      // A guest behind a veth on a bridge, a libvirt tap, a plain tap, a macvtap on the bridge's other port, and an uplink.
      await netns.run(`
      ip link add br0 type bridge
      ip link add vhost type veth peer name vguest address ${GUEST}
      ip link set vhost master br0; ip link set vhost up; ip link set br0 up
      ip tuntap add dev vnet0 mode tap; ip link set vnet0 address fe:54:00:aa:bb:02
      ip tuntap add dev vnet1 mode tap; ip link set vnet1 address fa:54:00:aa:bb:04
      ip tuntap add dev tap7 mode tap; ip link set tap7 address 52:54:00:aa:bb:05
      ip link add low type veth peer name lower
      ip link add mv0 link low address 52:54:00:aa:bb:03 type macvtap mode bridge
      ip link add uplink type veth peer name far
      ip addr add 10.78.0.1/24 dev uplink
      ip link add vx type vxlan id 7 dev uplink remote 10.78.0.2 dstport 4789
      ip link set vx master br0
      for i in uplink vx low mv0; do ip link set $i up; done
      ip addr add 10.77.0.1/24 dev br0
      ip link set vguest netns ${guest.pid}
      ip link set far netns ${beyond.pid}
    `);
      await guest.run("ip addr add 10.77.0.2/24 dev vguest; ip link set vguest up");
      await beyond.run(`
      ip addr add 10.78.0.2/24 dev far; ip link set far up
      ip link add vx address 52:54:00:aa:bb:06 type vxlan id 7 dev far remote 10.78.0.1 dstport 4789
      ip link set vx up; ip addr add 10.77.0.6/24 dev vx
    `);
    });
    afterAll(async () => {
      for (const one of [netns, guest, beyond]) await one.close();
    });

    test("byMac() finds libvirt's tap by the guest's MAC and counts what the tap sends", () => {
      expect(received("52:54:00:aa:bb:02")).toBe("vnet0 tx_packets");
      expect(received("52:54:00:aa:bb:04")).toBe("vnet1 tx_packets");
    });

    test("byMac() finds a tap that has the MAC itself and counts what it sends", () => {
      expect(received("52:54:00:aa:bb:05")).toBe("tap7 tx_packets");
    });

    test("byMac() finds a macvtap and counts what it receives", () => {
      expect(received("52:54:00:aa:bb:03")).toBe("mv0 rx_packets");
    });

    test("byMac() finds a guest by the bridge's table once it has spoken, and counts the packets sent to it", async () => {
      await guest.run(sendPackets("10.77.0.1", 1));
      await until("the bridge has learned the guest", () => received(GUEST) !== undefined);
      expect(received(GUEST)).toBe("vhost tx_packets");
      const counter = new PacketCounter(now().byMac(GUEST)?.path ?? "");
      const before = value(counter.read());
      await netns.run(sendPackets("10.77.0.2", 200));
      await until("the guest has 200 packets more", () => value(counter.read()) - before >= 200);
      expect(value(counter.read()) - before).toBeLessThan(220);
      counter.close();
    });

    test("byMac() does not take a host beyond an uplink for a guest", async () => {
      await beyond.run(sendPackets("10.77.0.1", 1));
      await until("the bridge has learned the neighbour", async () =>
        (await netns.run("bridge fdb show br br0")).includes("52:54:00:aa:bb:06 dev vx"),
      );
      expect(received("52:54:00:aa:bb:06")).toBeUndefined();
    });

    test("byMac() finds nothing for a MAC that is nowhere, and not the bridge for its own", async () => {
      expect(received("52:54:00:00:00:99")).toBeUndefined();
      await netns.run("ip link set br0 address 52:54:00:aa:bb:07");
      expect(received("52:54:00:aa:bb:07")).toBeUndefined();
    });

    test("byName() counts what the guest at the other end receives", () => {
      const name = (of: string) => now().byName(of)?.counter;
      expect([name("vhost"), name("vnet0"), name("mv0"), name("vx"), name("br0"), name("nope")]).toEqual([
        "tx_packets",
        "tx_packets",
        "rx_packets",
        "rx_packets",
        "rx_packets",
        undefined,
      ]);
    });

    test("PacketCounter says so when its interface is gone", async () => {
      await netns.run("ip tuntap add dev brief mode tap");
      const counter = new PacketCounter(now().byName("brief")?.path ?? "");
      expect(value(counter.read())).toBe(0);
      await netns.run("ip link del brief");
      expect(["ENODEV", "ENOENT", "EINVAL"]).toContain(error(counter.read()).code);
      expect(error(counter.read()).code).toBe("ENOENT");
    });
  },
);
