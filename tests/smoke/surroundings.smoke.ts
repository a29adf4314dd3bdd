// powermon where the ground is poorer than usual, and where flags and files disagree.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

const MAX = encodeRequest({ kind: "scale", step: "max", vcpu: 0, vmName: "", physical: false }, "18.11");

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon;
const config = () => `${machine.tree.root}/powermon.toml`;

beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
});
afterEach(async () => {
  daemon.kill("SIGTERM");
  await daemon.exited;
  vm1.quit();
  machine.remove();
});

/** Listens as systemd does; `told` has all lines of all datagrams. */
async function listenAsSystemd() {
  const address = `${machine.tree.root}/notify`;
  const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
while True: print(s.recv(65536).decode(), flush=True)`;
  const systemd = Bun.spawn(["python3", "-c", receiver, address], { stdout: "pipe", timeout: 20_000 });
  let told = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of systemd.stdout) told += decoder.decode(bytes, { stream: true });
  })();
  await until("systemd listens", () => existsSync(address));
  const end = async () => {
    systemd.kill();
    await reading;
  };
  return { address, told: () => told, end };
}

test("without bun:ffi the cause is named, and a VM's process is found by its socket", async () => {
  const { proc } = machine.tree;
  const [pid, inode] = [7777, 424_242];
  const thread = `${proc}/${pid}/task/7778`;
  mkdirSync(thread, { recursive: true });
  writeFileSync(`${thread}/comm`, "CPU 0/KVM\n");
  writeFileSync(`${thread}/status`, "Name:\tCPU 0/KVM\nCpus_allowed_list:\t2\n");
  mkdirSync(`${proc}/${pid}/fd`);
  symlinkSync(`socket:[${inode}]`, `${proc}/${pid}/fd/12`);
  mkdirSync(`${proc}/net`, { recursive: true });
  const bound = `0000000000000000: 00000002 00000000 00010000 0001 01 ${inode} ${machine.dir}/vm1.0\n`;
  writeFileSync(`${proc}/net/unix`, `Num       RefCount Protocol Flags    Type St Inode Path\n${bound}`);
  daemon = await startDaemon(machine, [], "/", { BUN_JSC_useJIT: "0" });
  await vm1.hosted();
  await vm1.ask(MAX);
  expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
  expect(daemon.log()).toContain("bun:ffi does not work here");
  expect(daemon.log()).toContain("requires the JIT");
});

testNeeding(["python3"], "a watchdog of more than 24 days is not told 900 times a second", async () => {
  const systemd = await listenAsSystemd();
  const usec = `${2 * 2 ** 31 * 1000}`;
  daemon = await startDaemon(machine, [], "/", { NOTIFY_SOCKET: systemd.address, WATCHDOG_USEC: usec });
  await until("it is ready", () => systemd.told().includes("READY=1"));
  for (let i = 0; i < 5; i++)
    await runBinary("powermon", ["status", "--socket", `${machine.stateDir}/control.sock`]);
  daemon.kill("SIGTERM");
  await daemon.exited;
  await until("its end is told", () => systemd.told().includes("STOPPING=1"));
  await systemd.end();
  expect(systemd.told()).not.toContain("WATCHDOG=1");
});

testNeeding(["python3"], "systemd's status line follows channels and claims without a watchdog", async () => {
  const systemd = await listenAsSystemd();
  daemon = await startDaemon(machine, ["--pin", "vm1:0=2"], "/", { NOTIFY_SOCKET: systemd.address });
  await vm1.hosted();
  await until("the channel is told", () => systemd.told().includes("1 of 1 channels connected, 0 claims"));
  await vm1.ask(MAX);
  await until("the claim is told", () => systemd.told().includes("1 of 1 channels connected, 1 claims"));
  await systemd.end();
});

test("a service whose standard error is no longer the journal marks no line with a priority", async () => {
  daemon = await startDaemon(machine, [], "/", { JOURNAL_STREAM: "1:1" });
  expect(daemon.log()).toMatch(/^(info|warn): /);
});

test("the configuration's control socket stands beside --state-dir, and --socket over both", async () => {
  const [named, flagged] = [`${machine.tree.root}/named/control.sock`, `${machine.tree.root}/flagged.sock`];
  mkdirSync(`${machine.tree.root}/named`);
  writeFileSync(config(), `[control]\nsocket = "${named}"\n`);
  daemon = await startDaemon(machine, ["--config", config()]);
  expect((await runBinary("powermon", ["status", "--socket", named])).status).toBe(0);
  expect(existsSync(`${machine.stateDir}/control.sock`)).toBe(false);
  daemon.kill("SIGTERM");
  await daemon.exited;
  daemon = await startDaemon(machine, ["--config", config(), "--socket", flagged]);
  expect((await runBinary("powermon", ["status", "--socket", flagged])).status).toBe(0);
  expect(existsSync(named)).toBe(false);
});
