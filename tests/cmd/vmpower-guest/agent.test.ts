// The commands through a running agent against a whole host, as a person would use them: both ways must print the same.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { connectAgent } from "../../../internal/guest/agent/local-client.ts";
import { RequestDecoder } from "../../../internal/packet/request.ts";
import { extensionAnswer, fakeHost } from "../../guest/fake-host.ts";
import { World } from "../../guest/agent/world.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { until } from "../../helpers/until.ts";
import { MAIN, run } from "./run.ts";

/** A polling program whose lcore 0 works as many of 1000 cycles as a file says. */
const POLLING = `
import json, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); server.bind(sys.argv[1]); server.listen()
print("listening", flush=True)
client, _ = server.accept()
client.send(b'{"version": "DPDK 24.11.0"}')
total = busy = 0
while client.recv(1024):
    total += 1000; busy += int(open(sys.argv[2]).read() or 0)
    usage = {"lcore_ids": [0], "total_cycles": [total], "busy_cycles": [busy]}
    client.send(json.dumps({"/eal/lcore/usage": usage}).encode())
`;

interface Running {
  readonly world: World;
  readonly socket: string;
  readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">;
}

/** Runs the agent from its source beside a host, and ends it after `use`. */
async function withAgent(
  use: (running: Running) => Promise<void>,
  more = "",
  settings: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  using world = new World();
  await world.startHost();
  const socket = `${world.tree.root}/agent.sock`;
  const config = `${world.tree.root}/agent.toml`;
  const toml = Object.entries({ port: world.port, socket, timeout_ms: 2000, ...settings });
  const lines = toml.map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  await Bun.write(config, lines.join("") + more);
  const child = Bun.spawn(
    [process.execPath, MAIN, "agent", "--config", config, "--proc-root", world.tree.proc],
    {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  let log = "";
  void (async () => {
    for await (const bytes of child.stderr) log += new TextDecoder().decode(bytes);
  })();
  try {
    await until("the agent serves", () => log.includes("Serving"), 10_000);
    await use({ world, socket, child });
  } finally {
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  }
}

test("scale, freq, caps and release print through the agent what they print through the port", async () => {
  using world = new World();
  await world.startHost();
  const all = [
    ["scale", "min", "--vcpu", "0"],
    ["scale", "up", "--vcpu", "0,1", "--json"],
    ["freq"],
    ["freq", "--vcpu", "1,7", "--json"],
    ["caps"],
    ["scale", "up", "--vcpu", "5"],
    ["release", "--vcpu", "0-1"],
  ];
  const direct: Awaited<ReturnType<typeof run>>[] = [];
  for (const words of all) direct.push(await run(...words, "--port", world.port, "--timeout-ms", "2000"));
  await withAgent(async ({ world: other, socket }) => {
    for (const [i, words] of all.entries()) {
      const through = await run(...words, "--agent", socket, "--timeout-ms", "2000");
      const { status, out, err } = direct[i] ?? through;
      const here = (text: string) => text.replaceAll(world.port, other.port);
      expect({ words, status: through.status, out: through.out }).toEqual({ words, status, out: here(out) });
      expect(through.err).toBe(here(err));
    }
  });
});

test("a command's claim stays, a program's ends with its connection, and SIGTERM ends all", async () => {
  await withAgent(async ({ world, socket, child }) => {
    const program = await connectAgent(socket);
    expect(await program?.ask({ id: 1, do: "set", vcpus: [0], khz: 2_200_000 })).toMatchObject({
      value: { id: 1, ok: true, vcpus: [{ vcpu: 0, outcome: "done" }] },
    });
    await run("scale", "min", "--vcpu", "0", "--agent", socket);
    expect(world.speed(2)).toBe(2_200_000);
    const status = await program?.ask({ do: "status" });
    expect(status).toMatchObject({
      value: {
        ports: [{ speech: "extension", leaseS: 10, frequenciesKnown: true }],
        claims: [{ vcpu: 0, by: [{ program: "connection 1" }, { program: "kept" }] }],
      },
    });
    expect(await program?.ask({ do: "state", vcpus: 0 })).toMatchObject({
      value: { vcpus: [{ wishKhz: 2_200_000, decidedBy: "this-vcpu", otherVms: 0 }] },
    });
    expect(await program?.ask({ do: "freqs", vcpus: 0 })).toMatchObject({
      value: { vcpus: [{ nominal: 2_600_000, khz: { length: 10 } }] },
    });
    program?.close();
    await until("the program's claim has ended", () => world.speed(2) === 800_000);
    child.kill("SIGTERM");
    await child.exited;
    expect(world.speed(2)).toBe(0);
  });
});

test("--timeout-ms is handed on to the agent, whose own timeout_ms holds without it", async () => {
  // It greets, and then says nothing any more.
  using host = fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (request.kind === "extension" && request.ask.do === "hello")
      send(extensionAnswer(frame, { do: "hello", version: 1, leaseS: 0, vcpus: 1 }));
  });
  const silent = { port: host.port, timeout_ms: 50, lease_s: 0 };
  await withAgent(
    async ({ socket }) => {
      for (const words of [
        ["scale", "up", "--vcpu", "0"],
        ["freq"],
        ["policy", "send", "--type", "WORKLOAD", "--workload", "high", "--vcpus", "0"],
      ]) {
        const { err } = await run(...words, "--agent", socket, "--timeout-ms", "30");
        expect(err).toContain("within 30 ms");
        expect((await run(...words, "--agent", socket)).err).toContain("within 50 ms");
      }
      // The port can be used, and nobody answers there: that is what probe is asked for.
      const probed = await run("probe", "--agent", socket, "--timeout-ms", "30");
      expect(probed.status).toBe(4);
      expect(probed.out).toMatch(/ {2}yes {3}no\nThe host did not answer the query .* within 30 ms/);
    },
    "",
    silent,
  );
});

test("probe through the agent says whether a host answers now", async () => {
  const use = async ({ world, socket }: Running) => {
    const probe = (ms: string) => run("probe", "--agent", socket, "--timeout-ms", ms);
    const there = await probe("2000");
    expect({ status: there.status, end: there.out.slice(-9) }).toEqual({ status: 0, end: "yes   yes" });
    world.stopHost();
    const gone = await probe("200");
    expect(gone.status).toBe(4);
    expect(gone.out).toMatch(/ {2}yes {3}no\nThe host did not answer/);
  };
  await withAgent(use, "", { timeout_ms: 300 });
});

test("probe tells a host that refuses queries, and its reason, from one that is silent", async () => {
  using world = new World({ queries: false });
  await world.startHost();
  const { status, out } = await run("probe", "--port", world.port, "--timeout-ms", "200");
  expect(status).toBe(3);
  expect(out).toMatch(/yes {3}yes\nThe host refused the query on .*: This VM may not query/);
});

test("a line may name as many vCPUs as a VM can have, and no more", async () => {
  await withAgent(async ({ socket }) => {
    const program = await connectAgent(socket);
    const said = await program?.ask({ id: 1, do: "set", vcpus: "0-8191", khz: 2_200_000 });
    expect(said).toMatchObject({ value: { id: 1, ok: false, outcome: "bad-request" } });
    expect(JSON.stringify(said)).toContain("names 8192 vCPUs; for this VM a line may name ");
    expect(await program?.ask({ do: "state", vcpus: "0-63" })).toMatchObject({
      value: { vcpus: { length: 64 } },
    });
    program?.close();
  });
});

test("an agent whose host answers nonsense and hangs up tries it now and then, and ends when told", async () => {
  using world = new World();
  const config = `${world.tree.root}/agent.toml`;
  let met = 0;
  const path = `${world.tree.root}/port`;
  const host = Bun.listen({
    unix: path,
    socket: {
      open(socket) {
        met++;
        socket.end(new Uint8Array(464).fill(0xff));
      },
      data() {},
    },
  });
  await Bun.write(config, `port = "unix:${path}"\nsocket = "${world.tree.root}/agent.sock"\n`);
  const child = Bun.spawn([process.execPath, MAIN, "agent", "--config", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    await until("it has met the host twice", () => met >= 2, 10_000);
    child.kill("SIGTERM");
    await until("it has ended", () => child.exitCode !== null);
    expect(child.exitCode).toBe(0);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    host.stop(true);
  }
});

test("a policy is refused or taken as the host says, and its removal is answered", async () => {
  await withAgent(async ({ socket }) => {
    const send = await run(
      ..."policy send --type WORKLOAD --vcpus 0 --workload low --agent".split(" "),
      socket,
    );
    expect([0, 3]).toContain(send.status);
    const remove = await run("policy", "remove", "--agent", socket, "--json");
    expect(JSON.parse(remove.out)).toMatchObject({ outcome: "done", message: null });
  });
});

test("the load governor follows /proc/stat up at once and down after its hold", async () => {
  const more = '[[governor]]\nvcpus = "0"\ntype = "load"\nperiod_ms = 50\nhold_ms = 100\n';
  await withAgent(async ({ world }) => {
    let [user, idle] = [0, 0];
    const tick = (busy: number) => {
      user += busy;
      idle += 20 - busy;
      return Bun.write(`${world.tree.proc}/stat`, `cpu  0\ncpu0 ${user} 0 0 ${idle} 0 0 0 0 0 0\nintr 1\n`);
    };
    await until("it goes up", async () => (await tick(20), world.speed(2) === 2_600_000));
    await until("it goes down", async () => (await tick(2), world.speed(2) === 800_000));
    await until("it goes up again", async () => (await tick(20), world.speed(2) === 2_600_000));
  }, more);
});

testNeeding(["python3"], "the busy governor follows what a polling program says of its cycles", async () => {
  const dir = mkdtempSync(`${tmpdir()}/dpdk-`);
  mkdirSync(`${dir}/rte`);
  const share = `${dir}/share`;
  await Bun.write(share, "0");
  const program = Bun.spawn(["python3", "-c", POLLING, `${dir}/rte/dpdk_telemetry.v2`, share], {
    stdout: "pipe",
  });
  await program.stdout.getReader().read();
  const more = `telemetry_dir = "${dir}"\n[[governor]]\nvcpus = "0"\ntype = "busy"\nperiod_ms = 50\nhold_ms = 100\n`;
  await withAgent(async ({ world }) => {
    await Bun.write(share, "1000");
    await until("it goes up", () => world.speed(2) === 2_600_000);
    await Bun.write(share, "10");
    await until("it goes down", () => world.speed(2) === 800_000);
  }, more);
  program.kill("SIGKILL");
  await program.exited;
  rmSync(dir, { recursive: true });
});

test.each([
  ["vm_nam = 1", ":1: vm_nam is not a key"],
  ["lease_s = 9999", ":1: lease_s is 9999. Write seconds"],
  ['[[governor]]\nvcpus = "x"\ntype = "load"', "governor.0.vcpus"],
  ['[[governor]]\nvcpus = "0"\ntype = "load"\ndown_percent = 90', "down_percent lower than up_percent"],
  ['[[governor]]\nvcpus = "0-1"\ntype = "none"\n[[governor]]\nvcpus = "1"\ntype = "load"', "names 1 twice"],
])("an agent told %p ends with 2 and says where", async (toml, words) => {
  using world = new World();
  const config = `${world.tree.root}/agent.toml`;
  await Bun.write(config, toml);
  const { status, err } = await run("agent", "--config", config);
  expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining(words) });
});

test("a program that listens is told of the host's sleep between its answers, and no other is", async () => {
  await withAgent(async ({ world, socket }) => {
    const said = ["", ""];
    const [listener, other] = await Promise.all(
      said.map((_, i) =>
        Bun.connect({
          unix: socket,
          socket: { data: (_socket, bytes) => void (said[i] += bytes.toString()) },
        }),
      ),
    );
    listener?.write('{"id":1,"do":"listen"}\n');
    await until("it is heard", () => said[0] !== "");
    world.host.channels.notice({ do: "host-sleeps", wakeS: 0 });
    world.host.channels.notice({ do: "host-awake", sleptS: 60 });
    await until("both came", () => said[0]?.includes("host-awake") === true);
    listener?.write('{"do":"listen","vcpus":0}\n');
    await until("an answer came", () => said[0]?.includes("unknown") === true);
    const lines = (said[0] ?? "")
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([
      { id: 1, ok: true, outcome: "done", message: null },
      { event: "host-sleeps", until: null },
      { event: "host-awake", sleptS: 60 },
      expect.objectContaining({ ok: false, outcome: "bad-request" }),
    ]);
    expect(said[1]).toBe("");
    for (const program of [listener, other]) program?.end();
  });
});
