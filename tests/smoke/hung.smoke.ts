// A write to one clock that never returns, and a powermon that can't even be killed over it: the other VMs are served by the next one.

import { expect, onTestFinished } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import type { StatusReport } from "../../internal/api/status.ts";
import { readLeftCall } from "../../internal/os/call-mark.ts";
import { isBeingKilled } from "../../internal/os/process.ts";
import { isStuck, markOf, readHung } from "../../internal/sysfs/hung.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { type Daemon, DIST, type Machine, startDaemon } from "../helpers/daemon.ts";
import { frame } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";
import { type KernelMachine, startMachine } from "../kernel/machine.ts";

const POLICY = "cpufreq/policy0";
const PINS = ["--pin", "vm0:0=0", "--pin", "vm1:0=1"];

const started: Daemon[] = [];

/** The machine, as startDaemon() takes one. */
function machineOf(kernel: KernelMachine): Machine {
  const dir = `${kernel.root}/channels`;
  mkdirSync(dir);
  return {
    tree: kernel,
    dir,
    stateDir: kernel.roots.stateDir,
    roots: [...kernel.flags, ...kernel.stateFlags],
    policy: (cpu, file) => kernel.read(`cpufreq/policy${cpu}/${file}`),
    remove: () => {},
  };
}

/** As a driver that is stuck holds its clock: no call on any of its files returns, reading included. */
function hang(kernel: KernelMachine, isStuck: boolean): void {
  const files = readdirSync(`${kernel.sys}/devices/system/cpu/${POLICY}`);
  for (const file of files)
    kernel.fault(`${POLICY}/${file}`, isStuck ? { read: "hangs", write: "hangs" } : undefined);
}

/** Runs dist/powermon without waiting for more than its end: a child of it may hang for ever. */
async function powermon(...args: string[]) {
  const process = Bun.spawn([`${DIST}/powermon`, ...args], {
    env: { PATH: "/usr/bin:/bin" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(process.stdout).text(),
    new Response(process.stderr).text(),
    process.exited,
  ]);
  return { out, err, status };
}

const kindOf = async (guest: QemuSocket): Promise<string> =>
  decodeReply(await guest.ask(frame({ step: "min" }))).kind;

/** A machine of two guests whose powermon runs. */
async function hosting() {
  const kernel = await startMachine("acpi-cpufreq-boost");
  const machine = machineOf(kernel);
  const guests = [0, 1].map((n) => new QemuSocket(`${machine.dir}/vm${n}.0`)) as [QemuSocket, QemuSocket];
  onTestFinished(async () => {
    hang(kernel, false);
    for (const guest of guests) guest.quit();
    for (const daemon of started.splice(0)) daemon.kill("SIGKILL");
    await kernel.remove();
  });
  const start = async () => {
    const connected = guests.map(({ connections }) => connections);
    const daemon = await startDaemon(machine, PINS);
    started.push(daemon);
    for (const [n, guest] of guests.entries())
      await until("it connects", () => guest.connections > (connected[n] ?? 0));
    return daemon;
  };
  const ask = (...words: string[]) => powermon(...words, "--socket", `${machine.stateDir}/control.sock`);
  const governors = () => [0, 1].map((cpu) => machine.policy(cpu, "scaling_governor"));
  const before = governors();
  const daemon = await start();
  for (const guest of guests) expect(await kindOf(guest)).toBe("ack");
  expect(machine.policy(1, "scaling_governor")).toBe("userspace");
  return { kernel, machine, guests, start, ask, governors, before, daemon };
}

/** Has powermon hang in a write, and kills it as systemd's watchdog does: the kernel lets nothing end that waits in a driver. */
async function hangIn({ kernel, guests: [guest], machine, daemon }: Awaited<ReturnType<typeof hosting>>) {
  hang(kernel, true);
  guest.send(frame({ step: "max" }));
  await until("a call hangs", () => kernel.hangs() === 1);
  expect(readLeftCall(markOf(machine.stateDir))?.path).toContain(`${POLICY}/`);
  daemon.kill("SIGKILL");
  await until("it is killed and hangs on", () => isBeingKilled(daemon.pid));
}

const LEFT = /A call on ".*policy0\/scaling_\w+" did not return .*the clock of CPU 0 is left alone/;

testNeeding(
  ["root and FUSE"],
  "powermon leaves a clock alone on which the one before hung, and serves the others, when that one can't be killed",
  async () => {
    const at = await hosting();
    const { kernel, machine, guests, start, ask, governors, before, daemon: first } = at;
    await hangIn(at);

    const restored = await powermon("restore", ...machine.roots);
    expect(restored.status).toBe(1);
    expect(restored.out).toContain("policy1: restored");
    expect(restored.err).toMatch(LEFT);
    expect(machine.policy(1, "scaling_governor")).toBe(before[1] as string);

    const second = await start();
    expect(second.log()).toContain("its connections were ended");
    expect(second.log()).toMatch(LEFT);
    expect(await kindOf(guests[1])).toBe("ack");
    expect(await kindOf(guests[0])).toBe("nack");

    const { hung } = JSON.parse((await ask("status", "--json")).out) as StatusReport;
    expect(hung).toMatchObject([{ cpus: [0], tries: 0 }]);
    expect((await ask("status")).out).toContain("policy0/scaling_setspeed did not return");
    const explained = await ask("explain", "0");
    expect(explained).toMatchObject({ status: 1, out: "" });
    expect(explained.err).toMatch(LEFT);
    expect((await ask("metrics")).out).toContain("\npowermon_hung_files 1\n");
    expect((await ask("vm", "show", "vm0")).out).toContain("powermon freq retry 0");
    // Other processes would hang in it, too.
    const config = `${kernel.root}/powermon.toml`;
    writeFileSync(config, `state_dir = ${JSON.stringify(machine.stateDir)}\n`);
    const checked = await powermon("check", "--config", config, ...kernel.flags);
    expect(checked.out).toMatch(/problem: hung: A call on .*, and process \d+ is still in it/);
    const apply = (...words: string[]) => ask("profile", "apply", "powersave", ...words, ...machine.roots);
    const all = await apply();
    expect(all.out).toContain("Left out: governor, floor, ceiling, epp: the clock of CPU 0 is left alone");
    expect(all.out).toContain("Left out: boost: a clock that the switch would write, too, is left alone");
    expect(await apply("--cpus", "1")).toMatchObject({ status: 0, err: "" });
    expect(await ask("profile", "off", ...machine.roots)).toMatchObject({ status: 0, err: "" });
    const retried = await ask("freq", "retry", "0");
    expect(retried).toMatchObject({ status: 0, out: expect.stringContaining("still hangs") });
    expect(kernel.hangs()).toBe(1);
    expect(await kindOf(guests[1])).toBe("ack");

    hang(kernel, false);
    await first.exited;
    const again = await ask("freq", "retry", "0");
    expect(again).toMatchObject({ status: 0, out: expect.stringContaining("answers"), err: "" });
    await until("the clock is served again", async () => (await kindOf(guests[0])) === "ack");
    expect(machine.policy(0, "scaling_governor")).toBe("userspace");
    expect((await ask("metrics")).out).toContain("\npowermon_hung_files 0\n");
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(governors()).toEqual(before);
  },
  60_000,
);

testNeeding(
  ["root and FUSE"],
  "powermon restore ends, and puts the other clocks back, when a clock hangs that it tries itself",
  async () => {
    const at = await hosting();
    const { kernel, machine, start, governors, before, daemon, guests } = at;
    await hangIn(at);
    // The call comes back, its process ends, and the next one does not come back.
    hang(kernel, false);
    await daemon.exited;
    hang(kernel, true);

    const restored = await powermon("restore", ...machine.roots);
    expect(restored.status).toBe(1);
    expect(restored.out).toContain("policy1: restored");
    expect(restored.err).toMatch(LEFT);
    expect(kernel.hangs()).toBe(1);
    const second = await start();
    expect(second.log()).toMatch(LEFT);
    expect(await kindOf(guests[1])).toBe("ack");
    second.kill("SIGTERM");
    // The clock that hangs is none of its own.
    expect(await second.exited).toBe(0);

    const left = readHung(kernel.roots);
    expect(left).toMatchObject({ ok: true, value: [{ cpus: [0], tries: 1 }] });
    hang(kernel, false);
    await until("who tried it ends", () => left.ok && !left.value.some(isStuck));
    const freed = await powermon("restore", ...machine.roots);
    expect(freed).toMatchObject({ status: 0, out: expect.stringContaining("policy0: restored"), err: "" });
    expect(governors()).toEqual(before);
    expect((await powermon("restore", ...machine.roots)).out).toContain("Nothing to restore");
  },
  60_000,
);

testNeeding(
  ["root and FUSE"],
  "powermon serves a clock as before when it was killed in a call that came back",
  async () => {
    const at = await hosting();
    const { kernel, machine, start, guests } = at;
    await hangIn(at);
    hang(kernel, false);
    await at.daemon.exited;
    expect(readLeftCall(markOf(machine.stateDir))?.path).toContain(POLICY);

    const second = await start();
    expect(second.log()).not.toMatch(LEFT);
    for (const guest of guests) expect(await kindOf(guest)).toBe("ack");
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(at.governors()).toEqual(at.before);
  },
  60_000,
);
