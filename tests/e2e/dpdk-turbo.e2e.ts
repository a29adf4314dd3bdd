// Whether a stock DPDK guest's MAX is turbo is as with DPDK's host: by the scaling driver, and by what the operator allows its VM.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { scenario } from "./scenario.ts";

const needs = { programs: ["gcc", "pkg-config", "socat"], dpdk: true, root: true } as const;

const ACPI = ["acpi-cpufreq-2cpu-turbo", "2601000", "2600000"] as const;
const AMD = ["4313000", "2600000"] as const;

/** Each machine, its highest frequency with turbo and without, what its MAX is for a guest that never asks for turbo, and for one that does. */
const MACHINES: Readonly<Record<string, Machine>> = {
  "acpi-cpufreq": machine(...ACPI, true, true),
  "amd-pstate": machine("amd-pstate-passive-4cpu", ...AMD, true, true),
  "amd-pstate-epp": machine("amd-pstate-epp-powersave-6.12", ...AMD, true, true),
  intel_pstate: machine("intel_pstate-active-hwp-6.12", "3700000", "2400000", false, true),
  "acpi-cpufreq, turbo = false": machine(...ACPI, false, false, "turbo = false"),
  "acpi-cpufreq, ceiling = base": machine(...ACPI, false, false, 'ceiling = "base"'),
};

interface Machine {
  readonly tree: string;
  readonly turbo: string;
  readonly base: string;
  readonly atStart: boolean;
  readonly asked: boolean;
  readonly settings: string;
}

function machine(
  tree: string,
  turbo: string,
  base: string,
  atStart: boolean,
  asked: boolean,
  settings = "",
): Machine {
  return { tree, turbo, base, atStart, asked, settings };
}

/** The numbers of a request's answer, and of its unit, in rte_power_guest_channel.h. */
const UNITS = { up: 1, down: 2, max: 3, "turbo-on": 5, "turbo-off": 6 } as const;

scenario("turbo for a stock DPDK guest", needs, () => {
  let dir: string;
  const hosts = new Map<string, OuterHost>();
  const guests = new Map<string, ForeignGuest>();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const program = join(dir, "dpdk-guest");
    await compileForeignGuest(program);
    const start = async ([name, { tree, settings }]: [string, Machine], at: number) => {
      const config = join(dir, `${at}.toml`);
      await writeFile(config, `[vm.vm1]\n${settings}\n`);
      const host = new OuterHost(tree, ["--config", config, "--pin", "vm1:0=0"]);
      hosts.set(name, host);
      const guest = new ForeignGuest(program, "vm1", 1, host.channels);
      guests.set(name, guest);
      expect(await guest.do("init 0")).toBe("0");
    };
    await Promise.all(Object.entries(MACHINES).map(start));
  });

  afterAll(async () => {
    await Promise.all([...guests.values()].map((guest) => guest.end()));
    await Promise.all([...hosts.values()].map((host) => host.end()));
    await rm(dir, { recursive: true });
  });

  test.each(Object.entries(MACHINES))("on %s", async (name, { turbo, base, atStart, asked }) => {
    const [host, guest] = [hosts.get(name)!, guests.get(name)!];
    /** What CPU 0 was told after `call`, kHz, and what was answered. */
    const after = async (call: keyof typeof UNITS) => {
      expect(await guest.do(`${call} 0`)).toBe("1");
      const said = await guest.do("read 0 packet");
      const { governor, setspeed, max } = (await host.domains())["policy0"]!;
      return [said, governor === "userspace" ? setspeed : max];
    };
    const ack = (call: keyof typeof UNITS) => `command 1 unit ${UNITS[call]} vcpu 0`;
    const [start, wanted] = [atStart ? turbo : base, asked ? turbo : base];
    expect(await after("max")).toEqual([ack("max"), start]);
    if (atStart) {
      expect(await after("down")).toEqual([ack("down"), base]);
      expect(await after("up")).toEqual([ack("up"), turbo]);
    }
    expect(await after("turbo-off")).toEqual([ack("turbo-off"), base]);
    expect(await after("up")).toEqual([ack("up"), base]);
    expect((await after("turbo-on"))[1]).toBe(wanted);
    expect(await after("max")).toEqual([ack("max"), wanted]);
  });
});
