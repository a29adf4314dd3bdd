// One connection of a guest after another: nothing of an old one is left to the next, and nothing that comes late is taken.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import type { Socket } from "bun";
import type { Connection } from "../../internal/channels/connection.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { ExtensionAsk } from "../../internal/values/extension.ts";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import type { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const extension = async (socket: QemuSocket, what: ExtensionAsk) => {
  const request = {
    kind: "extension",
    vcpu: 0,
    vmName: "",
    physical: false,
    sequence: 1,
    ask: what,
  } as const;
  const reply = decodeReply(await socket.ask(encodeRequest(request, "18.11")));
  return reply.kind === "extension" ? reply.answer : reply;
};
const channelOf = (index: number) => {
  const channel = lab.host.channels.of("vm1").find((one) => one.index === index);
  if (channel === undefined) throw new Error(`vm1.${index} is not there`);
  return channel;
};
const connectionOf = (index: number): Connection => {
  const { connection } = channelOf(index);
  if (connection === undefined) throw new Error(`vm1.${index} is not connected`);
  return connection;
};

test("a connection that is lost takes HELLO, half a frame and wishes along; what it counted stays", async () => {
  lab.start();
  const before = lab.speed(2);
  const vm1 = await lab.guest("vm1.0");
  expect(await extension(vm1, { do: "hello", version: 1, leaseS: 60 })).toMatchObject({ do: "hello" });
  expect(await extension(vm1, { do: "scale", step: "max" })).toMatchObject({ wishKhz: 2_600_000 });
  vm1.send(frame({ step: "min" }).subarray(0, 100));
  const old = connectionOf(0);
  vm1.quit();
  await until("its wishes are gone", () => lab.speed(2) === before);
  vm1.restart();
  await vm1.hosted();
  await until("the channel is back", () => channelOf(0).state === "connected");
  expect(connectionOf(0)).not.toBe(old);
  expect(await extension(vm1, { do: "ping" })).toMatchObject({ no: "no-hello" });
  expect(await ask(vm1, frame({ step: "min" }))).toBe("ack");
  expect(channelOf(0).counts).toMatchObject({ connects: 2, received: 4 });
});

test("what comes late of an ended connection changes nothing", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  await until("the channel is there", () => channelOf(0).state === "connected");
  const channel = channelOf(0);
  const old = connectionOf(0);
  const before = lab.speed(2);
  old.end();
  old.received(frame({ step: "max" }));
  old.failed(new Error("late"));
  old.closed();
  old.end();
  expect([channel.counts.received, lab.speed(2), channel.state]).toEqual([0, before, "connected"]);
  expect(lab.log.join()).not.toContain("late");
  expect(vm1.received.length).toBe(0);
});

test("a claim that falls back does not bring the wish of a connection back that is gone", async () => {
  lab.start();
  const before = lab.speed(2);
  const [first, second] = [await lab.guest("vm1.0"), await lab.guest("vm1.1")];
  expect(await ask(first, frame({ step: "max" }))).toBe("ack");
  await extension(second, { do: "hello", version: 1, leaseS: 60 });
  await extension(second, { do: "scale", step: "min" });
  expect(lab.speed(2)).toBe(800_000);
  first.quit();
  await until("the first is gone", () => lab.host.channels.of("vm1").length === 1);
  expect(await extension(second, { do: "release", all: false })).toMatchObject({ do: "release" });
  expect([lab.host.ledger.empty, lab.speed(2)]).toEqual([true, before]);
});

describe("isSilent()", () => {
  test("is true from lease_s after the last word until its wishes are taken back or it speaks again", async () => {
    lab.start({ ...STATIC, "vm-defaults": { lease_s: 60 } });
    const vm1 = await lab.guest("vm1.0");
    await until("the channel is there", () => channelOf(0).state === "connected");
    const connection = connectionOf(0);
    const later = () => performance.now() + 60_000;
    expect(connection.isSilent(later())).toBe(false);
    await ask(vm1, frame({ step: "max" }));
    expect([connection.isSilent(performance.now()), connection.isSilent(later())]).toEqual([false, true]);
    connection.withdraw();
    expect(connection.isSilent(later())).toBe(false);
    await ask(vm1, frame({ step: "max" }));
    expect(connection.isSilent(later())).toBe(true);
  });
});

describe("a guest that floods", () => {
  /** Bytes on the way at most: what the kernel holds of both directions, one chunk at hand and one behind it. */
  const MOST_WAITING = 1 << 20;
  const listeners: { stop(now: boolean): void }[] = [];
  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.stop(true);
  });

  /** Opens a channel whose guest sends what the host takes until it has sent `most` bytes. */
  function flood(name: string, most: number) {
    const bytes = frame({ step: "max" });
    const burst = new Uint8Array(100 * bytes.length);
    for (let at = 0; at < burst.length; at += bytes.length) burst.set(bytes, at);
    const told = { sent: 0 };
    const go = (socket: Socket<undefined>) => {
      for (let taken = 1; taken > 0 && told.sent < most; told.sent += Math.max(0, taken)) {
        taken = socket.write(burst.subarray(told.sent % burst.length));
      }
    };
    listeners.push(
      Bun.listen({ unix: `${lab.dir}/${name}`, socket: { open: go, drain: go, data: () => {} } }),
    );
    return told;
  }

  test("is not read faster than it is served, and is served whole", async () => {
    const most = 464 * 20_000;
    const told = flood("vm1.0", most);
    lab.start();
    let waited = 0;
    await until(
      "all is served",
      () => {
        const { received } = channelOf(0).counts;
        waited = Math.max(waited, told.sent - received * 464);
        return told.sent >= most && received === told.sent / 464;
      },
      20_000,
    );
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThan(MOST_WAITING);
    expect(channelOf(0).counts).toMatchObject({ malformed: 0, refused: 0 });
  });

  test("does not make another VM wait for its requests", async () => {
    const floods = [0, 1, 2, 3].map((index) => flood(`vm1.${index}`, 464 * 5000));
    let answered: readonly number[] | undefined;
    const served = () => lab.host.channels.of("vm1").map(({ counts }) => counts.received);
    lab.start();
    let ask: (() => void) | undefined;
    listeners.push(
      Bun.listen({
        unix: `${lab.dir}/vm2.0`,
        socket: {
          open(socket) {
            ask = () => void socket.write(frame({ step: "max" }));
          },
          data() {
            answered = served();
          },
        },
      }),
    );
    await until("all are connected and flood", () => ask !== undefined && served().every((n) => n > 100));
    const before = served();
    ask?.();
    await until("it is answered", () => answered !== undefined);
    const meanwhile = (answered ?? []).map((count, at) => count - (before[at] ?? 0));
    // Some turns of all of them together, not the 500 requests that one chunk holds.
    expect(Math.max(...meanwhile)).toBeLessThan(300);
    expect(floods.every(({ sent }) => sent > 0)).toBe(true);
  });

  /** How many sockets this process has. */
  const sockets = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
      } catch {
        return false; // the one that the folder was read by
      }
    }).length;

  test("leaves no socket behind when its channel is taken away amid the flood", async () => {
    lab.start();
    const before = sockets();
    const told = flood("vm1.0", 464 * 100_000);
    await until("it floods", () => told.sent > 464 * 2000);
    expect(lab.host.channels.removeVm("vm1")).toBe(true);
    // What is left is the guest's listener.
    await until("both sides are closed", () => sockets() === before + 1);
    expect(told.sent).toBeLessThan(464 * 100_000);
  });

  test("spends its VM's rate with CONNECTs and packets that are none", async () => {
    lab.start({ ...STATIC, "vm-defaults": { rate: { requests_per_second: 1, burst: 3 } } });
    const vm1 = await lab.guest("vm1.0");
    const connect = encodeRequest({ kind: "connect" }, "18.11");
    const unknown = frame({ step: "max" });
    unknown[8] = 99;
    for (const bytes of [connect, connect, unknown]) vm1.send(bytes);
    expect(await ask(vm1, frame({ step: "max" }))).toBe("nack");
    expect(channelOf(0).counts).toMatchObject({ received: 4, noted: 2, malformed: 1, refused: 1 });
  });
});
