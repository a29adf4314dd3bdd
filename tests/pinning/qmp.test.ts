// QEMU's monitor, real and misbehaving.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { queryVm } from "../../internal/pinning/qmp.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

const GREETING = '{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n';
const SOON = { timeoutMs: 100, maxBytes: 1 << 20 };

/** A monitor that says `greeting` at once and `answers` when it is asked, and what it heard. */
async function asking(greeting: string, answers: string[], bounds = { timeoutMs: 3000, maxBytes: 1 << 20 }) {
  const dir = mkdtempSync(join(tmpdir(), "powermon-qmp-"));
  let heard = "";
  let open = 0;
  const listener = Bun.listen({
    unix: join(dir, "q"),
    socket: {
      open: (socket) => {
        open++;
        socket.write(greeting);
      },
      data: (socket, bytes) => {
        heard += bytes.toString();
        if (heard.split("\n").length < 3) return;
        for (const answer of answers) socket.write(answer);
      },
      close: () => void open--,
    },
  });
  try {
    const result = await queryVm(join(dir, "q"), bounds);
    await until("the connection is closed", () => open === 0);
    return { result, heard, why: result.ok ? "" : result.error.replace(/^.*\/q": /, "") };
  } finally {
    listener.stop(true);
    rmSync(dir, { recursive: true });
  }
}

const cpu = (index: unknown, thread: unknown) => ({
  "cpu-index": index,
  "thread-id": thread,
  target: "x86_64",
});
const answer = (cpus: unknown) => `${JSON.stringify({ return: cpus, id: "powermon" })}\r\n`;

test("queryVm() negotiates, asks once and answers by vCPU, past events and others' answers", async () => {
  const said = await asking(GREETING, [
    '{"return": {}}\r\n{"event": "STOP", "data": {}, "timestamp": {}}\r\n{"return": [], "id": "other"}\r\n',
    '{"return": {"running": false, "status": "paused"}, "id": "powermon-status"}\r\n',
    answer([cpu(1, 41), cpu(0, 40)]),
  ]);
  expect(said.result).toEqual({
    ok: true,
    value: {
      threads: [
        { vcpu: 0, threadId: 40 },
        { vcpu: 1, threadId: 41 },
      ],
      paused: true,
    },
  });
  expect(
    said.heard
      .trimEnd()
      .split("\r\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { execute: "qmp_capabilities" },
    { execute: "query-status", id: "powermon-status" },
    { execute: "query-cpus-fast", id: "powermon" },
  ]);
});

test("queryVm() puts answers together that come in pieces", async () => {
  const whole = `{"return": {}}\r\n${answer([cpu(0, 40)])}`;
  expect((await asking(GREETING, [...whole])).result).toEqual({
    ok: true,
    value: { threads: [{ vcpu: 0, threadId: 40 }], paused: false },
  });
});

const HELD = "it serves one client at a time and may be held by another: it did not greet within 100 ms";
test.each<[string, string, string[], string]>([
  ["is held by somebody else", "", [], HELD],
  ["greets and never answers", GREETING, ['{"return": {}}\r\n'], "it did not answer within 100 ms"],
  ["is no monitor", "SSH-2.0\n", [], "it is no QMP monitor"],
  ["speaks JSON that is no greeting", "null\n", [], "it is no QMP monitor"],
  [
    "refuses",
    GREETING,
    ['{"error": {"class": "CommandNotFound", "desc": "no such command"}}\r\n'],
    "no such command",
  ],
])("queryVm() says so when the monitor %s", async (_, greeting, answers, why) => {
  expect((await asking(greeting, answers, SOON)).why).toBe(why);
});

test.each([
  ["no list", {}],
  ["a negative vCPU", [cpu(-1, 5)]],
  ["half a vCPU", [cpu(0.5, 5)]],
  ["thread 0", [cpu(0, 0)]],
  ["a thread that is a word", [cpu(0, "5")]],
  ["too many vCPUs", Array.from({ length: 4097 }, (_, i) => cpu(i, 5))],
])("queryVm() refuses an answer with %s", async (_, cpus) => {
  expect((await asking(GREETING, [answer(cpus)])).why).toStartWith("its answer is not query-cpus-fast's: ");
});

test("queryVm() stops listening to a monitor that never stops", async () => {
  const said = await asking("x".repeat(5000), [], { timeoutMs: 3000, maxBytes: 4096 });
  expect(said.why).toBe("it said more than 4096 bytes");
});

test("queryVm() names the path when nobody listens there", async () => {
  expect(await queryVm("/nonexistent/q")).toEqual({
    ok: false,
    error: 'Cannot ask QEMU\'s monitor "/nonexistent/q": ENOENT',
  });
});

testNeeding(
  ["qemu-system-x86_64"],
  "queryVm() names real threads of a real QEMU, again and again",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "powermon-qmp-"));
    const path = join(dir, "q");
    const words =
      "qemu-system-x86_64 -S -display none -nodefaults -machine pc,accel=tcg -m 32 -smp 3 -name x,debug-threads=on";
    const command = [...words.split(" "), "-qmp", `unix:${path},server=on,wait=off`];
    const qemu = Bun.spawn(command, { stdout: "ignore", stderr: "ignore", timeout: 9000 });
    try {
      await until("QEMU's monitor answers", async () => (await queryVm(path)).ok, 8000);
      for (let round = 0; round < 3; round++) {
        const vm = await queryVm(path);
        if (!vm.ok) throw new Error(vm.error);
        expect(vm.value.paused).toBe(true); // started with -S
        expect(vm.value.threads.map(({ vcpu }) => vcpu)).toEqual([0, 1, 2]);
        for (const { vcpu, threadId } of vm.value.threads) {
          expect(readFileSync(`/proc/${qemu.pid}/task/${threadId}/comm`, "utf8")).toBe(`CPU ${vcpu}/TCG\n`);
        }
      }
    } finally {
      qemu.kill();
      await qemu.exited;
      rmSync(dir, { recursive: true });
    }
  },
);
