// A stock DPDK guest, unchanged, gets DPDK's replies and DPDK's silences from powermon.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Domain } from "./domains.ts";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = { programs: ["gcc", "pkg-config", "socat"], dpdk: true, root: true } as const;

// RTE_POWER_* of rte_power_guest_channel.h
const CONNECT = 2;
const POLICY_REMOVE = 4;
const QUERY_FREQ_LIST = 7;
const QUERY_FREQ = 8;
const QUERY_CAPS_LIST = 9;
const QUERY_CAPS = 10;
const ACK = 1;
const NACK = 2;
const FREQ_LIST = 3;
const CAPS_LIST = 4;

scenario("a stock DPDK guest", needs, () => {
  let dir: string;
  let host: OuterHost;
  let asker: ForeignGuest; // vm1, may query; lcores 0 and 1 are pinned, 2 is not
  let mute: ForeignGuest; // vm2, may not
  let original: Record<string, Domain>;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const program = join(dir, "dpdk-guest");
    await compileForeignGuest(program);
    host = new OuterHost("acpi-cpufreq-2cpu-turbo", [
      "--pin",
      "vm1:0=0,1=1",
      "--pin",
      "vm2:0=1",
      "--allow-query",
      "vm1",
    ]);
    original = await host.domains();
    asker = new ForeignGuest(program, "vm1", 3, host.channels);
    mute = new ForeignGuest(program, "vm2", 1, host.channels);
    for (const lcore of [0, 1, 2]) expect(await asker.do(`init ${lcore}`)).toBe("0");
    expect(await mute.do("init 0")).toBe("0");
  });

  afterAll(async () => {
    await Promise.all([asker?.end(), mute?.end()]);
    await rm(dir, { recursive: true });
    await host?.end();
  });

  test("CONNECT, which rte_power_init sends, is not answered", async () => {
    expect(await asker.do("silent 0")).toBe("silence");
  });

  // each row: librte_power's call, DPDK's number of the unit, the clock of CPU 0 after it
  test.each([
    ["max", 3, "2601000"],
    ["down", 2, "2600000"],
    ["down", 2, "2200000"],
    ["up", 1, "2600000"],
    ["up", 1, "2601000"],
    ["turbo-off", 6, "2600000"],
    ["up", 1, "2600000"],
    ["min", 4, "1200000"],
    ["max", 3, "2600000"],
    ["turbo-on", 5, "2601000"],
  ] as const)("rte_power_freq_%s is acknowledged and sets CPU 0 only", async (call, unit, khz) => {
    const before = await host.domains();
    expect(await asker.do(`${call} 0`)).toBe("1"); // the library's own "sent"
    expect(await asker.do("read 0 packet")).toBe(`command ${ACK} unit ${unit} vcpu 0`);
    const after = await host.domains();
    expect(after["policy0"]).toMatchObject({ governor: "userspace", setspeed: khz });
    expect(after["policy1"]).toEqual(before["policy1"]!);
  });

  test("a request for a vCPU without a pin is answered NACK and changes nothing", async () => {
    const before = await host.domains();
    expect(await asker.do("max 2")).toBe("1");
    expect(await asker.do("read 2 packet")).toBe(`command ${NACK} unit 3 vcpu 2`);
    expect(await host.domains()).toEqual(before);
  });

  test("the frequency list and one frequency are answered in kHz", async () => {
    await asker.do("max 0");
    await asker.do("read 0 packet");
    await asker.do("min 1");
    await asker.do("read 1 packet");
    await asker.do(`send 0 ${QUERY_FREQ_LIST} 0`);
    expect(await asker.do("read 0 freq")).toBe(`command ${FREQ_LIST} vm vm1 khz 2601000 1200000`);
    await asker.do(`send 1 ${QUERY_FREQ} 0`);
    expect(await asker.do("read 1 freq")).toBe(`command ${FREQ_LIST} vm vm1 khz 0 1200000`);
  });

  test("the capabilities list and one vCPU's capabilities are answered", async () => {
    await asker.do(`send 0 ${QUERY_CAPS_LIST} 0`);
    expect(await asker.do("read 0 caps")).toBe(`command ${CAPS_LIST} vm vm1 turbo 1 1 priority 0 0`);
    await asker.do(`send 0 ${QUERY_CAPS} 0`);
    expect(await asker.do("read 0 caps")).toBe(`command ${CAPS_LIST} vm vm1 turbo 1 0 priority 0 0`);
  });

  test.each([
    ["CONNECT sent again", CONNECT],
    ["PKT_POLICY_REMOVE", POLICY_REMOVE],
    ["an unknown command", 0x7777],
  ] as const)("%s is not answered, and the next request is answered as its own", async (_, command) => {
    await asker.do(`send 0 ${command} 0`);
    expect(await asker.do("silent 0")).toBe("silence");
    await asker.do("down 0");
    expect(await asker.do("read 0 packet")).toBe(`command ${ACK} unit 2 vcpu 0`);
  });

  test("commands that nobody knows cost a guest that goes on at once not one answer", async () => {
    for (const command of [5, 6, 11, 200]) {
      await asker.do(`send 0 ${command} 0`);
      await asker.do("min 0");
      expect(await asker.do("read 0 packet")).toBe(`command ${ACK} unit 4 vcpu 0`);
    }
    expect(await asker.do("silent 0")).toBe("silence");
  });

  // a request every 20 ms: such a guest never falls silent, and silence is what used to heal a stream
  test.each([5, 6, 11, 200, 0x7777])("command %d costs a busy guest no answer", async (command) => {
    expect(await asker.do(`busy 0 24 ${command} 0`)).toBe("24 sent, 24 answered, 0 torn, in order");
  });

  test.each([1, 3, 12, 16, 200, 463])(
    "%d stray bytes cost a busy guest two answers at most",
    async (bytes) => {
      expect(await asker.do(`busy 0 24 0 ${bytes}`)).toMatch(
        /^24 sent, (22|23|24) answered, [01] torn, in order$/,
      );
      expect(await asker.do("busy 0 8 0 0")).toBe("8 sent, 8 answered, 0 torn, in order");
    },
  );

  test.each([QUERY_FREQ_LIST, QUERY_FREQ, QUERY_CAPS_LIST, QUERY_CAPS])(
    "query %d of a VM that may not query is not answered, its scaling is",
    async (query) => {
      await mute.do(`send 0 ${query} 0`);
      expect(await mute.do("silent 0")).toBe("silence");
      expect(await mute.do("max 0")).toBe("1");
      expect(await mute.do("read 0 packet")).toBe(`command ${ACK} unit 3 vcpu 0`);
    },
  );

  test("the machine's own settings are back when both guests have ended", async () => {
    expect(await host.domains()).toMatchObject({
      policy0: { governor: "userspace" },
      policy1: { governor: "userspace" },
    });
    expect(await Promise.all([asker.end(), mute.end()])).toEqual([0, 0]);
    await until("the governors as before", 5000, async () => {
      const { policy0, policy1 } = await host.domains();
      return (
        policy0?.governor === original["policy0"]?.governor &&
        policy1?.governor === original["policy1"]?.governor
      );
    });
  });
});
