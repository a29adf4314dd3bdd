// A machine whose meter moves: turns the clocks of a fixture tree and a load into energy_uj and /proc/stat, in real time.
// As a process: bun tests/helpers/model-machine.ts SYS PROC LOAD [FLOOR_W FULL_W NOISE_W], until it is killed.
// LOAD is a file of JSON, {"busy": [1, 0.5, ...], "meter": "runs"|"frozen"|"absurd"|"back"}, busy by CPU (the last one's for those beyond).

import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { MachineModel, MODEL } from "../../internal/budget/machine-model.ts";

/** What a machine is doing now. */
export interface Load {
  /** How much each CPU is at work, 0 to 1; those beyond the list are as its last. */
  readonly busy: readonly number[];
  /** What its meter does; it runs unless something else is said. */
  readonly meter?: "runs" | "frozen" | "absurd" | "back";
}

const TICK_MS = 10;
/** USER_HZ. */
const HZ = 100;
/** As RAPL's 32 bits have it. */
const WRAP_UJ = 262_143_328_850;

/** Returns the first line of a file. */
const line = (path: string): string => readFileSync(path, "utf8").split("\n", 1)[0] ?? "";

/** Writes a load for a model machine to take up, whole. */
export function setLoad(path: string, load: Load): void {
  writeFileSync(`${path}.new`, JSON.stringify(load));
  renameSync(`${path}.new`, path);
}

/** Puts a RAPL package without limits, unless `limits`, into a tree. Returns its folder. */
function addRapl(sys: string, limits = false): string {
  const zone = join(sys, "class/powercap/intel-rapl:0");
  mkdirSync(zone, { recursive: true });
  const files = {
    name: "package-0",
    energy_uj: "000001000000000",
    max_energy_range_uj: `${WRAP_UJ}`,
    enabled: "1",
    ...(limits && {
      constraint_0_name: "long_term",
      constraint_0_power_limit_uw: "250000000",
      constraint_0_time_window_us: "999424",
      constraint_0_max_power_uw: "250000000",
    }),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(zone, name), `${text}\n`);
  return zone;
}

/** A machine of files whose clocks cost watts. */
export class ModelMachine {
  readonly model: MachineModel;
  readonly #policies: readonly { readonly dir: string; readonly cpus: readonly number[] }[];
  readonly #proc: string;
  readonly #loadFile: string;
  readonly #energy: number;
  readonly #ticks = new Map<number, number>();
  #joules = 1000;
  #seconds = 0;

  /** @param loadFile see setLoad() @param watts idle with all at the lowest step, all at work at the highest, and the noise, W */
  constructor(sys: string, proc: string, loadFile: string, watts: Partial<typeof MODEL> = {}) {
    const folder = join(sys, "devices/system/cpu/cpufreq");
    this.#policies = readdirSync(folder)
      .filter((name) => /^policy\d+$/.test(name))
      .map((name) => ({
        dir: join(folder, name),
        cpus: line(join(folder, name, "related_cpus"))
          .split(" ")
          .map(Number),
      }));
    const steps = line(join(this.#policies[0]?.dir ?? "", "scaling_available_frequencies"));
    const cpus = this.#policies.reduce((sum, policy) => sum + policy.cpus.length, 0);
    this.model = new MachineModel({ ...MODEL, ...watts, cpus, steps: steps.trim().split(" ").map(Number) });
    this.#proc = proc;
    this.#loadFile = loadFile;
    this.#energy = openSync(join(addRapl(sys), "energy_uj"), "r+");
    this.step(0);
  }

  /** Lets time pass and writes what the counters show then. Returns what is drawn, W. */
  step(ms: number): number {
    const load = JSON.parse(readFileSync(this.#loadFile, "utf8")) as Load;
    const busyOf = (cpu: number) => load.busy[cpu] ?? load.busy.at(-1) ?? 0;
    const cpus = this.#policies.flatMap(({ dir, cpus: own }) => {
      const khz = runsAt(dir);
      return own.map((cpu) => ({ cpu, khz, busy: busyOf(cpu) }));
    });
    const watts = this.model.watts(cpus) + this.model.noise(ms);
    this.#joules += (watts * ms) / 1000;
    this.#seconds += ms / 1000;
    for (const { cpu, busy } of cpus)
      this.#ticks.set(cpu, (this.#ticks.get(cpu) ?? 0) + (busy * ms * HZ) / 1000);
    this.#write(load.meter ?? "runs");
    return watts;
  }

  close(): void {
    closeSync(this.#energy);
  }

  #write(meter: NonNullable<Load["meter"]>): void {
    if (meter === "absurd") this.#joules += 1e5;
    if (meter === "back") this.#joules = 1;
    const uj = Math.round(this.#joules * 1e6) % WRAP_UJ;
    // Fixed width and one call: a reader never sees a half of it.
    if (meter !== "frozen") writeSync(this.#energy, `${uj}`.padStart(15, "0"), 0);
    const rows = [...this.#ticks].map(
      ([cpu, busy]) =>
        `cpu${cpu} ${Math.round(busy)} 0 0 ${Math.round(this.#seconds * HZ - busy)} 0 0 0 0 0 0`,
    );
    writeFileSync(join(this.#proc, "stat.new"), `cpu 0 0 0 0 0 0 0 0 0 0\n${rows.join("\n")}\n`);
    renameSync(join(this.#proc, "stat.new"), join(this.#proc, "stat"));
  }
}

/** Returns what a clock under load runs at: the highest that its limits and, by hand, its speed allow. */
function runsAt(dir: string): number {
  const most = Number(line(join(dir, "scaling_max_freq")));
  if (line(join(dir, "scaling_governor")) !== "userspace") return most;
  const least = Number(line(join(dir, "scaling_min_freq")));
  const told = Number(line(join(dir, "scaling_setspeed")));
  // A governor that was just taken has not been told a speed yet.
  return Number.isFinite(told) ? Math.min(most, Math.max(least, told)) : most;
}

if (import.meta.main) {
  const [sys = "", proc = "", load = "", ...watts] = process.argv.slice(2);
  const [floorWatts = 62, fullWatts = 180, noiseWatts = 0.5] = watts.map(Number);
  const machine = new ModelMachine(sys, proc, load, { floorWatts, fullWatts, noiseWatts });
  let then = performance.now();
  setInterval(() => {
    const now = performance.now();
    machine.step(now - then);
    then = now;
  }, TICK_MS);
  console.log("runs");
}
