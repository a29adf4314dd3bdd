// The compiled powermon in a closed loop with a machine whose clocks cost watts: it holds a budget, and loses nothing when it is killed.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BudgetReport } from "../../internal/api/budget.ts";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { frame } from "../helpers/lab.ts";
import { setLoad } from "../helpers/model-machine.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";
import { changed, snapshot } from "../power/snapshot.ts";

const TOP = 2_600_000;
const LEAST = 800_000;
const CPUS = [0, 1, 2, 3, 4, 5, 6, 7];
const TOML = `[budget]
watts = 110
[pinning]
sources = ["static"]
[vm.hi]
priority = "high"
pins = { 0 = 0, 1 = 1 }
[vm.no]
pins = { 0 = 2, 1 = 3 }
[vm.lo]
priority = "low"
pins = { 0 = 4, 1 = 5, 2 = 6, 3 = 7 }
`;

let machine: Machine;
let model: Bun.Subprocess;
let guests: QemuSocket[];
let load: string;
let config: string;
let daemon: Daemon | undefined;
beforeEach(async () => {
  machine = makeMachine("acpi-cpufreq-8cpu-independent");
  const { root, sys, proc } = machine.tree;
  for (const cpu of CPUS) {
    const dir = `${sys}/devices/system/cpu/cpufreq/policy${cpu}`;
    writeFileSync(`${dir}/scaling_governor`, "performance\n");
    writeFileSync(`${dir}/scaling_setspeed`, "<unsupported>\n");
  }
  [load, config] = [`${root}/load`, `${root}/powermon.toml`];
  writeFileSync(config, TOML);
  setLoad(load, { busy: [0.1] });
  const script = join(import.meta.dir, "../helpers/model-machine.ts");
  const running = Bun.spawn([process.execPath, script, sys, proc, load], {
    stdout: "pipe",
    stderr: "inherit",
  });
  model = running;
  await running.stdout.getReader().read();
  guests = ["hi.0", "no.0", "lo.0"].map((name) => new QemuSocket(`${machine.dir}/${name}`));
});
afterEach(async () => {
  daemon?.kill("SIGKILL");
  await daemon?.exited;
  model.kill("SIGKILL");
  await model.exited;
  for (const guest of guests) guest.quit();
  machine.remove();
});

/** Every setting of the clocks but what means nothing under their governor. */
const clocks = () =>
  Object.fromEntries(
    Object.entries(snapshot(`${machine.tree.sys}/devices/system/cpu/cpufreq`)).filter(
      ([path]) => !path.endsWith("setspeed"),
    ),
  );
const ceilings = () => CPUS.map((cpu) => Number(machine.policy(cpu, "scaling_max_freq")));
const joules = () =>
  Number(readFileSync(`${machine.tree.sys}/class/powercap/intel-rapl:0/energy_uj`, "utf8")) / 1e6;
const powermon = (...words: readonly string[]) =>
  runBinary("powermon", [...words, "--socket", `${machine.stateDir}/control.sock`]);
const budget = async (): Promise<BudgetReport> =>
  JSON.parse((await powermon("budget", "show", "--json")).out);

async function start() {
  daemon = await startDaemon(machine, ["--config", config]);
  for (const guest of guests) await guest.hosted();
  return daemon;
}

/** Measures what is drawn from now until a condition holds, W. */
async function drawnUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<number> {
  const [at, from] = [performance.now(), joules()];
  await until(what, holds, 20_000);
  return ((joules() - from) * 1000) / (performance.now() - at);
}

test("powermon holds 110 W over a step to 180 W, low and normal pay, and SIGTERM leaves nothing of it", async () => {
  const before = clocks();
  const running = await start();
  await until("the meter is read", async () => (await budget()).drawnWatts !== undefined);
  expect(ceilings()).toEqual(CPUS.map(() => TOP));
  setLoad(load, { busy: [1] });
  await until(
    "who pays is settled",
    () =>
      ceilings()
        .slice(4)
        .every((khz) => khz === LEAST),
    20_000,
  );
  await until("it is back under the budget", async () => ((await budget()).drawnWatts ?? 999) <= 110, 20_000);
  // Four looks long: what it draws then is what it holds.
  let looks = 0;
  const held = await drawnUntil("four looks passed", async () => {
    await budget();
    return ++looks >= 40;
  });
  expect(held).toBeGreaterThan(95);
  expect(held).toBeLessThan(114);
  expect(ceilings().slice(0, 2)).toEqual([TOP, TOP]);
  const { payers, shares } = await budget();
  expect(payers).toEqual(["lo", "no"]);
  expect([shares.high, shares.low]).toEqual([1, 0]);
  const explained = await powermon("explain", "5");
  expect(explained.out).toContain("It may not go above its ceiling 0.8 GHz: budget 110 W, priority low.");
  const status = await powermon("status", "--fail-on", "meter");
  expect(status).toMatchObject({ status: 0, err: "" });
  expect(status.out).toMatch(/power budget +\d+\.\d of 110 W, paid by lo, no/);
  running.kill("SIGTERM");
  expect(await running.exited).toBe(0);
  expect(changed(before, clocks())).toEqual([]);
}, 60_000);

test("a powermon that is killed under a changing budget loses nothing", async () => {
  const before = clocks();
  setLoad(load, { busy: [1] });
  const [hi, no, lo] = guests;
  if (hi === undefined || no === undefined || lo === undefined) throw new Error("no guests");
  for (let round = 0; round < 6; round++) {
    const running = await start();
    for (let n = 0; n <= round * 2; n++) {
      await powermon("budget", "set", `${60 + ((round * 53 + n * 37) % 110)}`);
      await (n % 2 === 0 ? lo : no).ask(frame({ step: n % 3 === 0 ? "max" : "min" }));
      if (n === 1) await until("somebody pays", () => ceilings().some((khz) => khz < TOP), 20_000);
    }
    running.kill("SIGKILL");
    await running.exited;
    await until("the channels are free", () => guests.every(({ connected }) => !connected));
    const restored = await runBinary("powermon", ["restore", ...machine.roots]);
    expect(restored).toMatchObject({ status: 0, err: "" });
    expect(changed(before, clocks())).toEqual([]);
  }
}, 60_000);
