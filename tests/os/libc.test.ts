import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import {
  libcPath,
  libcProblem,
  monotonicUsec,
  peerCredentials,
  readAffinity,
  SeqpacketSocket,
  sendDatagram,
  setAffinity,
  systemCall,
} from "../../internal/os/libc.ts";
import { testNeeding } from "../helpers/needing.ts";

test("readAffinity() and setAffinity() agree with the kernel about a real process", () => {
  const child = Bun.spawn(["sleep", "60"]);
  try {
    const before = readAffinity(child.pid) ?? [];
    expect(before.length).toBeGreaterThan(0);
    const last = before.at(-1) as number;
    expect(setAffinity(child.pid, [last])).toEqual({ ok: true, value: undefined });
    expect(readAffinity(child.pid)).toEqual([last]);
    const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
    expect(status).toContain(`Cpus_allowed_list:\t${last}\n`);
  } finally {
    child.kill();
  }
});

test("readAffinity() and setAffinity() answer no for a thread that is not there", () => {
  expect(readAffinity(2 ** 22 + 5)).toBeUndefined();
  expect(setAffinity(2 ** 22 + 5, [0]).ok).toBe(false);
  expect(setAffinity(process.pid, [99999]).ok).toBe(false);
});

test("peerCredentials() names the process at the other end", async () => {
  const path = `/tmp/peer-${crypto.randomUUID()}`;
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  const connected = Promise.withResolvers<number>();
  const socket = await Bun.connect({
    unix: path,
    socket: { data() {}, open: (s) => connected.resolve((s as unknown as { fd: number }).fd) },
  });
  const peer = peerCredentials(await connected.promise);
  expect(peer).toMatchObject({ ok: true, value: { pid: process.pid, uid: process.getuid?.() } });
  socket.end();
  server.close();
  expect(peerCredentials(999_999).ok).toBe(false);
});

test("libcPath() is a whole path, and libcProblem() tells none", () => {
  expect(libcPath()).toStartWith("/");
  expect(libcProblem()).toBeUndefined();
});

test("systemCall() returns the errno below zero when the kernel says no", () => {
  expect(systemCall(1_000_000, new Uint8Array(8), 0, 0, 0, 0)).toBe(-38);
});

test("sendDatagram() and SeqpacketSocket.connect() answer no to a path that nobody listens on or that is too long", () => {
  for (const path of ["/nonexistent/socket", `/${"x".repeat(107)}`]) {
    expect(sendDatagram(path, "x").ok).toBe(false);
    expect(SeqpacketSocket.connect(path)).toBeUndefined();
  }
});

testNeeding(["python3"], "monotonicUsec() is the clock that other programs read", async () => {
  const before = monotonicUsec();
  const python = Bun.spawnSync([
    "python3",
    "-c",
    "import time; print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)",
  ]);
  const between = BigInt(python.stdout.toString().trim());
  expect(between > before && between < monotonicUsec()).toBe(true);
});

test("dropStartCode() takes pages of code out of memory, and the process runs on", () => {
  const code = `
    import { dropStartCode } from ${JSON.stringify(`${import.meta.dir}/../../internal/os/libc.ts`)};
    import { readFileSync } from "node:fs";
    const resident = () => Number(/^RssFile:\\s*(\\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
    const before = resident();
    const dropped = dropStartCode();
    console.log(JSON.stringify({ before, after: resident(), dropped }));`;
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", code]);
  const { before, after, dropped } = JSON.parse(stdout.toString()) as Record<string, number>;
  expect(exitCode).toBe(0);
  expect(dropped).toBeGreaterThan(1 << 20);
  expect(after).toBeLessThan((before ?? 0) - 4096); // KiB
});
