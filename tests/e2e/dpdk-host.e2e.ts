// vmpower-guest on a host of DPDK's: what its packets can do is done without a wait, what they can't is said, and nothing is sent that harms.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { compileForeignGuest } from "./foreign-guest.ts";
import { DIST, scenario } from "./scenario.ts";
import { until } from "./until.ts";

const needs = { programs: ["gcc", "pkg-config"], dpdk: true } as const;

/** Longer than a test may take: who waits for a host of DPDK's to speak as powermon fails here. */
const FOR_EVER_MS = 60_000;
const POLICY = "policy send --type WORKLOAD --vcpus 0,1 --workload low";

scenario("a host of DPDK's", needs, () => {
  let dir: string;
  let port: string;
  let host: Subprocess;
  const guest = async (words: string, stdin?: string) => {
    const run = Bun.spawn([join(DIST, "vmpower-guest"), ...words.split(" ")], {
      stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
      stderr: "pipe",
    });
    const [out, error, status] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { status, out, error };
  };
  /** A command through the port itself, with the patience that is usual. */
  const ask = (words: string, stdin?: string) => guest(`${words} --port ${port}`, stdin);
  /** What the host was asked since `from`. */
  const asked = async (from: number) =>
    (await Bun.file(join(dir, "asked")).text()).slice(from).trimEnd().split("\n");
  const mark = async () => (await Bun.file(join(dir, "asked")).text()).length;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    port = `unix:${dir}/port`;
    await compileForeignGuest(join(dir, "dpdk-host"), ["dpdk-host.c"]);
    const words = ["setpriv", "--pdeathsig", "KILL", join(dir, "dpdk-host"), `${dir}/port`, "ubuntu2", "2"];
    host = Bun.spawn(words, { stdout: Bun.file(join(dir, "asked")) });
    await until("the host listens", 5000, async () => (await asked(0))[0] === "listening");
  });

  afterAll(async () => {
    host?.kill();
    await host?.exited;
    await rm(dir, { recursive: true });
  });

  test("steps, frequencies, capabilities and a policy under the VM's name are done", async () => {
    const from = await mark();
    expect(await ask("scale max --vcpu 0")).toMatchObject({ status: 0, out: "vCPU 0: max done\n" });
    expect(await ask("scale down --vcpu 1")).toMatchObject({ status: 0 });
    expect((await ask("freq --vm-name ubuntu2")).out).toMatch(/0 +2600000\n1 +1100000/);
    expect((await ask("caps --vm-name ubuntu2")).out).toMatch(/0 +yes +no\n1 +yes +no/);
    expect(await ask(`${POLICY} --vm-name ubuntu2`)).toMatchObject({
      status: 0,
      out: "Policy WORKLOAD taken by the host\n",
    });
    expect(await ask("policy remove --vm-name ubuntu2")).toMatchObject({ status: 0 });
    // A command says CONNECT and its own word, and asks for nothing else.
    expect(await asked(from)).toEqual([
      ...["connect", "power 3 vcpu 0", "connect", "power 2 vcpu 1"],
      ...["connect", 'query 7 of "ubuntu2"', "connect", 'query 9 of "ubuntu2"'],
      ...["connect", 'policy 2 of "ubuntu2", 2 vcpus, busy -1 quiet -1', "connect", 'no policy of "ubuntu2"'],
    ]);
  });

  test("a policy without the VM's name, which would match all free slots there, is not sent", async () => {
    const from = await mark();
    for (const words of [POLICY, "policy remove"]) {
      expect(await ask(words)).toMatchObject({ status: 2, error: expect.stringContaining("--vm-name NAME") });
    }
    expect((await asked(from)).filter((line) => line.includes("policy"))).toEqual([]);
  });

  test("release, which DPDK's packets can't say, is not supported there", async () => {
    const done = await ask("release --vcpu 0");
    expect(done).toMatchObject({
      status: 5,
      error: expect.stringContaining("DPDK's packets can't say this"),
    });
  });

  test("guest_cli's words and start options do what they do there", async () => {
    const from = await mark();
    const steps = ["up", "down", "max", "min", "enable_turbo", "disable_turbo"];
    const lines = [
      ...steps.map((step) => `set_cpu_freq 0 ${step}`),
      ...[
        "query_cpu_freq 0",
        "query_cpu_freq all",
        "query_cpu_caps 0",
        "query_cpu_caps all",
        "send_policy now",
        "quit",
      ],
    ];
    const time = "--vm-name ubuntu2 --policy TIME --vcpu-list 0,1 --busy-hours 8-17 --quiet-hours 0-6";
    expect(await ask(`shell ${time}`, `${lines.join("\n")}\n`)).toMatchObject({ status: 0, error: "" });
    // As the guide writes it.
    const branches = "--vm-name=ubuntu --policy=BRANCH_RATIO --vcpu-list=2-4";
    expect(await ask(`shell ${branches}`, "send_policy now\n")).toMatchObject({ status: 0, error: "" });
    expect((await asked(from)).filter((line) => line !== "connect")).toEqual([
      ...[1, 2, 3, 4, 5, 6].map((unit) => `power ${unit} vcpu 0`),
      ...[7, 7, 9, 9].map((query) => `query ${query} of "ubuntu2"`),
      'policy 1 of "ubuntu2", 2 vcpus, busy 8 quiet 0',
      'policy 3 of "ubuntu", 3 vcpus, busy -1 quiet -1',
    ]);
  });

  test("an agent serves its programs at once, and learns once a connection how the host speaks", async () => {
    const socket = join(dir, "agent.sock");
    const toml = join(dir, "agent.toml");
    await writeFile(
      toml,
      `socket = "${socket}"\nport = "${port}"\nvm_name = "ubuntu2"\ntimeout_ms = ${FOR_EVER_MS}\n`,
    );
    const from = await mark();
    const agent = Bun.spawn([join(DIST, "vmpower-guest"), "agent", "--config", toml], {
      stderr: Bun.file(join(dir, "agent.log")),
    });
    try {
      await until("the agent serves", 10_000, async () =>
        (await Bun.file(join(dir, "agent.log")).text()).includes("Serving"),
      );
      const through = (words: string) => guest(`${words} --agent ${socket}`);
      expect(await through("scale max --vcpu 0")).toMatchObject({ status: 0, out: "vCPU 0: max done\n" });
      expect((await through("freq")).out).toMatch(/0 +2600000/);
      expect((await through("caps")).out).toMatch(/0 +yes/);
      expect(await through(POLICY)).toMatchObject({ status: 0 });
      // The agent knows what it claimed: what comes nearest to giving it up is the highest frequency.
      expect(await through("scale min --vcpu 0")).toMatchObject({ status: 0 });
      expect(await through("release --vcpu 0")).toMatchObject({ status: 0 });
      expect((await through("freq")).out).toMatch(/0 +2600000/);
      const said = await asked(from);
      expect(said.filter((line) => line === "connect")).toHaveLength(1);
      // HELLO, and once more a second later.
      expect(said.filter((line) => line === "unknown").length).toBeLessThanOrEqual(3);
    } finally {
      agent.kill("SIGTERM");
      expect(await agent.exited).toBe(0);
    }
  });
});
