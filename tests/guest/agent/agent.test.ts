// The agent against a whole host: what programs want stands as long as they and the agent do, whatever happens to the host.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../../../internal/guest/agent/agent.ts";
import { Book } from "../../../internal/guest/agent/book.ts";
import { Line } from "../../../internal/guest/agent/line.ts";
import { listPorts, portPath } from "../../../internal/guest/port.ts";
import { Pulse } from "../../../internal/guest/pulse.ts";
import { RequestDecoder } from "../../../internal/packet/request.ts";
import { Log } from "../../../internal/log.ts";
import type { ExtensionAnswer } from "../../../internal/values/extension.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import { until } from "../../helpers/until.ts";
import { answer, extensionAnswer, fakeHost } from "../fake-host.ts";
import { QUIET, World } from "./world.ts";

const A = { name: "a", lastResort: false };
const B = { name: "b", lastResort: false };
const GOVERNOR = { name: "governor", lastResort: true };
const DONE = { ok: true };

async function withAgent(
  use: (world: World, agent: Agent) => Promise<void>,
  options: Parameters<World["agent"]>[0] = {},
): Promise<void> {
  using world = new World();
  await world.startHost();
  const agent = world.agent(options);
  await agent.start();
  try {
    await use(world, agent);
  } finally {
    await agent.stop();
  }
}

test("the highest wish of two programs holds, and the other's when it ends", async () => {
  await withAgent(async (world, agent) => {
    expect(world.speed(2)).toBe(0);
    expect(await agent.scale(A, 0, "min")).toMatchObject(DONE);
    expect(world.speed(2)).toBe(800_000);
    expect(await agent.set(B, 0, 1_900_000, false)).toMatchObject(DONE);
    expect(world.speed(2)).toBe(2_000_000);
    expect(await agent.scale(A, 0, "up")).toMatchObject(DONE);
    expect(world.speed(2)).toBe(2_000_000);
    expect(await agent.release(B, [0])).toMatchObject(DONE);
    expect(world.speed(2)).toBe(1_000_000);
    expect(await agent.release(A, [0, 1, 2])).toMatchObject(DONE);
    expect(world.speed(2)).toBe(0);
  });
});

test("where the host starts with turbo the agent does, and no step of one program is lost to another's", async () => {
  using world = new World({ queries: true }, "amd-pstate-passive-4cpu");
  await world.startHost();
  const agent = world.agent();
  await agent.start();
  const walk = async (holder: typeof A, ...steps: readonly Step[]) => {
    for (const step of steps) expect(await agent.scale(holder, 0, step)).toMatchObject(DONE);
    return world.speed(2);
  };
  expect(await walk(A, "max")).toBe(4_313_000);
  expect(await walk(A, "down")).toBe(2_600_000);
  expect(await walk(A, "down")).toBe(2_500_000);
  expect(await walk(A, "turbo-off", "max", "up")).toBe(2_600_000);
  // Another program's vCPU has its turbo, and A's has none when it is alone again.
  expect(await walk(B, "up")).toBe(4_313_000);
  expect(await agent.release(B, [0])).toMatchObject(DONE);
  expect(await walk(A, "up")).toBe(2_600_000);
  expect(await agent.set(A, 0, 2_000_000, true)).toMatchObject(DONE);
  expect(await walk(A, "max")).toBe(4_313_000);
  await agent.stop();
});

test("a VM that may not use turbo is served by its agent without, also where the host starts with it", async () => {
  using world = new World({ queries: true, turbo: false }, "amd-pstate-passive-4cpu");
  await world.startHost();
  const agent = world.agent();
  await agent.start();
  expect(await agent.scale(A, 0, "max")).toMatchObject(DONE);
  expect(await agent.set(B, 0, 9_000_000, false)).toMatchObject(DONE);
  expect(world.speed(2)).toBe(2_600_000);
  expect(await agent.set(B, 0, 9_000_000, true)).toMatchObject({ error: { kind: "refused" } });
  await agent.stop();
});

test("the governor's wish counts only where no program has one", async () => {
  await withAgent(async (world, agent) => {
    await agent.scale(GOVERNOR, 0, "max");
    expect(world.speed(2)).toBe(2_600_000);
    await agent.scale(A, 0, "min");
    expect(world.speed(2)).toBe(800_000);
    await agent.nudge(GOVERNOR, 0, "down");
    await agent.release(A, [0]);
    expect(world.speed(2)).toBe(2_400_000);
  });
});

test("a refusal has the host's sentence and leaves what stood", async () => {
  using world = new World({ queries: true, turbo: false });
  await world.startHost();
  const agent = world.agent();
  await agent.start();
  await agent.scale(A, 0, "min");
  expect(await agent.scale(A, 0, "turbo-on")).toMatchObject({
    error: { kind: "refused", text: expect.stringContaining("may not use turbo") },
  });
  expect(await agent.scale(A, 0, "up")).toMatchObject(DONE);
  expect(world.speed(2)).toBe(1_000_000);
  expect(await agent.scale(A, 7, "up")).toMatchObject({ error: { kind: "refused", vcpu: 7 } });
  await agent.stop();
});

test("claims are made again on a host that was started anew, and nothing is claimed that was given up meanwhile", async () => {
  await withAgent(
    async (world, agent) => {
      await agent.scale(A, 0, "min");
      await agent.scale(B, 1, "min");
      world.stopHost();
      await agent.release(B, [1]);
      expect([world.speed(2), world.speed(3)]).toEqual([0, 0]);
      await world.startHost();
      await until("the claim is back", () => world.speed(2) === 800_000);
      expect(world.speed(3)).toBe(0);
    },
    { leaseS: 1 },
  );
});

test("a port that goes and comes back heals", async () => {
  await withAgent(
    async (world, agent) => {
      await agent.scale(A, 0, "min");
      world.unplug();
      await until("the agent knows", () => agent.lineOf(0)?.failure !== undefined);
      expect(await agent.scale(A, 0, "up")).toMatchObject({ ok: false });
      world.stopHost();
      world.plug();
      await world.startHost();
      await until("the claim is back", () => world.speed(2) === 800_000);
    },
    { leaseS: 1 },
  );
});

test("claims of an agent that fell silent end with its lease; one that wakes makes them again", async () => {
  using world = new World();
  await world.startHost();
  // A line alone has no heart of its own, as when the whole VM is paused.
  const book = new Book();
  const line = new Line(world.port, undefined, { ...world.rules, leaseS: 1, book, pulse: new Pulse(500) });
  await line.start();
  book.set(A, 0, { by: "steps", from: "min", steps: 0 });
  expect(await line.ask((talk) => talk.apply(0))).toMatchObject(DONE);
  expect(world.speed(2)).toBe(800_000);
  await until("the lease is over", () => world.speed(2) === 0);
  line.beat();
  await until("the claim is back", () => world.speed(2) === 800_000);
  await line.close();
  expect(world.speed(2)).toBe(0);
});

test("stop() gives every claim up", async () => {
  using world = new World();
  await world.startHost();
  const agent = world.agent();
  await agent.start();
  await agent.scale(A, 0, "min");
  await agent.scale(B, 1, "min");
  await agent.stop();
  expect([world.speed(2), world.speed(3)]).toEqual([0, 0]);
});

test("a VM that may not query is served by steps", async () => {
  using world = new World({ queries: false });
  await world.startHost();
  const agent = world.agent();
  await agent.start();
  await agent.scale(A, 0, "down");
  expect(world.speed(2)).toBe(2_400_000);
  await agent.scale(B, 0, "min");
  expect(world.speed(2)).toBe(2_400_000);
  await agent.scale(A, 0, "min");
  await agent.scale(B, 0, "up");
  expect(world.speed(2)).toBe(1_000_000);
  // Its clock is not told to it: neither at a step nor at a frequency, which it can't be rounded to.
  expect(await agent.scale(A, 0, "up")).toMatchObject({ value: { wishKhz: 1_000_000, targetKhz: 0 } });
  expect(await agent.set(A, 0, 1_000_000, false)).toMatchObject({
    error: { kind: "refused", text: expect.stringContaining("may not query") },
  });
  await agent.stop();
});

test("a host that ignores the extension is served in v1 after one deadline, and asked again now and then, lease or none", async () => {
  using host = fakeHost((send, frame) => {
    if (frame[14] === 0) send(answer(frame, true));
  });
  using world = new World();
  const agent = world.agent({ port: host.port, timeoutMs: 50, leaseS: 0, log: QUIET });
  await agent.start();
  expect(agent.lineOf(0)?.host?.speech).toBe("v1");
  const steps = () =>
    host
      .requests()
      .flatMap((request) => (request.kind === "scale" ? [`${request.vcpu} ${request.step}`] : []));
  expect(await agent.scale(A, 0, "min")).toMatchObject(DONE);
  expect(await agent.scale(A, 0, "up")).toMatchObject(DONE);
  expect(await agent.scale(B, 0, "down")).toMatchObject(DONE);
  expect(steps()).toEqual(["0 min", "0 up", "0 max", "0 down"]);
  await agent.release(B, [0]);
  expect(steps().slice(4)).toEqual(["0 min", "0 up"]);
  const hellos = () => host.requests().filter((request) => request.kind === "extension").length;
  await until("a second HELLO", () => hellos() > 1);
  await agent.stop();
  expect(steps().at(-1)).toBe("0 max");
});

test("an answer to HELLO that comes late counts, is warned of once, and claims are made again", async () => {
  const owed: (() => void)[] = [];
  let late = true;
  using host = fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (request.kind !== "extension") return;
    const { ask } = request;
    const tell = (said: ExtensionAnswer) => send(extensionAnswer(frame, said));
    if (ask.do === "hello") owed.push(() => tell({ do: "hello", version: 1, leaseS: 10, vcpus: 1 }));
    if (late || ask.do === "hello") return;
    if (ask.do === "freqs")
      tell({ do: "freqs", first: 0, total: 0, nominal: 0, turboAtStart: false, khz: [] });
    if (ask.do === "release" || ask.do === "scale") tell({ do: ask.do, wishKhz: 0, targetKhz: 0 });
  });
  using world = new World();
  const lines: string[] = [];
  const log = new Log("info", "text", false, (line) => lines.push(line));
  const book = new Book();
  const rules = { ...world.rules, timeoutMs: 50, leaseS: 10, log, book, pulse: new Pulse(500) };
  const line = new Line(host.port, undefined, rules);
  await line.start();
  expect(line.host).toMatchObject({ speech: "v1", leaseS: 0 });
  for (const vcpu of [0, 1]) {
    book.set(A, vcpu, { by: "steps", from: "min", steps: 0 });
    expect(await line.ask((talk) => talk.apply(vcpu))).toMatchObject({ error: { kind: "no-answer" } });
  }
  // Whether the host did what it did not answer is not known: that ends too.
  book.set(A, 1, undefined);
  await until("HELLO was said again", () => owed.length > 1);
  late = false;
  for (const answerIt of owed) answerIt();
  await until("the host speaks the extension", () => line.host?.speech === "extension");
  const said = () =>
    host.requests().flatMap((r) => (r.kind === "extension" && r.ask.do !== "hello" ? [[r.vcpu, r.ask]] : []));
  const release = () => said().some(([, ask]) => (ask as { do: string }).do === "release");
  await until("what is claimed is claimed again, and the rest given up", release);
  // The line rests: it has nothing more to say.
  expect(await line.ask(async () => ({ ok: true, value: undefined }))).toMatchObject(DONE);
  expect(said().filter(([, ask]) => (ask as { do: string }).do !== "freqs")).toEqual([
    [0, { do: "scale", step: "min" }],
    [1, { do: "release", all: false }],
  ]);
  expect(lines.filter((text) => text.includes("did not answer HELLO within 50 ms"))).toHaveLength(1);
  expect(lines.some((text) => text.includes("answers HELLO now"))).toBe(true);
  await line.close();
});

test("who asks while a host has not answered HELLO yet is not told that there is none", async () => {
  const owed: (() => void)[] = [];
  using host = fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (request.kind !== "extension") return;
    const tell = (said: ExtensionAnswer) => send(extensionAnswer(frame, said));
    const { ask } = request;
    if (ask.do === "hello") owed.push(() => tell({ do: "hello", version: 1, leaseS: 10, vcpus: 1 }));
    else if (ask.do === "freqs")
      tell({ do: "freqs", first: 0, total: 0, nominal: 0, turboAtStart: false, khz: [] });
    else if (ask.do === "release") tell({ do: "release", wishKhz: 0, targetKhz: 0 });
  });
  using world = new World();
  const rules = { ...world.rules, timeoutMs: 20_000, book: new Book(), pulse: new Pulse(500) };
  const line = new Line(host.port, 0, rules);
  const started = line.start();
  await until("HELLO is said", () => owed.length > 0);
  const asking = line.ask(async () => ({ ok: true, value: undefined }));
  for (const answerIt of owed.splice(0)) answerIt();
  expect(await asking).toMatchObject(DONE);
  await started;
  const closed = line.close();
  await until("HELLO is said at the end", () => owed.length > 0);
  for (const answerIt of owed) answerIt();
  await closed;
});

test("who asks a host that never answers HELLO, as DPDK's, is served by it without waiting for that", async () => {
  using host = fakeHost((send, frame) => {
    if (new RequestDecoder().decode(frame).kind === "scale") send(answer(frame, true));
  });
  using world = new World();
  // Nobody waits that long here.
  const rules = { ...world.rules, timeoutMs: 60_000, book: new Book(), pulse: new Pulse(500) };
  const line = new Line(host.port, 0, rules);
  const started = line.start();
  await until("HELLO is said", () => host.requests().some(({ kind }) => kind === "extension"));
  rules.book.set(A, 0, { by: "steps", from: "min", steps: 0 });
  expect(await line.ask((talk) => talk.apply(0))).toMatchObject(DONE);
  await started;
  expect(
    host
      .requests()
      .filter(({ kind }) => kind !== "extension")
      .map(({ kind }) => kind),
  ).toEqual(["connect", "scale"]);
  await line.close();
});

test("a line waits as long as the asker says, and never so long that its lease runs out", async () => {
  using host = fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (request.kind === "extension" && request.ask.do === "hello")
      send(extensionAnswer(frame, { do: "hello", version: 1, leaseS: 1, vcpus: 1 }));
  });
  using world = new World();
  const agent = world.agent({ port: host.port, timeoutMs: 20, leaseS: 0 });
  await agent.start();
  const ping = (timeoutMs?: number) =>
    agent.ask(0, ({ session }) => session.say({ do: "state" }, 0), timeoutMs);
  expect(await ping()).toMatchObject({ error: { kind: "no-answer", timeoutMs: 20 } });
  expect(await ping(40)).toMatchObject({ error: { kind: "no-answer", timeoutMs: 40 } });
  expect(await ping(60_000)).toMatchObject({ error: { kind: "no-answer", timeoutMs: 333 } });
  expect(await ping()).toMatchObject({ error: { kind: "no-answer", timeoutMs: 20 } });
  await agent.stop();
});

test.each([
  ["never ends", 0xffff_ffff, (at: number) => 4_000_000 - at, 0],
  ["does not descend", 60, () => 2_000_000, 0],
  ["ends in nothing", 60, (at: number) => 50 - at, 0],
  ["is all turbo", 40, (at: number) => 4_000_000 - at, 40],
])(
  "a host whose table %s is asked for no more of it, and is served by steps",
  async (_, total, khz, nominal) => {
    let asked = 0;
    using host = fakeHost((send, frame) => {
      const request = new RequestDecoder().decode(frame);
      if (request.kind !== "extension") return;
      const { ask } = request;
      if (ask.do === "hello") send(extensionAnswer(frame, { do: "hello", version: 1, leaseS: 10, vcpus: 1 }));
      if (ask.do !== "freqs") return;
      // It would be asked for ever.
      if (++asked > 100) throw new Error("asked for ever");
      const page = Array.from({ length: 40 }, (__, i) => khz(ask.first + i));
      send(
        extensionAnswer(frame, {
          do: "freqs",
          first: ask.first,
          total,
          nominal,
          turboAtStart: false,
          khz: page,
        }),
      );
    });
    using world = new World();
    const rules = { ...world.rules, timeoutMs: 300, book: new Book(), pulse: new Pulse(500) };
    const line = new Line(host.port, 0, rules);
    await line.start();
    expect(line.host?.speech).toBe("extension");
    expect(line.tables.size).toBe(0);
    expect(asked).toBeLessThanOrEqual(2);
    await line.close();
  },
);

test("a host that was started anew unseen takes the next claim as if it had been greeted", async () => {
  await withAgent(async (world, agent) => {
    await agent.scale(A, 0, "min");
    world.stopHost();
    await world.startHost();
    expect(await agent.scale(A, 1, "min")).toMatchObject(DONE);
    expect([world.speed(2), world.speed(3)]).toEqual([800_000, 800_000]);
  });
});

test("what the host says of its sleep reaches programs that listen once, and claims are made again after it", async () => {
  using world = new World();
  const host = await world.startHost();
  const agent = world.agent();
  await agent.start();
  const heard: object[] = [];
  agent.listeners.add((event) => heard.push(event));
  await agent.scale(A, 0, "min");
  host.channels.notice({ do: "host-sleeps", wakeS: 1_800_000_000 });
  host.channels.notice({ do: "host-sleeps", wakeS: 2 ** 60 });
  await until("both are heard", () => heard.length === 2);
  for (const channel of host.channels.all) channel.connection?.withdraw();
  expect(world.speed(2)).toBe(0);
  host.channels.notice({ do: "host-awake", sleptS: 60 });
  await until("the claim is back", () => world.speed(2) === 800_000);
  expect(heard).toEqual([
    { event: "host-sleeps", until: "2027-01-15T08:00:00.000Z" },
    { event: "host-sleeps", until: null },
    { event: "host-awake", sleptS: 60 },
  ]);
  // Without an agent nobody would read it: the next program at the port would.
  expect([...host.channels.all].map(({ connection }) => connection?.lease.isTold(performance.now()))).toEqual(
    [true],
  );
  await agent.stop();
  expect([...host.channels.all].map(({ connection }) => connection?.lease.isTold(performance.now()))).toEqual(
    [false],
  );
});

test.skipIf(Bun.which("socat") === null)(
  "a sleep is heard once where each vCPU has a port, and each port makes its claims again (needs socat)",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "ports-"));
    using world = new World();
    const host = await world.startHost();
    const ports = [0, 1].map((n) => {
      const socket = `UNIX-LISTEN:${world.tree.root}/channels/vm1.${n + 1}`;
      return Bun.spawn(["socat", socket, `PTY,link=${portPath(n, dir)},raw,echo=0`], { stderr: "ignore" });
    });
    const agent = world.agent({ port: undefined, portDir: dir });
    try {
      const connected = () =>
        [...host.channels.all].filter(({ state }) => state === "connected").length === 3;
      await until("the ports are there", () => listPorts(dir).length === 2 && connected());
      await agent.start();
      const heard: object[] = [];
      agent.listeners.add((event) => heard.push(event));
      for (const vcpu of [0, 1]) expect(await agent.scale(A, vcpu, "min")).toMatchObject(DONE);
      host.channels.notice({ do: "host-sleeps", wakeS: 0 });
      for (const channel of host.channels.all) channel.connection?.withdraw();
      host.channels.notice({ do: "host-awake", sleptS: 60 });
      await until("both claims are back", () => world.speed(2) === 800_000 && world.speed(3) === 800_000);
      expect(heard).toEqual([
        { event: "host-sleeps", until: null },
        { event: "host-awake", sleptS: 60 },
      ]);
    } finally {
      await agent.stop();
      for (const port of ports) port.kill();
      await Promise.all(ports.map(({ exited }) => exited));
      rmSync(dir, { recursive: true });
    }
  },
);
