// The host's own profile by the built executables: the daemon does it for the commands, and a crash loses nothing.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";
import { changed, snapshot } from "../power/snapshot.ts";

const MAX = encodeRequest({ kind: "scale", step: "max", vcpu: 0, vmName: "", physical: false }, "18.11");

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon;
let before: Record<string, string> = {};

const files = () => snapshot(`${machine.tree.sys}/devices/system/cpu`);
const powermon = (...words: readonly string[]) => runBinary("powermon", [...words, ...machine.roots]);
const speed = () => machine.policy(2, "scaling_setspeed");

beforeEach(async () => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  before = files();
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(
    config,
    '[pinning]\nsources = ["static"]\n[vm.vm1.pins]\n0 = 2\n[profile.cap.cpus.all]\nceiling = 2000000\n',
  );
  daemon = await startDaemon(machine, ["--config", config]);
  await vm1.hosted();
  await vm1.ask(MAX);
  expect(speed()).toBe("2600000");
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  vm1.quit();
  machine.remove();
});

test("profile apply and off go through the daemon, which names who asked; its end puts both back", async () => {
  const dry = await powermon("profile", "apply", "cap", "--dry-run");
  expect(dry.out).toContain("Would be in force: cap; it changes 4 of the kernel's settings");
  expect(speed()).toBe("2600000");
  expect(await powermon("profile", "apply", "cap")).toEqual({
    status: 0,
    out: "In force: cap; it changes 4 of the kernel's settings\n",
    err: "",
  });
  expect(speed()).toBe("2000000");
  expect((await powermon("profile", "verify")).out).toContain("Guests' claims hold domain 2 within it");
  await until("it is logged", () => daemon.log().includes('request="PUT /v1/profile"'));
  expect(daemon.log()).toMatch(/request="PUT \/v1\/profile" .*"name\\":\\"cap\\".* uid=\d+ pid=\d+/);
  expect((await powermon("profile", "off")).status).toBe(0);
  expect(speed()).toBe("2600000");
  expect((await powermon("profile", "apply", "cap")).status).toBe(0);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(changed(before, files())).toEqual([]);
  expect((await powermon("restore")).out).toBe("Nothing to restore.\n");
});

test("after SIGKILL restore puts the guests' clocks back and then the profile", async () => {
  expect((await powermon("profile", "apply", "cap")).status).toBe(0);
  daemon.kill("SIGKILL");
  await daemon.exited;
  expect((await powermon("profile", "off")).status).toBe(3);
  expect((await powermon("profile", "apply", "balanced")).status).toBe(3);
  expect(await powermon("restore")).toEqual({
    status: 0,
    out: "policy2: restored\nprofile cap: off\n",
    err: "",
  });
  expect(changed(before, files())).toEqual([]);
});

test("suspend goes through the daemon: a guest's claim speaks against it, and stands again after", async () => {
  const refused = await powermon("suspend", "freeze", "--wake", "none");
  expect(refused.status).toBe(3);
  expect(refused.err).toContain("VM vm1 runs and has 1 claim; force sleeps in spite of it.");
  const slept = await powermon("suspend", "freeze", "--wake", "none", "--force");
  expect(slept).toMatchObject({ status: 0, out: expect.stringContaining("(freeze by kernel)") });
  expect(speed()).toBe("2600000");
  await until("it is logged", () => daemon.log().includes('request="POST /v1/suspend"'));
  expect(daemon.log()).toMatch(/The host goes to sleep target=freeze[^]*The host is awake/);
});
