// The notify protocol on a real datagram socket, held by another program as systemd's is.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monotonicUsec } from "../../internal/os/libc.ts";
import { Notifier } from "../../internal/daemon/notify.ts";
import { testNeeding } from "../helpers/needing.ts";

/** Receives datagrams and prints each as a line of JSON with the sender's pid. */
const RECEIVER = `
import json, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
name = sys.argv[1]
s.bind("\\0" + name[1:] if name[0] == "@" else name)
print(json.dumps("bound"), flush=True)
while True:
    text, extra, _, _ = s.recvmsg(65536, 256)
    print(json.dumps([text.decode(), struct.unpack("3i", extra[0][2][:12])[0]]), flush=True)
`;

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const bytes of stream) {
    const lines = (pending + decoder.decode(bytes, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line);
  }
}

/** Runs `tell` against a receiver at `address` and returns what arrives, up to `count` datagrams. */
async function received(
  address: string,
  count: number,
  tell: (env: { NOTIFY_SOCKET: string; PATH: string | undefined }) => Promise<void>,
): Promise<[text: string, pid: number][]> {
  const receiver = Bun.spawn(["python3", "-c", RECEIVER, address], { stdout: "pipe", timeout: 9000 });
  try {
    const lines = linesOf(receiver.stdout);
    expect((await lines.next()).value).toBe("bound");
    await tell({ NOTIFY_SOCKET: address, PATH: process.env["PATH"] });
    const got: [string, number][] = [];
    while (got.length < count) {
      const next = await lines.next();
      if (next.done) throw new Error(`the receiver ended after ${got.length} datagrams`);
      got.push(next.value as [string, number]);
    }
    return got;
  } finally {
    receiver.kill();
    await receiver.exited;
  }
}

async function inFolder<T>(work: (path: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "powermon-notify-"));
  try {
    return await work(join(dir, "notify"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const DONE = { ok: true, value: undefined } as const;

for (const kind of ["a path", "an abstract name"] as const) {
  testNeeding(
    ["python3"],
    `Notifier sends each state as one datagram of its own when the socket is ${kind}`,
    () =>
      inFolder(async (path) => {
        const address = kind === "a path" ? path : `@powermon-test-${crypto.randomUUID()}`;
        const before = monotonicUsec();
        const got = await received(address, 5, async (env) => {
          const notifier = new Notifier(env);
          expect(await notifier.ready("Watching 3 channels")).toEqual(DONE);
          expect(await notifier.status("é\nREADY=0\tx")).toEqual(DONE);
          expect(await notifier.reloading()).toEqual(DONE);
          expect(await notifier.watchdog()).toEqual(DONE);
          expect(await notifier.stopping("Restoring")).toEqual(DONE);
        });
        const texts = got.map(([text]) => text);
        expect(texts[0]).toBe("READY=1\nSTATUS=Watching 3 channels");
        expect(texts[1]).toBe("STATUS=é READY=0 x");
        const usec = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(texts[2] ?? "")?.[1];
        expect(BigInt(usec ?? 0) > before && BigInt(usec ?? 0) < monotonicUsec()).toBe(true);
        expect(texts.slice(3)).toEqual(["WATCHDOG=1", "STOPPING=1\nSTATUS=Restoring"]);
        expect(new Set(got.map(([, pid]) => pid))).toEqual(new Set([process.pid]));
      }),
  );
}

testNeeding(["python3"], "Notifier.status() says what changed, and nothing while it stays", () =>
  inFolder(async (path) => {
    const got = await received(path, 4, async (env) => {
      const notifier = new Notifier(env);
      await notifier.ready("0 claims");
      for (const text of ["0 claims", "1 claims", "1 claims", "0 claims"]) await notifier.status(text);
      await notifier.stopping("Restoring");
    });
    const status = got.map(([text]) => text.replace("READY=1\n", ""));
    expect(status).toEqual([
      "STATUS=0 claims",
      "STATUS=1 claims",
      "STATUS=0 claims",
      "STOPPING=1\nSTATUS=Restoring",
    ]);
  }),
);

test("Notifier.status() says again what did not arrive", () =>
  inFolder(async (path) => {
    const notifier = new Notifier({ NOTIFY_SOCKET: path });
    for (let n = 0; n < 2; n++) expect((await notifier.status("1 claims")).ok).toBe(false);
  }));

testNeeding(["python3", "systemd-notify"], "Notifier goes by systemd-notify when bun:ffi can't be had", () =>
  inFolder(async (path) => {
    const got = await received(path, 2, async (env) => {
      const notifier = new Notifier(env, false);
      expect(await notifier.ready("By program")).toEqual(DONE);
      expect(await notifier.reloading()).toEqual(DONE);
    });
    expect(got.map(([text]) => text.trim())).toEqual(["READY=1\nSTATUS=By program", "RELOADING=1"]);
  }),
);

test("Notifier does nothing, and says it is done, when systemd did not ask", async () => {
  for (const env of [{}, { NOTIFY_SOCKET: "" }]) expect(await new Notifier(env).ready("x")).toEqual(DONE);
});

test("Notifier says what is wrong when the socket is gone, too long or of another kind", async () => {
  const why = async (NOTIFY_SOCKET: string, useLibc = true) => {
    const told = await new Notifier({ NOTIFY_SOCKET, PATH: process.env["PATH"] }, useLibc).watchdog();
    return told.ok ? "" : told.error;
  };
  expect(await why("/nonexistent/notify")).toBe("Cannot send a datagram to /nonexistent/notify");
  expect(await why(`/${"x".repeat(107)}`)).toEndWith("is too long");
  expect(await why("vsock:2:1234")).toBe('NOTIFY_SOCKET is "vsock:2:1234", neither a path nor @NAME');
  const told = await new Notifier({ NOTIFY_SOCKET: "/x", PATH: "/nonexistent" }, false).watchdog();
  expect(told.ok ? "" : told.error).toBe("Cannot run systemd-notify: ENOENT");
});

test.each([
  [{}, undefined],
  [{ WATCHDOG_USEC: "30000000" }, 15_000],
  [{ WATCHDOG_USEC: "1" }, 1],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "x" }, undefined],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: String(process.pid) }, 15_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "1" }, undefined],
])("Notifier.watchdogMs for %j is %p", (env, ms) => {
  expect(new Notifier(env).watchdogMs).toBe(ms as number);
});
