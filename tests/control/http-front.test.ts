import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { type Answerer, HttpFront } from "../../internal/control/http-front.ts";
import { SpareTime } from "../../internal/os/spare-time.ts";
import { until } from "../helpers/until.ts";

let dir = "";
let server: Server;
let front: HttpFront;
let asked: string[];
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/front-`);
  asked = [];
});
afterEach(() => {
  front.close();
  server.close();
  rmSync(dir, { recursive: true });
});

/** Serves with `answer` and returns a connection that notes what it receives. */
async function open(answer: Answerer) {
  front = new HttpFront((request, response, fd) => {
    asked.push(request.url ?? "");
    return answer(request, response, fd);
  }, new SpareTime());
  server = createServer((socket) => front.take(socket));
  await new Promise<void>((resolve) => server.listen(`${dir}/s`, resolve));
  const client = connect(`${dir}/s`);
  client.on("error", () => {});
  const it = { client, received: "", closed: false };
  client.on("data", (bytes) => void (it.received += String(bytes)));
  client.on("close", () => void (it.closed = true));
  return it;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const PATHS = Array.from({ length: 50 }, (_, i) => `/${i}`);

test("HttpFront answers all requests of a connection in order, one at a time", async () => {
  let busy = 0;
  let most = 0;
  const it = await open(({ url }, response) => {
    most = Math.max(most, ++busy);
    response.once("close", () => busy--);
    setImmediate(() => response.end(`<${url}>`));
  });
  it.client.write(PATHS.map(get).join(""));
  await until("the last is answered", () => it.received.includes("</49>"));
  expect(it.received.match(/<[^>]*>/g)?.map(String)).toEqual(PATHS.map((path) => `<${path}>`));
  expect([asked, most]).toEqual([PATHS, 1]);
});

test.each([2, 20_000])(
  "HttpFront serves what comes after a body of %p bytes that was answered before it was read",
  async (size) => {
    const it = await open(({ url }, response) => void response.end(`<${url}>`));
    const post = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`;
    for (const path of PATHS.slice(0, 6)) {
      it.client.write(path.endsWith("2") ? get(path) : post(path));
      await until(`${path} is answered`, () => it.received.includes(`<${path}>`) || it.closed);
    }
    expect(asked).toEqual(PATHS.slice(0, 6));
  },
);

test("HttpFront asks nothing more for a client that does not read, or has gone", async () => {
  let waiting = 0;
  const it = await open((_request, response) => {
    waiting++;
    response.once("close", () => waiting--);
    response.end("x".repeat(8 * 1024 * 1024));
  });
  it.client.pause();
  it.client.write(PATHS.map(get).join(""));
  await until("an answer waits", () => waiting === 1);
  it.client.destroy();
  await until("it is dropped", () => waiting === 0);
  expect(asked).toEqual(["/0"]);
});

test("HttpFront ends the connection after the answer when a request came with another's body", async () => {
  const it = await open((request, response) => {
    request.resume();
    request.once("end", () => setImmediate(() => response.end(`<${request.url}>`)));
  });
  it.client.write(`PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}${get("/b")}`);
  await until("it ends", () => it.closed);
  expect(it.received.match(/<[^>]*>/g)).toEqual(["</a>"]);
  expect(asked).toEqual(["/a"]);
});

test("HttpFront tells the 65th connection why not, and closes it", async () => {
  const it = await open((_request, response) => void response.end("<yes>"));
  const more = Array.from({ length: 63 }, () => connect(`${dir}/s`));
  await Promise.all(more.map((one) => new Promise((resolve) => one.once("connect", resolve))));
  const late = connect({ path: `${dir}/s`, allowHalfOpen: true });
  let received = "";
  late.on("data", (bytes) => void (received += String(bytes)));
  await until("it is refused", () => received.includes("There are 64 connections already; try again."));
  it.client.write(get("/"));
  await until("the first is served", () => it.received.includes("<yes>"));
  for (const one of [...more, late, it.client]) one.destroy();
});
