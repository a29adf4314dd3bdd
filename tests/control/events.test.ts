import { expect, test } from "bun:test";
import { connect } from "node:net";
import type { HappenedEvent } from "../../internal/api/event.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { until } from "../helpers/until.ts";
import { raw, serve } from "./serve.ts";

type Served = Awaited<ReturnType<typeof serve>>;
/** Lets something happen on the host. */
const happen = (it: Served, why: string, message = "") =>
  it.lab.host.events.emit("request-malformed", { channel: "vm1.0", why, message });
const GONE = { code: "no-answer", message: "" } as const;
const idOf = ({ boot }: { readonly boot: string }, n: number) => `${boot}-${n}`;

/** Resolves to the next events of a stream. */
async function take(stream: AsyncGenerator<HappenedEvent, unknown>, count: number) {
  const taken: HappenedEvent[] = [];
  while (taken.length < count) {
    const next = await stream.next();
    if (next.done) throw new Error(JSON.stringify(next.value));
    taken.push(next.value);
  }
  return taken;
}

/** Listens without a client and gathers all that comes until `closed`. */
function listen(it: Served, headers = "") {
  const connection = connect(it.socket);
  const heard = { text: "", closed: false, connection };
  connection.on("data", (bytes) => (heard.text += bytes.toString()));
  connection.on("error", () => {});
  connection.on("close", () => (heard.closed = true));
  connection.write(`GET /v1/events HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  return heard;
}

test("GET /v1/events sends each event to each listener, in order, with text of any kind", async () => {
  using it = await serve();
  const streams = [new ControlClient(it.socket).events(), new ControlClient(it.socket).events()];
  const firsts = streams.map((stream) => stream.next());
  const odd = "a\n\ndata: {}\n\n\u2028ü";
  // Both must be listening before something happens: the second one joins the first one's subscription.
  await until("two connections", async () => {
    happen(it, "first", odd);
    const all = await Promise.race([Promise.all(firsts), Bun.sleep(20).then(() => undefined)]);
    return all !== undefined;
  });
  for (const first of firsts) expect((await first).value).toMatchObject({ why: "first", message: odd });
  happen(it, "last");
  for (const stream of streams) {
    let n = 0;
    for (;;) {
      const [next] = await take(stream, 1);
      if (n > 0) expect(next?.n).toBe(n + 1);
      n = next?.n ?? 0;
      if (next?.["why"] === "last") break;
    }
    expect(n).toBe(it.lab.host.events.last);
    await stream.return(GONE);
  }
  await until("nobody listens", () => it.listeners.size === 0);
});

test("GET /v1/events tells an event's number and run in its data and in its id", async () => {
  using it = await serve();
  const { events } = it.lab.host;
  happen(it, "before");
  const heard = listen(it);
  await until("it listens", () => it.listeners.size === 1);
  happen(it, "after");
  await until("it is told", () => heard.text.includes('"after"'));
  expect(heard.text).toContain(`: listening\nid: ${idOf(events, 1)}\n\n`);
  expect(heard.text).toContain(`id: ${idOf(events, 2)}\nevent: request-malformed\ndata: {`);
  expect(heard.text).toContain(`"event":"request-malformed","boot":"${events.boot}","n":2}`);
  expect(heard.text).not.toContain('"before"');
  heard.connection.destroy();
});

test("GET /v1/events goes on after Last-Event-ID, also with what happened while nobody listened", async () => {
  using it = await serve();
  const { events } = it.lab.host;
  for (let i = 1; i <= 500; i++) happen(it, `${i}`);
  const stream = new ControlClient(it.socket).events(idOf(events, 100));
  const replayed = await take(stream, 400);
  expect(replayed.map(({ n }) => n)).toEqual(Array.from({ length: 400 }, (_, i) => 101 + i));
  expect(replayed[0]).toMatchObject({ event: "request-malformed", why: "101" });
  happen(it, "now");
  expect(await take(stream, 1)).toMatchObject([{ n: 501, why: "now" }]);
  await stream.return(GONE);
});

test("GET /v1/events tells how many events were lost when Last-Event-ID is older than what is kept", async () => {
  using it = await serve();
  const { events } = it.lab.host;
  for (let i = 1; i <= 5000; i++) happen(it, `${i}`);
  const stream = new ControlClient(it.socket).events(idOf(events, 100));
  const [overrun, first] = await take(stream, 2);
  expect(overrun).toMatchObject({ event: "overrun", boot: events.boot, lost: 804, n: 904 });
  expect(overrun?.["message"]).toContain("804 events were not told");
  expect(first).toMatchObject({ n: 905, why: "905" });
  await stream.return(GONE);
});

test("GET /v1/events tells that powermon started again when Last-Event-ID is of another run", async () => {
  using it = await serve();
  happen(it, "mine");
  const stream = new ControlClient(it.socket).events("01234567-8");
  const [overrun, first] = await take(stream, 2);
  expect(overrun).toMatchObject({ event: "overrun", n: 0, boot: it.lab.host.events.boot });
  expect(overrun?.["message"]).toContain("started again");
  expect(overrun).not.toHaveProperty("lost");
  expect(first).toMatchObject({ n: 1, why: "mine" });
  await stream.return(GONE);
});

test.each(["x", "01234567-", "01234567-x", "0123456-1", "01234567--1", "01234567-1e3", "01234567-01"])(
  "GET /v1/events refuses Last-Event-ID %p",
  async (id) => {
    using it = await serve();
    const close = "Connection: close\r\n";
    const back = await raw(
      it.socket,
      `GET /v1/events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ${id}\r\n${close}\r\n`,
    );
    expect(back).toStartWith("HTTP/1.1 400 ");
    expect(back).toContain(`Last-Event-ID is the id of an event, such as ${it.lab.host.events.boot}-0, not `);
    expect(it.listeners.size).toBe(0);
  },
);

test("GET /v1/events refuses a Last-Event-ID of this run that has not happened", async () => {
  using it = await serve();
  happen(it, "one");
  const { boot } = it.lab.host.events;
  const stream = new ControlClient(it.socket).events(`${boot}-2`);
  expect(await stream.next()).toEqual({
    done: true,
    value: { code: "invalid", message: `Last-Event-ID is ${boot}-2, and the last event was ${boot}-1.` },
  });
});

test("GET /v1/events sends a heartbeat", async () => {
  using it = await serve({ heartbeatMs: 5 });
  const heard = listen(it);
  await until("three heartbeats came", () => heard.text.split(": alive\n\n").length > 3);
  expect(heard.text).toContain("content-type: text/event-stream");
  heard.connection.destroy();
  await until("nobody listens", () => it.listeners.size === 0);
});

test("GET /v1/events tells a slow reader what it missed, and serves the others all the while", async () => {
  using it = await serve();
  const { events } = it.lab.host;
  const slow = listen(it);
  await until("it listens", () => it.listeners.size === 1);
  slow.connection.pause();
  const client = new ControlClient(it.socket);
  const padding = "x".repeat(500);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 20_000; i++) {
    happen(it, `${i}`, padding);
    if (i % 500 === 0) expect((await client.ask("status")).ok).toBe(true);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(64_000_000);
  slow.connection.resume();
  await until("it has caught up", () => slow.text.includes('"why":"19999"'));
  const told = [...slow.text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data));
  const lost = told.filter(({ event }) => event === "overrun").reduce((sum, { lost }) => sum + lost, 0);
  expect(lost).toBeGreaterThan(0);
  // Each event was either told or counted as lost, in order.
  let n = 0;
  for (const event of told) {
    expect(event.n).toBe(n + (event.event === "overrun" ? event.lost : 1));
    n = event.n;
  }
  expect(n).toBe(events.last);
  slow.connection.destroy();
});

test("GET /v1/events cuts off who does not read at all, and tells why to who reads on after all", async () => {
  using it = await serve({ heartbeatMs: 200 });
  const slow = listen(it);
  await until("it listens", () => it.listeners.size === 1);
  slow.connection.pause();
  for (let i = 0; i < 4000; i++) happen(it, `${i}`, "x".repeat(500));
  await until("it is cut off", () => it.listeners.size === 0);
  expect(it.log.join("")).toContain("An event listener did not read and has been cut off");
  slow.connection.resume();
  await until("its connection is closed", () => slow.closed);
  const last = [...slow.text.matchAll(/^data: (.*)$/gm)].at(-1)?.[1] ?? "{}";
  expect(JSON.parse(last)).toMatchObject({ event: "overrun", lost: expect.any(Number) });
  expect(JSON.parse(last).message).toContain("is cut off");
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
