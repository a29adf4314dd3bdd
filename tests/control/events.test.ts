import { expect, test } from "bun:test";
import { connect } from "node:net";
import { ControlClient } from "../../internal/control/client.ts";
import { until } from "../helpers/until.ts";
import { raw, serve } from "./serve.ts";

type Served = Awaited<ReturnType<typeof serve>>;
/** Lets something happen on the host. */
const happen = (it: Served, n: number, more: object = {}) =>
  it.lab.host.events.emit("vm-changed", { n, ...more });
/** What comes of it. */
const event = (n: number, more: object = {}) => ({ at: expect.any(String), event: "vm-changed", n, ...more });

test("GET /v1/events sends each event to each listener, in order, with text of any kind", async () => {
  using it = await serve();
  const streams = [new ControlClient(it.socket).events(), new ControlClient(it.socket).events()];
  const firsts = streams.map((stream) => stream.next());
  await until("both listen", () => it.listeners.size === 1);
  const odd = { vm: "a\n\ndata: {}\n\n\u2028ü", nested: { list: [1, null] } };
  // Both must be listening before something happens: the second one joins the first one's subscription.
  await until("two connections", async () => {
    happen(it, 0, odd);
    const all = await Promise.race([Promise.all(firsts), Bun.sleep(20).then(() => undefined)]);
    return all !== undefined;
  });
  for (const first of firsts) expect((await first).value).toEqual(event(0, odd));
  happen(it, 1);
  for (const stream of streams) {
    let next = (await stream.next()).value;
    while (next !== undefined && "n" in next && next.n === 0) next = (await stream.next()).value;
    expect(next).toEqual(event(1));
    await stream.return({ code: "no-answer", message: "" });
  }
  await until("nobody listens", () => it.listeners.size === 0);
});

test("GET /v1/events sends a heartbeat", async () => {
  using it = await serve({ heartbeatMs: 5 });
  const connection = connect(it.socket);
  let back = "";
  connection.on("data", (bytes) => (back += bytes.toString()));
  connection.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  await until("three heartbeats came", () => back.split(": alive\n\n").length > 3);
  expect(back).toContain("content-type: text/event-stream");
  connection.destroy();
  await until("nobody listens", () => it.listeners.size === 0);
});

test("GET /v1/events drops a reader that does not read, and serves the others all the while", async () => {
  using it = await serve();
  const slow = connect(it.socket, () => {
    slow.pause();
    slow.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
  });
  let closed = false;
  slow.on("error", () => {});
  slow.on("close", () => (closed = true));
  await until("it listens", () => it.listeners.size === 1);
  const client = new ControlClient(it.socket);
  const padding = "x".repeat(4000);
  const before = process.memoryUsage().rss;
  let sent = 0;
  await until("it is cut off", async () => {
    for (let i = 0; i < 20; i++) happen(it, sent++, { padding });
    expect((await client.ask("status")).ok).toBe(true);
    return it.listeners.size === 0;
  });
  expect(sent * padding.length).toBeLessThan(4_000_000);
  expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000);
  expect(it.log.join("")).toContain("An event listener was too slow and has been cut off");
  slow.resume();
  await until("its connection is closed", () => closed);
});

test("GET /v1/events has room for 32 listeners", async () => {
  using it = await serve();
  const held = await Promise.all(
    Array.from({ length: 32 }, async () => {
      const connection = connect(it.socket);
      connection.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
      await new Promise((resolve) => connection.once("data", resolve));
      return connection;
    }),
  );
  const back = await raw(it.socket, "GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  expect(back).toStartWith("HTTP/1.1 503 ");
  expect(it.listeners.size).toBe(1);
  for (const connection of held) connection.destroy();
  await until("nobody listens", () => it.listeners.size === 0);
});

test("stop() ends the streams, and the client says so", async () => {
  const it = await serve();
  const stream = new ControlClient(it.socket).events();
  const next = stream.next();
  await until("it listens", () => it.listeners.size === 1);
  it[Symbol.dispose]();
  expect(await next).toEqual({
    done: true,
    value: { code: "no-answer", message: `powermon on ${it.socket} ended the stream of events.` },
  });
  expect(it.listeners.size).toBe(0);
});
