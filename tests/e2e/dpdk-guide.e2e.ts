// What DPDK's guide has an operator type and scripts write, beside stock DPDK guests that see what comes of it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { OuterHost } from "./outer-host.ts";
import { DIST, scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = { programs: ["gcc", "pkg-config", "socat"], dpdk: true, root: true } as const;

const QUERY_FREQ_LIST = 7;
const QUERY_FREQ = 8;
const ACK = "command 1 unit 3 vcpu 0";
const [MAX, BASE, MEDIUM, MIN] = ["2601000", "2600000", "2200000", "1200000"];

scenario("DPDK's guide", needs, () => {
  let dir: string;
  let host: OuterHost;
  let guest: ForeignGuest; // vm1
  let wide: ForeignGuest; // vm20, whose vCPUs 0 to 19 have places

  const speed = async (cpu: number) => (await host.domains())[`policy${cpu}`]?.setspeed;
  const governor = async (cpu: number) => (await host.domains())[`policy${cpu}`]?.governor;
  /** Gives lines to the host's prompt and returns its status and what it printed. */
  const prompt = async (lines: readonly string[], ...flags: readonly string[]) => {
    const stdin = new Blob([`${lines.join("\n")}\n`]);
    const run = Bun.spawn([join(DIST, "powermon"), "shell", "--socket", host.socket, ...flags], {
      stdin,
      stderr: "pipe",
    });
    const [out, error, status] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { status, said: out + error };
  };
  /** Writes an object to the FIFO of a CPU as the guide says: a program opens it, writes and closes. */
  const write = async (cpu: number, json: string) => {
    const words = ["sh", "-c", 'cat > "$1"', "sh", `${dir}/fifo/fifo${cpu}`];
    expect(await Bun.spawn(words, { stdin: new Blob([json]) }).exited).toBe(0);
  };
  const logged = (words: string) =>
    until(`the log says ${words}`, 5000, async () => (await host.log()).includes(words));

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const program = join(dir, "dpdk-guest");
    await compileForeignGuest(program);
    const pins = Array.from({ length: 20 }, (_, vcpu) => `${vcpu} = ${vcpu % 2}`).join(", ");
    const config = join(dir, "powermon.toml");
    await writeFile(
      config,
      `[pinning]\nsources = ["static"]\n[vm.vm1]\npins = { 0 = 0, 1 = 1 }\n[vm.vm20]\npins = { ${pins} }\nqueries = true\n` +
        `[fifo]\nenable = true\ndir = "${dir}/fifo"\ncpus = "0-1"\nowner = ""\ngroup = ""\n`,
    );
    host = new OuterHost("acpi-cpufreq-2cpu-turbo", ["--config", config]);
    guest = new ForeignGuest(program, "vm1", 1, host.channels);
    wide = new ForeignGuest(program, "vm20", 1, host.channels);
    for (const one of [guest, wide]) expect(await one.do("init 0")).toBe("0");
    await logged("FIFOs served");
  });

  afterAll(async () => {
    await Promise.all([guest?.end(), wide?.end()]);
    await rm(dir, { recursive: true });
    await host?.end();
  });

  test("the samples of its JSON move the core of their FIFO, until the one that destroys", async () => {
    const own = await governor(1);
    await write(
      0,
      '{"instruction": {\n"name": "ubuntu",\n"command": "power",\n"unit": "SCALE_MAX",\n"resource_id": 0\n}}\n',
    );
    await until("the instruction is done", 5000, async () => (await speed(0)) === MAX);
    const every = Array.from({ length: 24 }, (_, hour) => hour).join(", ");
    await write(
      1,
      `{"policy": {\n"name": "ubuntu",\n"command": "create",\n"policy_type": "TIME",\n"busy_hours":[ ],\n"quiet_hours":[ ${every} ],\n"core_list":[ 1 ]\n}}\n`,
    );
    await until(
      "the policy holds",
      5000,
      async () => (await governor(1)) === "userspace" && (await speed(1)) === MIN,
    );
    await write(1, '{"policy": {\n"name": "ubuntu",\n"command": "destroy",\n}}\n');
    await until("the policy is gone", 5000, async () => (await governor(1)) === own);
    expect(await speed(0)).toBe(MAX);
  });

  test("its other types, units and keys do too, in either case of letters, and without an object around them", async () => {
    for (const [json, khz] of [
      [
        '{"policy": {"command": "CREATE", "policy_type": "WORKLOAD", "workload": "MEDIUM", "core_list": [1, 10]}}',
        MEDIUM,
      ],
      ['{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "HIGH"}}', MAX],
      ['{"command": "power", "unit": "DISABLE_TURBO"}', BASE],
      ['{"instruction": {"command": "POWER", "unit": "SCALE_DOWN"}}', MEDIUM],
      ['{"instruction": {"command": "power", "unit": "SCALE_UP"}}', BASE],
      ['{"command": "power", "unit": "ENABLE_TURBO", "resource_id": 1}', MAX],
      ['{"command": "power", "unit": "SCALE_MIN"}', MIN],
    ] as const) {
      await write(1, json);
      await until(`${khz} kHz by ${json}`, 5000, async () => (await speed(1)) === khz);
    }
    await logged('CPU 10 of "core_list"');
    const mac = "de:ad:be:ef:01:01";
    await write(
      1,
      `{"policy": {"command": "create", "policy_type": "TRAFFIC", "mac_list": ["${mac}"], "avg_packet_thresh": 100000, "max_packet_thresh": 500000}}`,
    );
    // No interface of this machine has it; where one does, dpdk-policy shows what follows.
    await logged(mac);
    await write(1, '{"policy": {"command": "destroy", "core_list": [0]}}');
    await logged("write to fifo0");
    expect(await speed(1)).toBe(MIN);
  });

  test("its prompt's words do what they do there, as the guest sees it", async () => {
    const ask = async () => {
      await guest.do(`send 0 ${QUERY_FREQ_LIST} 0`);
      return guest.do("read 0 freq");
    };
    const first = [
      "add_vm vm1",
      "add_channels vm1 all",
      "set_channel_status vm1 all enabled",
      "set_query vm1 enable",
      "show_vm vm1",
    ];
    const shown = await prompt(first);
    expect(shown).toMatchObject({ status: 0, said: expect.stringContaining("vm1") });
    expect(await guest.do("max 0")).toBe("1");
    expect(await guest.do("read 0 packet")).toBe(ACK);
    expect(await ask()).toMatch(/^command 3 vm vm1 khz 2601000 \d+$/);

    expect((await prompt(["set_query vm1 disable", "set_channel_status vm1 0 disabled"])).status).toBe(0);
    await guest.do("max 0");
    expect(await guest.do("silent 0")).toBe("silence");
    expect((await prompt(["set_channel_status vm1 0 enabled"])).status).toBe(0);
    await until("the channel is back", 5000, async () => {
      await guest.do("max 0");
      return (await guest.do("silent 0")) === ACK;
    });
    await guest.do(`send 0 ${QUERY_FREQ_LIST} 0`);
    expect(await guest.do("silent 0")).toBe("silence");

    const masks = [
      "set_cpu_freq_mask 0x3 min",
      "show_cpu_freq_mask 0x3",
      "set_cpu_freq 0 up",
      "show_cpu_freq 0",
    ];
    const done = await prompt(["?", "set_pcpu vm1 0 99", ...masks], "--keep-going");
    expect(done).toMatchObject({ status: 1, said: expect.stringContaining("Line 2 failed") });
    expect([await speed(0), await speed(1)]).toEqual(["1800000", MIN]);
    expect((await prompt(["quit"])).status).toBe(0);
    await host.ask("freq", "release", "0-1");
  });

  test("a query for vCPU 12 of a VM of 20 is silence, and the log says why", async () => {
    await wide.do(`send 0 ${QUERY_FREQ} 0 12`);
    expect(await wide.do("silent 0")).toBe("silence");
    await logged('vCPU 12 of VM "vm20" is past the 8');
    await wide.do(`send 0 ${QUERY_FREQ} 0 0`);
    expect(await wide.do("read 0 freq")).toMatch(/^command 3 vm vm20 khz \d+( 0){7}$/);
  });

  test("pins of two VMs in one --pin are a usage error that shows the right form", async () => {
    const words = [join(DIST, "powermon"), "run", "--pin", "vm1:0=0,1=1,vm2:0=4", "--dir", dir];
    const { exitCode, stderr } = Bun.spawnSync(words, { timeout: 20_000 });
    expect({ exitCode, said: stderr.toString() }).toEqual({
      exitCode: 2,
      said: expect.stringMatching(/--pin .*vm2/),
    });
  });
});
