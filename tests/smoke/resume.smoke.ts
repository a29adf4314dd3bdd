// The host's profile after a sleep over which the kernel changed some of it.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { ControlClient } from "../../internal/control/client.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";

const MAX = encodeRequest({ kind: "scale", step: "max", vcpu: 0, vmName: "", physical: false }, "18.11");

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon;

beforeEach(() => {
  machine = makeMachine("amd-pstate-epp-4cpu-smt");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
});
afterEach(async () => {
  daemon.kill("SIGTERM");
  await daemon.exited;
  vm1.quit();
  machine.remove();
});

const file = (cpu: number) =>
  `${machine.tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/energy_performance_preference`;
const epp = (cpu: number) => readFileSync(file(cpu), "utf8").split("\n")[0] ?? "";

/** Puts a profile in force that wants EPP power, lets a guest claim CPU 2, and changes EPP as the kernel does over S3. */
async function start(more: string): Promise<ControlClient> {
  const config = `${machine.tree.root}/powermon.toml`;
  const pins = '[pinning]\nsources = ["static"]\n[vm.vm1.pins]\n0 = 2\n';
  writeFileSync(config, `${more}${pins}[profile.cap.cpus.all]\nepp = "power"\n`);
  daemon = await startDaemon(machine, ["--config", config]);
  const applied = await runBinary("powermon", ["profile", "apply", "cap", ...machine.roots]);
  expect(applied).toMatchObject({ status: 0, err: "" });
  await vm1.hosted();
  await vm1.ask(MAX);
  expect([0, 1, 2, 3].map(epp)).toEqual(["power", "power", "power", "power"]);
  for (const cpu of [1, 2]) writeFileSync(file(cpu), "performance\n");
  return new ControlClient(`${machine.stateDir}/control.sock`);
}

test("a profile is written again after a sleep, beneath the claims that stand in it", async () => {
  const client = await start("");
  const clock = machine.policy(2, "scaling_max_freq");
  expect((await client.ask("resumed")).ok).toBe(true);
  expect([0, 1, 2, 3].map(epp)).toEqual(["power", "power", "power", "power"]);
  expect(machine.policy(2, "scaling_max_freq")).toBe(clock);
  expect(daemon.log()).toContain("The profile had changed over the sleep; written again profile=cap");
  expect((await client.ask("resumed")).ok).toBe(true);
  expect(daemon.log().match(/The profile had changed/g)).toHaveLength(1);
});

test("a profile that changed over a sleep is only told of where drift is to be reported", async () => {
  const client = await start('[cpufreq]\ndrift = "report"\n');
  expect((await client.ask("resumed")).ok).toBe(true);
  expect([1, 2].map(epp)).toEqual(["performance", "performance"]);
  expect(daemon.log()).toContain("The profile has changed over the sleep; left as it is profile=cap");
});
