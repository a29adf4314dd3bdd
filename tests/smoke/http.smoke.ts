// Clients of the built daemon's two listeners that ask for more than they read, or for nothing: guests must not feel them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type Daemon, type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { frame } from "../helpers/lab.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

const ASK = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon;
let clients: Socket[];
beforeEach(async () => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  clients = [];
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(config, '[http]\nlisten = "127.0.0.1:0"\n');
  daemon = await startDaemon(machine, ["--config", config, "--log-level", "info", "--pin", "vm1:0=2"]);
  await until("it listens", () => daemon.log().includes("http://127.0.0.1:"));
  await vm1.hosted();
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  vm1.quit();
  daemon.kill("SIGKILL");
  await daemon.exited;
  machine.remove();
});

describe.each(["the control socket", "the HTTP listener"])("%s", (where) => {
  /** Connects without ever reading or closing, and writes `text`. */
  const client = async (text = "") => {
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(daemon.log())?.[1]);
    const place =
      where === "the HTTP listener"
        ? { port, host: "127.0.0.1" }
        : { path: `${machine.stateDir}/control.sock` };
    const socket = connect({ ...place, allowHalfOpen: true });
    socket.on("error", () => {});
    clients.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.pause();
    socket.write(text);
    return socket;
  };

  test("does not answer what is not read, and lets guests be served", async () => {
    const before = residentMiB();
    for (let i = 0; i < 32; i++) await client(ASK.repeat(5000));
    for (let i = 0; i < 100; i++)
      expect((await vm1.ask(frame({ step: i % 2 ? "max" : "min" }))).length).toBe(464);
    // All answers together would be more than a gigabyte.
    expect(residentMiB() - before).toBeLessThan(120);
  }, 30_000);

  test("ends connections whose requests only trickle, and those that don't read their answers", async () => {
    const before = sockets();
    await client(ASK.repeat(5000));
    const slow = await client("GET /metrics HTTP/1.1\r\nHost: localhost\r\n");
    await until("both are taken", () => sockets() === before + 2);
    const trickle = setInterval(() => slow.write("x: y\r\n"), 100);
    await until("both are gone", () => sockets() === before, 40_000);
    clearInterval(trickle);
  }, 60_000);

  test("closes the connections that it refuses", async () => {
    const before = sockets();
    for (let i = 0; i < 100; i++) await client();
    await until("only 64 are left", () => sockets() === before + 64);
  }, 20_000);
});

function residentMiB(): number {
  const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** Returns how many sockets the daemon has open. */
function sockets(): number {
  const fds = `/proc/${daemon.pid}/fd`;
  return readdirSync(fds).filter((fd) => {
    try {
      return readlinkSync(`${fds}/${fd}`).startsWith("socket:");
    } catch {
      return false;
    }
  }).length;
}
