import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { readBody } from "../../internal/control/read-body.ts";

/** Sends `text`, lets `after` go on, and resolves to what readBody() makes of the body within `bodyMs`. */
async function bodyOf(text: string, after: (socket: Socket) => void = () => {}, bodyMs = 2000) {
  const dir = mkdtempSync(`${tmpdir()}/body-`);
  const path = `${dir}/http.sock`;
  const read = Promise.withResolvers<Awaited<ReturnType<typeof readBody>>>();
  const server = createServer((request) => {
    read.resolve(readBody(request, bodyMs));
    after(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = connect(path, () => client.write(text));
  client.on("error", () => {});
  const result = await read.promise;
  client.destroy();
  server.close();
  rmSync(dir, { recursive: true });
  return result;
}

const head = (length: number) => `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

/** Arrays within each other, `depth` of them. */
const nested = (depth: number): unknown => (depth === 1 ? [] : [nested(depth - 1)]);

test.each([
  ["nothing", "", { ok: true, value: undefined }],
  ["blanks", " \r\n", { ok: true, value: undefined }],
  ["an object", '{"a":[1,"ü"]}', { ok: true, value: { a: [1, "ü"] } }],
  ["half an object", '{"a":', { ok: false, error: "no-json" }],
  ["32 arrays in each other", `${"[".repeat(32)}${"]".repeat(32)}`, { ok: true, value: nested(32) }],
  ["one more", `${"[".repeat(33)}${"]".repeat(33)}`, { ok: false, error: "too-deep" }],
  ["objects and arrays without an end", '{"a":['.repeat(1000), { ok: false, error: "too-deep" }],
  ["many beside each other", `[${"[],".repeat(99)}[]]`, { ok: true, value: Array(100).fill([]) }],
  ["brackets and quotes in a string", `"${'[\\"'.repeat(40)}"`, { ok: true, value: '["'.repeat(40) }],
  ["64 KiB", `"${"x".repeat(65_534)}"`, { ok: true, value: "x".repeat(65_534) }],
  ["one byte more", `"${"x".repeat(65_535)}"`, { ok: false, error: "too-large" }],
] as const)("readBody() reads %s", async (_what, body, result) => {
  expect(await bodyOf(head(Buffer.byteLength(body)) + body)).toEqual(result);
});

test("readBody() puts together a body that comes byte by byte", async () => {
  const rest = [...'"ü":[1,2]}'];
  const drip = (socket: Socket) => {
    const next = rest.shift();
    if (next !== undefined) socket.write(next, () => setImmediate(drip, socket));
  };
  expect(await bodyOf(`${head(12)}{`, drip)).toEqual({ ok: true, value: { ü: [1, 2] } });
});

test("readBody() waits for a body no longer than it may", async () => {
  expect(await bodyOf(`${head(10)}{"a"`, () => {}, 20)).toEqual({ ok: false, error: "too-slow" });
});

test("readBody() notices a client that goes away half-way", async () => {
  expect(await bodyOf(`${head(10)}{"a"`, (socket) => socket.destroy())).toEqual({ ok: false, error: "gone" });
});
