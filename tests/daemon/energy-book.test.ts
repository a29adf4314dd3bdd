// What a guest is told of its joules, by a whole host on a machine of files: whole ones, by the period, and nothing finer however it asks.

import { expect, onTestFinished, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { vmConfig } from "../../internal/config/effective.ts";
import { loadConfig } from "../../internal/config/load.ts";
import { judge } from "../../internal/config/read.ts";
import { Host } from "../../internal/daemon/host.ts";
import { Log } from "../../internal/log.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { staticPins } from "../../internal/pinning/static.ts";
import { openCpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import type { ExtensionAnswer, ExtensionAsk } from "../../internal/values/extension.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { machine, value } from "../sysfs/machine.ts";

/** Two packages of four CPUs; the process at the other end of each channel is this one. */
async function world(name = "intel-server-8cpu", queries = true) {
  const { tree, roots } = machine(name);
  mkdirSync(`${tree.root}/channels`);
  const text = { channels: { dirs: [`${tree.root}/channels`] }, pinning: { sources: ["static" as const] } };
  const read = value(judge("test.toml", { ...text, "vm-defaults": { queries } }));
  const config = value(loadConfig(undefined, `${tree.root}/none`, [{ from: "flags", read }]));
  const host = new Host({
    cpufreq: value(openCpufreq(roots)),
    sysfsRoot: tree.sys,
    procRoot: tree.proc,
    config,
    log: new Log("error", "text", false, () => {}),
    sources: (of) => [staticPins((who) => vmConfig(of, who).pins)],
  });
  host.start();
  const sockets: QemuSocket[] = [];
  onTestFinished(() => {
    host.stop();
    for (const socket of sockets) socket.quit();
  });
  const offsetMs = Date.now() - performance.now();
  let now = performance.now();
  const say = async (socket: QemuSocket, what: ExtensionAsk): Promise<ExtensionAnswer> => {
    const head = { kind: "extension", vcpu: 0, vmName: "", physical: false, sequence: 7 } as const;
    const reply = decodeReply(await socket.ask(encodeRequest({ ...head, ask: what }, "18.11")));
    if (reply.kind !== "extension") throw new Error(reply.kind);
    return reply.answer;
  };
  return {
    tree,
    host,
    say,
    async guest(channel: string): Promise<QemuSocket> {
      const socket = new QemuSocket(`${tree.root}/channels/${channel}`);
      sockets.push(socket);
      await socket.hosted();
      await say(socket, { do: "hello", version: 1, leaseS: 0 });
      return socket;
    },
    ask: (socket: QemuSocket) => say(socket, { do: "energy" }),
    /** Sets what the package used, the busy time of its CPUs and the time of the one vCPU, all since the start. */
    used(joules: number, busyMs: number, vcpuMs: number): void {
      const uj = 125_000_000 + Math.round(joules * 1e6);
      writeFileSync(`${tree.sys}/class/powercap/intel-rapl:0/energy_uj`, `${uj}\n`);
      writeFileSync(`${tree.proc}/stat`, `cpu0 ${1000 + busyMs / 10} 0 0 0 0 0 0\n`);
      vcpuThread(tree.proc, 1e9 + vcpuMs * 1e6);
    },
    /** Looks as the timer does, `seconds` later. */
    async period(seconds = 10, sleptMs = 0): Promise<void> {
      now += seconds * 1000;
      await host.energy.look(now, offsetMs + sleptMs);
    },
  };
}

/** Writes the thread of vCPU 0, which has run for `ns` on CPU 0. */
function vcpuThread(proc: string, ns: number): void {
  const dir = `${proc}/${process.pid}/task/4711`;
  mkdirSync(dir, { recursive: true });
  writeFileSync(`${dir}/comm`, "CPU 0/KVM\n");
  writeFileSync(`${dir}/schedstat`, `${ns} 0 1\n`);
  writeFileSync(`${dir}/stat`, `4711 (CPU 0/KVM) S ${"0 ".repeat(35)}0 0\n`);
}

test("used() tells whole joules of whole periods, the VM's part of the package's", async () => {
  const { ask, guest, period, used } = await world();
  used(0, 0, 0);
  const vm1 = await guest("vm1.0");
  const none = { do: "energy", joules: 0, seconds: 0, periodS: 10, resolutionJ: 1 } as const;
  expect(await ask(vm1)).toEqual(none);
  used(101.5, 8000, 4000);
  // Not until the host has looked, however often it is asked.
  for (let n = 0; n < 20; n++) expect(await ask(vm1)).toEqual(none);
  await period();
  // 50.75 J: what is below a joule is not told, and not lost.
  expect(await ask(vm1)).toEqual({ ...none, joules: 50, seconds: 10 });
  used(102, 9000, 5000);
  expect(await ask(vm1)).toEqual({ ...none, joules: 50, seconds: 10 });
  await period();
  expect(await ask(vm1)).toEqual({ ...none, joules: 51, seconds: 20 });
});

test("used() of a VM that comes later begins at the host's next look, which no question moves", async () => {
  const { ask, guest, period, used } = await world();
  used(0, 0, 0);
  const vm1 = await guest("vm1.0");
  await ask(vm1);
  used(100, 1000, 1000);
  const vm2 = await guest("vm2.0");
  expect(await ask(vm2)).toMatchObject({ joules: 0, seconds: 0 });
  await period();
  expect([await ask(vm1), await ask(vm2)]).toMatchObject([{ joules: 100 }, { joules: 0, seconds: 0 }]);
  used(150, 2000, 2000);
  await period();
  expect([await ask(vm1), await ask(vm2)]).toMatchObject([
    { joules: 150, seconds: 20 },
    { joules: 50, seconds: 10 },
  ]);
});

test("used() does not count a period in which the machine slept, a long one, or one of other threads", async () => {
  const { ask, guest, period, tree, used } = await world();
  used(0, 0, 0);
  const vm1 = await guest("vm1.0");
  await ask(vm1);
  used(100, 1000, 1000);
  await period(10, 30_000);
  expect(await ask(vm1)).toMatchObject({ joules: 0, seconds: 0 });
  used(200, 2000, 2000);
  await period(61, 30_000);
  expect(await ask(vm1)).toMatchObject({ joules: 0, seconds: 0 });
  rmSync(`${tree.proc}/${process.pid}/task/4711`, { recursive: true });
  await period(10, 30_000);
  used(300, 3000, 3000);
  await period(10, 30_000);
  expect(await ask(vm1)).toMatchObject({ joules: 0, seconds: 0 });
  used(400, 4000, 4000);
  await period(10, 30_000);
  expect(await ask(vm1)).toMatchObject({ joules: 100, seconds: 10 });
});

test("used() is refused where there is no meter, no known thread, and no leave to query", async () => {
  const bare = await world("cppc-cpufreq-4cpu");
  const text = "The host has no meter that it can read of its CPUs' energy.";
  expect(await bare.ask(await bare.guest("vm1.0"))).toEqual({ do: "no", no: "no-meter", text });
  const nameless = await world();
  const why = {
    do: "no",
    no: "no-meter",
    text: expect.stringContaining("doesn't know which of its threads"),
  };
  expect(await nameless.ask(await nameless.guest("vm1.0"))).toMatchObject(why);
  const shut = await world("intel-server-8cpu", false);
  shut.used(0, 0, 0);
  expect(await shut.ask(await shut.guest("vm1.0"))).toMatchObject({ do: "no", no: "queries-off" });
});
