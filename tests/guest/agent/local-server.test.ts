// The agent's socket against careless and hostile programs: order, bounds, and an end for every connection.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { connectAgent } from "../../../internal/guest/agent/local-client.ts";
import { type Client, type LocalServer, serveLocal } from "../../../internal/guest/agent/local-server.ts";
import { until } from "../../helpers/until.ts";

interface Served {
  readonly path: string;
  readonly server: LocalServer;
  readonly left: () => number;
}

async function withServer(
  accept: () => Pick<Client, "answer">,
  use: (served: Served) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/local-`);
  let left = 0;
  const path = `${folder}/agent.sock`;
  const server = await serveLocal(path, "no-such-group", () => ({ ...accept(), left: () => void left++ }));
  if (!server.ok) throw new Error(server.error);
  try {
    await use({ path, server: server.value, left: () => left });
  } finally {
    server.value.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Sends text as it is and returns what comes back until the other side ends. */
async function talk(path: string, text: string, endAfter: number): Promise<string[]> {
  let said = "";
  const done = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data(_socket, bytes) {
        said += bytes.toString();
        if (said.split("\n").length > endAfter) done.resolve();
      },
      close: () => done.resolve(),
    },
  });
  socket.write(text);
  await done.promise;
  socket.end();
  return said.trimEnd().split("\n");
}

const echo = () => ({ answer: async (line: string) => ({ said: line }) });

test("lines are answered in their order, however they are cut, each after the one before", async () => {
  let running = 0;
  const slow = () => ({
    async answer(line: string) {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      return { said: line };
    },
  });
  await withServer(slow, async ({ path, left }) => {
    expect(await talk(path, "a\nb\n\nc\n", 4)).toEqual(
      ["a", "b", "", "c"].map((said) => JSON.stringify({ said })),
    );
    await until("the connection has left", () => left() === 1);
  });
});

test("its socket is for owner and group, is removed at the end, and a left one is replaced", async () => {
  await withServer(echo, async ({ path }) => {
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await serveLocal(path, "x", () => ({ ...echo(), left() {} }))).toMatchObject({
      error: expect.stringContaining("another agent answers on"),
    });
  });
  const folder = mkdtempSync(`${tmpdir()}/local-`);
  const path = `${folder}/agent.sock`;
  const dead = Bun.spawn([
    process.execPath,
    "-e",
    `Bun.listen({unix:${JSON.stringify(path)},socket:{data(){}}});process.kill(process.pid,"SIGKILL")`,
  ]);
  await dead.exited;
  expect(statSync(path).isSocket()).toBe(true);
  const server = await serveLocal(path, "x", () => ({ ...echo(), left() {} }));
  expect(server.ok).toBe(true);
  if (server.ok) server.value.stop();
  writeFileSync(path, "");
  expect(await serveLocal(path, "x", () => ({ ...echo(), left() {} }))).toMatchObject({
    error: expect.stringContaining("is no socket"),
  });
  rmSync(folder, { recursive: true });
});

test("a line without an end, or too many at once, end the connection with a reason", async () => {
  const never = () => ({ answer: () => new Promise<object>(() => {}) });
  await withServer(echo, async ({ path }) => {
    expect(await talk(path, "x".repeat(5000), 1)).toEqual([expect.stringContaining("at most 4096 bytes")]);
    expect(await talk(path, `${"x".repeat(5000)}\n`, 1)).toEqual([
      expect.stringContaining("at most 4096 bytes"),
    ]);
  });
  await withServer(never, async ({ path }) => {
    expect(await talk(path, "x\n".repeat(40), 1)).toEqual([expect.stringContaining("at most 32 lines")]);
  });
});

test("a program with many lines at once has one of them answered in each turn, and others have theirs between", async () => {
  const served: string[] = [];
  const busy = () => ({
    async answer(line: string) {
      served.push(line);
      const until = performance.now() + 5;
      while (performance.now() < until);
      return {};
    },
  });
  await withServer(busy, async ({ path }) => {
    const flood = talk(path, "flood\n".repeat(30), 30);
    await until("the flood has begun", () => served.length > 0);
    await talk(path, "one\n", 1);
    await flood;
    expect(served.length).toBe(31);
    expect(served.indexOf("one")).toBeLessThan(15);
  });
});

test("answers are made as they are read, and all of them come", async () => {
  let made = 0;
  const long = () => ({ answer: async () => ({ made: ++made, long: "x".repeat(100_000) }) });
  await withServer(long, async ({ path }) => {
    let said = 0;
    const slow = await Bun.connect({
      unix: path,
      socket: { data: (_socket, bytes) => void (said += bytes.toString().split("\n").length - 1) },
    });
    slow.pause();
    slow.write("x\n".repeat(32));
    await until("some are made", () => made > 0);
    for (let i = 0; i < 20; i++) await talk(path, "x\n", 1);
    expect(made - 20).toBeLessThan(10);
    slow.resume();
    await until("all have come", () => said === 32);
    slow.end();
  });
});

test("a program that left has no more of its lines answered", async () => {
  const first = Promise.withResolvers<object>();
  let asked = 0;
  const gated = () => ({ answer: async () => (asked++, await first.promise) });
  await withServer(gated, async ({ path, server, left }) => {
    const program = await Bun.connect({ unix: path, socket: { data() {} } });
    program.write("x\n".repeat(30));
    await until("the first is asked", () => asked === 1);
    program.end();
    await until("it went", () => server.clients === 0);
    first.resolve({});
    await until("it has left", () => left() === 1);
    expect(asked).toBe(1);
  });
});

test("more programs than fit are told so, and those who are in stay", async () => {
  await withServer(echo, async ({ path, server }) => {
    const first = await connectAgent(path);
    const rest = await Promise.all(Array.from({ length: 127 }, () => connectAgent(path)));
    await until("all are in", () => server.clients === 128);
    expect(await talk(path, "x\n", 1)).toEqual([expect.stringContaining("128 programs are connected")]);
    expect(await first?.ask({ hello: 1 })).toEqual({ ok: true, value: { said: '{"hello":1}' } });
    for (const client of [first, ...rest]) client?.close();
    await until("all have left", () => server.clients === 0);
  });
});

test("connectAgent() says when nobody listens, and when the answer is late or no JSON", async () => {
  expect(await connectAgent("/nowhere/agent.sock")).toBeUndefined();
  await withServer(
    () => ({ answer: () => new Promise<object>(() => {}) }),
    async ({ path }) => {
      const client = await connectAgent(path);
      expect(await client?.ask({}, 30)).toMatchObject({ error: expect.stringContaining("within 30 ms") });
      client?.close();
    },
  );
});
