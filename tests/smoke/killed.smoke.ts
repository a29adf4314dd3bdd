// Killed again and again under load: nothing of what the machine's owner had set may be lost.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { DIST, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { frame } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";
import { changed, snapshot } from "../power/snapshot.ts";

const CPUS = [0, 1, 2, 3];
const PINS = CPUS.flatMap((cpu) => ["--pin", `vm${cpu}:0=${cpu}`]);
const ROUNDS = 30;

let machine: Machine;
let guests: QemuSocket[];
beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-boost");
  guests = CPUS.map((cpu) => new QemuSocket(`${machine.dir}/vm${cpu}.0`));
});
afterEach(() => {
  for (const guest of guests) guest.quit();
  machine.remove();
});

const cpus = () => snapshot(`${machine.tree.sys}/devices/system/cpu`);
const put = (cpu: number, file: string, text: string) =>
  writeFileSync(`${machine.tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`, `${text}\n`);
const restore = () => runBinary("powermon", ["restore", ...machine.roots]);

/** Starts powermon, lets all guests claim and leave in turn, and kills it after `answers` answers, in the middle of what it does. */
async function killedUnderLoad(answers: number): Promise<void> {
  const daemon = await startDaemon(machine, [...PINS, "--log-level", "info"]);
  for (const guest of guests) await guest.hosted();
  for (let sent = 0; sent < answers; sent++) {
    const guest = guests[sent % guests.length] as QemuSocket;
    await guest.ask(frame({ step: sent % 8 < 4 ? "max" : "min" }));
    // A claim ends with its channel, and the next one begins.
    if (sent % 5 !== 4) continue;
    guest.quit();
    guest.restart();
    await guest.hosted();
  }
  for (const guest of guests) guest.send(frame({ step: "min" }));
  daemon.kill("SIGKILL");
  await daemon.exited;
  await until("the channels are free", () => guests.every(({ connected }) => !connected));
}

test(`powermon restore loses nothing of ${ROUNDS} powermons that were killed under load`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const withProfile = round % 3 === 0;
    // What the operator set since the last time is what goes back.
    put(round % 4, "scaling_max_freq", round % 2 === 0 ? "1800000" : "2000000");
    const before = cpus();
    if (withProfile) {
      const applied = await runBinary("powermon", ["profile", "apply", "powersave", ...machine.roots]);
      expect(applied).toMatchObject({ status: 0, err: "" });
    }
    await killedUnderLoad(round % 13);
    const restored = await restore();
    expect(restored).toMatchObject({ status: 0, err: "" });
    expect(changed(before, cpus())).toEqual([]);
    expect((await restore()).out).toBe("Nothing to restore.\n");
  }
}, 60_000);

test("powermon restore never undoes what was set while nobody claimed", async () => {
  const daemon = await startDaemon(machine, [...PINS, "--log-level", "info"]);
  const [guest] = guests as [QemuSocket];
  for (const ceiling of ["2000000", "1800000"]) {
    await guest.hosted();
    const before = cpus();
    await guest.ask(frame({ step: "min" }));
    guest.quit();
    await until("the claim is over", () => changed(before, cpus()).length === 0);
    put(0, "scaling_max_freq", ceiling);
    guest.restart();
  }
  daemon.kill("SIGKILL");
  await daemon.exited;
  expect((await restore()).out).toBe("Nothing to restore.\n");
  expect(machine.policy(0, "scaling_max_freq")).toBe("1800000");
}, 20_000);

test("powermon restore does its work once, however many are started at a time", async () => {
  const before = cpus();
  expect((await runBinary("powermon", ["profile", "apply", "powersave", ...machine.roots])).status).toBe(0);
  await killedUnderLoad(6);
  const ran = await Promise.all(Array.from({ length: 6 }, restore));
  for (const one of ran) expect(one).toMatchObject({ status: 0, err: "" });
  expect(ran.filter(({ out }) => out !== "Nothing to restore.\n")).toHaveLength(1);
  expect(changed(before, cpus())).toEqual([]);
}, 20_000);

test("powermon run refuses clocks that another powermon sets, whatever its state folder", async () => {
  const daemon = await startDaemon(machine, PINS);
  const other = [
    "--sysfs-root",
    machine.tree.sys,
    "--proc-root",
    machine.tree.proc,
    "--state-dir",
    `${machine.tree.root}/other`,
  ];
  const second = await runBinary("powermon", ["run", "--dir", machine.dir, ...other]);
  expect(second.status).toBe(1);
  expect(second.err).toContain(
    `Another powermon (process ${daemon.pid}) sets the clocks under "${machine.tree.sys}", with another state folder`,
  );
  const restored = await runBinary("powermon", ["restore", ...other]);
  expect(restored).toMatchObject({ status: 1, out: "" });
  expect(restored.err).toContain(`process ${daemon.pid} serves`);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
}, 20_000);

testNeeding(
  ["root and namespaces"],
  "a full state folder lets nothing be applied that could not be saved whole, and everything be put back",
  async () => {
    const host = makeMachine("intel-server-8cpu");
    const { stateDir } = host;
    const before = snapshot(`${host.tree.sys}/devices/system/cpu`);
    // The record of this profile takes three pages: it is tried with none to four of them free, then put back with none.
    const script = `
      mkdir -p ${stateDir} && mount -t tmpfs -o size=64k none ${stateDir}
      powermon() { ${DIST}/powermon "$@" ${host.roots.join(" ")} >/dev/null 2>&1; echo "$1 $?"; }
      fill() { dd if=/dev/zero of=${stateDir}/filler bs=4096 count=$1 2>/dev/null; }
      for free in 0 1 2 3 4; do
        fill $((16 - free))
        echo "$free pages: $(powermon profile apply latency) $(find ${stateDir} -name 'profile*' | wc -l) file"
        rm ${stateDir}/filler; powermon restore
      done
      powermon profile apply latency; fill 16; powermon restore; find ${stateDir} -type f -size -16k`;
    const child = Bun.spawn(["unshare", "-m", "sh", "-c", script], { stdout: "pipe" });
    expect((await child.stdout.text()).split("\n")).toEqual([
      ...[0, 1, 2].flatMap((free) => [`${free} pages: profile 1 0 file`, "restore 0"]),
      ...[3, 4].flatMap((free) => [`${free} pages: profile 0 1 file`, "restore 0"]),
      "profile 0",
      "restore 0",
      "",
    ]);
    expect(changed(before, snapshot(`${host.tree.sys}/devices/system/cpu`))).toEqual([]);
    host.remove();
  },
  20_000,
);
