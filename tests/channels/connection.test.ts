// One connection of a guest after another: nothing of an old one is left to the next, and nothing that comes late is taken.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
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
