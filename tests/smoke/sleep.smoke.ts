// A sleep that is cut off while VMs are prepared for it, by the built executables: whoever cuts it off, the VMs run again and the host does not sleep.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Daemon, DIST, type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { until } from "../helpers/until.ts";
import { changed, snapshot } from "../power/snapshot.ts";

/** virsh over a folder with a file for each VM, which holds its state. Pausing one takes longer than a test waits for a signal to come. */
const VIRSH = `#!/bin/sh
cd "$(dirname "$0")/../vms" || exit 1
shift 3
case $1 in
list) for vm in *; do [ "$(cat "$vm")" = running ] && echo "$vm name-${"${vm%%-*}"}"; done; exit 0 ;;
domstate) cat "$2" ;;
suspend) echo paused > "$2"; sleep 0.4 ;;
resume) echo running > "$2" ;;
*) exit 1 ;;
esac
`;
const VMS = [1, 2, 3].map((n) => `0000000${n}-0000-4000-8000-000000000000`);

let machine: Machine;
let env: Record<string, string>;
let before: Record<string, string>;
let daemon: Daemon | undefined;

const states = () => VMS.map((vm) => readFileSync(`${machine.tree.root}/vms/${vm}`, "utf8").trim());
const paused = () => states().filter((state) => state === "paused").length;
const running = () => states().every((state) => state === "running");
const powermon = (...words: string[]) =>
  Bun.spawn([`${DIST}/powermon`, ...words, ...machine.roots], {
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
const suspend = () => powermon("suspend", "mem", "--duration", "100", "--prepare", "pause");
const written = () => changed(before, snapshot(`${machine.tree.sys}`));

beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-boost");
  const { root } = machine.tree;
  for (const dir of ["vms", "bin"]) mkdirSync(`${root}/${dir}`);
  for (const vm of VMS) writeFileSync(`${root}/vms/${vm}`, "running\n");
  writeFileSync(`${root}/bin/virsh`, VIRSH);
  chmodSync(`${root}/bin/virsh`, 0o755);
  env = { PATH: `${root}/bin:/usr/bin:/bin` };
  before = snapshot(machine.tree.sys);
  daemon = undefined;
});
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  machine.remove();
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "suspend brings its VMs back and does not sleep when %s ends it",
  async (signal) => {
    const asked = suspend();
    await until("one is paused", () => paused() > 0);
    asked.kill(signal);
    expect(await asked.exited).toBe(1);
    expect(await new Response(asked.stderr).text()).toContain("it was interrupted before the host slept");
    expect([running(), written()]).toEqual([true, []]);
  },
);

test("restore brings a killed suspend's VMs back", async () => {
  const asked = suspend();
  await until("two are paused", () => paused() > 1);
  asked.kill("SIGKILL");
  await asked.exited;
  const restored = powermon("restore");
  expect(await new Response(restored.stdout).text()).toContain("sleep: VM name-00000001 brought back");
  expect([await restored.exited, running(), written()]).toEqual([0, true, []]);
  const again = powermon("restore");
  expect(await new Response(again.stdout).text()).toBe("Nothing to restore.\n");
});

test("a running powermon brings the VMs back when the client that asked has left", async () => {
  daemon = await startDaemon(machine, [], "/", env);
  const asked = suspend();
  await until("one is paused", () => paused() > 0);
  asked.kill("SIGKILL");
  await until("all run", running);
  await until(
    "it is said",
    () => daemon?.log().includes("it was interrupted before the host slept") === true,
  );
  expect(written()).toEqual([]);
});

test("a running powermon brings the VMs back when it is told to end", async () => {
  daemon = await startDaemon(machine, [], "/", env);
  const asked = suspend();
  await until("one is paused", () => paused() > 0);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect([running(), written()]).toEqual([true, []]);
  expect(await asked.exited).toBe(4);
});

test("the next powermon brings the VMs of a killed one back", async () => {
  daemon = await startDaemon(machine, [], "/", env);
  const asked = suspend();
  await until("one is paused", () => paused() > 0);
  daemon.kill("SIGKILL");
  await daemon.exited;
  await asked.exited;
  expect(running()).toBe(false);
  daemon = await startDaemon(machine, [], "/", env);
  await until("all run", running);
  await until("it is said", () => daemon?.log().includes('undone="VM name-00000001 brought back"') === true);
});
