// Holds the client against a real etcd, and against peers that answer what they like.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCredentials } from "../../../internal/fleet/etcd/credentials.ts";
import { Etcd } from "../../../internal/fleet/etcd/etcd.ts";
import { type EtcdCluster, startEtcd } from "../../helpers/etcd.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { must } from "../../helpers/answer.ts";

const hasEtcd = Bun.which("etcd") !== null;
let cluster: EtcdCluster | undefined;
beforeAll(async () => {
  if (hasEtcd) cluster = await startEtcd();
}, 30_000);
afterAll(async () => await cluster?.stop());

const client = () => new Etcd({ endpoints: cluster?.urls ?? [] });

testNeeding(["etcd"], "txn() puts, reads and removes at one revision, if its conditions hold", async () => {
  const etcd = client();
  const put = must(
    await etcd.txn([{ key: "/t/a", changed: 0 }], [{ put: "/t/a", value: "ä" }, { read: "/t/a" }]),
  );
  expect(put.succeeded).toBe(true);
  expect(put.found[0]?.kvs[0]).toEqual({
    key: "/t/a",
    value: "ä",

    changed: put.revision,
  });
  const again = must(
    await etcd.txn(
      [{ key: "/t/a", changed: 0 }],
      [{ put: "/t/a", value: "b" }],
      [{ read: "/t/a" }, { countAll: "/t/" }],
    ),
  );
  expect(again.succeeded).toBe(false);
  expect([again.found[0]?.kvs[0]?.value, again.found[1]?.count]).toEqual(["ä", 1]);
  const since = must(await etcd.txn([{ all: "/t/", unchangedSince: put.revision - 1 }], []));
  expect(since.succeeded).toBe(false);
  const all = must(
    await etcd.txn([{ all: "/t/", unchangedSince: put.revision }], [{ readAll: "/t/", after: put.revision }]),
  );
  expect([all.succeeded, all.found[0]?.kvs]).toEqual([true, []]);
  must(await etcd.txn([{ key: "/t/a", changed: put.revision }], [{ remove: "/t/a" }]));
  const gone = must(await etcd.txn([], [{ read: "/t/a" }, { readAll: "/t/" }]));
  expect(gone.found.map(({ kvs }) => kvs)).toEqual([[], []]);
});

testNeeding(
  ["etcd"],
  "lease() takes what was put with it away, and keep() says when it has ended",
  async () => {
    const etcd = client();
    const lease = must(await etcd.lease(5));
    must(await etcd.txn([], [{ put: "/l/a", value: "1", lease }]));
    expect((await etcd.keep(lease)).ok).toBe(true);
    await etcd.end(lease);
    expect(must(await etcd.txn([], [{ read: "/l/a" }])).found[0]?.kvs).toEqual([]);
    expect(await etcd.keep(lease)).toMatchObject({ ok: false, error: { kind: "gone" } });
    const put = await etcd.txn([], [{ put: "/l/a", value: "1", lease }]);
    expect(put).toMatchObject({ ok: false, error: { kind: "gone" } });
  },
);

testNeeding(["etcd"], "txn() goes to the next endpoint when one is dead or silent", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  try {
    const endpoints = [`http://127.0.0.1:${silent.port}`, "http://127.0.0.1:1", ...(cluster?.urls ?? [])];
    const done = await new Etcd({ endpoints }).txn([], [{ read: "/none" }]);
    expect(done.ok).toBe(true);
  } finally {
    silent.stop(true);
  }
});

test.each([
  ["no JSON", "<html>"],
  [
    "what nests without an end",
    `{"header":{"revision":"5"},"succeeded":true,"a":${"[".repeat(99)}${"]".repeat(99)},"responses":[{"response_range":{}}]}`,
  ],
  ["JSON that is no answer", "[]"],
  ["a revision that is no number", '{"header":{"revision":"x"}}'],
  ["fewer answers than were asked", '{"header":{"revision":"5"},"succeeded":true}'],
  ["a number beyond all revisions", '{"header":{"revision":"99999999999999999999"}}'],
])("txn() refuses %s", async (_, body) => {
  const peer = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body) });
  try {
    const etcd = new Etcd({ endpoints: [`http://127.0.0.1:${peer.port}`] });
    const done = await etcd.txn([], [{ read: "/a" }]);
    expect(done).toMatchObject({ ok: false, error: { kind: "refused" } });
  } finally {
    await peer.stop(true);
  }
});

const PAIR = { key: "YQ==", value: "YQ==", mod_revision: "1" };
const answerOf = (responses: readonly object[]) =>
  JSON.stringify({ header: { revision: "5" }, succeeded: true, responses });

test.each([
  [
    "more answers than operations",
    answerOf([{ response_range: {} }, {}, {}]),
    "Invalid length: Expected <=1 but received 3",
  ],
  [
    "more keys than one",
    answerOf([{ response_range: { kvs: [PAIR, PAIR] } }]),
    "Invalid length: Expected <=1 but received 2",
  ],
  ["5 MiB where a few keys were read", answerOf([{ x: "y".repeat(5 << 20) }]), "more than 4194304 bytes"],
])("txn() takes nothing of %s", async (_, body, why) => {
  const peer = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body) });
  try {
    const done = await new Etcd({ endpoints: [`http://127.0.0.1:${peer.port}`] }).txn([], [{ read: "/a" }]);
    expect(done).toMatchObject({ ok: false, error: { message: expect.stringMatching(why) } });
  } finally {
    await peer.stop(true);
  }
});

test.each([
  ["gzip", () => gzipSync(Buffer.alloc(1 << 26))],
  [
    "br",
    () => brotliCompressSync(Buffer.alloc(1 << 26), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  ],
  ["deflate", () => deflateSync(Buffer.alloc(1 << 26))],
  ["zstd", () => zstdCompressSync(Buffer.alloc(1 << 26))],
] as const)("txn() unpacks nothing that is packed by %s", async (encoding, pack) => {
  const body = pack();
  const headers = { "content-encoding": encoding };
  const peer = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(body, { headers }) });
  try {
    const done = await new Etcd({ endpoints: [`http://127.0.0.1:${peer.port}`] }).txn([], [{ read: "/a" }]);
    // Unpacked it would be more than may be read.
    expect(done).toMatchObject({ ok: false, error: { message: expect.stringContaining("Invalid type") } });
  } finally {
    await peer.stop(true);
  }
});

test("txn() reads no answer without an end, and follows no redirect", async () => {
  const endless = () =>
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) });
  const peer = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => new Response(endless()),
  });
  const sender = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.redirect(`http://127.0.0.1:${peer.port}/`),
  });
  try {
    const ask = async (port: number | undefined) =>
      await new Etcd({ endpoints: [`http://127.0.0.1:${port}`] }).txn([], [{ read: "/a" }]);
    const flooded = await ask(peer.port);
    expect(flooded.ok ? "" : flooded.error.message).toMatch(/more than|too long/);
    expect(await ask(sender.port)).toMatchObject({ ok: false, error: { kind: "no-answer" } });
  } finally {
    await peer.stop(true);
    await sender.stop(true);
  }
});

test("readCredentials() waits for no FIFO's writer", () => {
  const dir = mkdtempSync(join(tmpdir(), "powermon-fifo-"));
  expect(Bun.spawnSync(["mkfifo", "-m", "600", join(dir, "key")]).success).toBe(true);
  const error = expect.stringContaining("is no plain file.");
  expect(readCredentials({ endpoints: [], key: join(dir, "key") })).toEqual({ ok: false, error });
  rmSync(dir, { recursive: true });
});

testNeeding(
  ["etcd", "openssl"],
  "Etcd speaks TLS with a certificate, and has a password where etcd asks who it is",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "powermon-tls-"));
    const ssl = (...words: string[]) => {
      const done = Bun.spawnSync(["openssl", ...words], { cwd: dir });
      if (!done.success) throw new Error(done.stderr.toString());
    };
    // Where etcd asks for users it refuses a certificate with a common name through its gateway.
    const x509 = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-days",
      "2",
    ];
    ssl(
      ...x509,
      "-keyout",
      "key",
      "-out",
      "cert",
      "-subj",
      "/O=powermon",
      "-addext",
      "subjectAltName=IP:127.0.0.1",
    );
    const tls = { ca: join(dir, "cert"), cert: join(dir, "cert"), key: join(dir, "key") };
    const secure = await startEtcd(1, tls);
    try {
      await Bun.write(join(dir, "password"), "secret\n");
      chmodSync(join(dir, "password"), 0o644);
      const files = { endpoints: secure.urls, ...tls, user: "host1", passwordFile: join(dir, "password") };
      expect(readCredentials(files)).toMatchObject({
        ok: false,
        error: expect.stringContaining("chmod 600"),
      });
      chmodSync(join(dir, "password"), 0o600);
      const bare = new Etcd(must(readCredentials({ endpoints: secure.urls, ...tls })));
      expect((await bare.txn([], [{ put: "/own/a", value: "1" }])).ok).toBe(true);
      const nobody = new Etcd({ endpoints: secure.urls });
      expect(await nobody.txn([], [{ read: "/own/a" }])).toMatchObject({
        ok: false,
        error: { kind: "no-answer" },
      });
      const ctl = async (path: string, body: object) => {
        const url = `${secure.urls[0]}/v3/auth/${path}`;
        const files = { ca: Bun.file(tls.ca), cert: Bun.file(tls.cert), key: Bun.file(tls.key) };
        const answer = await fetch(url, { method: "POST", body: JSON.stringify(body), tls: files });
        if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
      };
      const b64 = (text: string) => Buffer.from(text).toString("base64");
      await ctl("user/add", { name: "root", password: "r" });
      await ctl("role/add", { name: "root" });
      await ctl("user/grant", { user: "root", role: "root" });
      await ctl("user/add", { name: "host1", password: "secret" });
      await ctl("role/add", { name: "host1" });
      const perm = { permType: "READWRITE", key: b64("/own/"), range_end: b64("/own0") };
      await ctl("role/grant", { name: "host1", perm });
      await ctl("user/grant", { user: "host1", role: "host1" });
      await ctl("enable", {});
      const host = new Etcd(must(readCredentials(files)));
      expect(
        must(await host.txn([], [{ put: "/own/a", value: "2" }, { read: "/own/a" }])).found[0]?.kvs[0]?.value,
      ).toBe("2");
      expect(must(await host.lease(5))).toMatch(/^\d+$/);
      const other = await host.txn([], [{ put: "/other/a", value: "1" }]);
      expect(other).toMatchObject({
        ok: false,
        error: { kind: "refused", message: expect.stringContaining("permission denied") },
      });
      expect(await bare.txn([], [{ read: "/own/a" }])).toMatchObject({
        ok: false,
        error: { kind: "refused" },
      });
      await Bun.write(join(dir, "password"), "wrong\n");
      const stranger = new Etcd(must(readCredentials(files)));
      expect(await stranger.txn([], [{ read: "/own/a" }])).toMatchObject({
        ok: false,
        error: { kind: "refused" },
      });
    } finally {
      await secure.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  },
  40_000,
);
