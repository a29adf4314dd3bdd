// Meters for a machine of files: busy time, what was measured, energy and temperature, as a Linux 6.12 on Intel shows them.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Tree } from "./tree.ts";

function put(path: string, text: string | number): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) chmodSync(path, 0o644);
  writeFileSync(path, `${text}\n`);
}

export class Meters {
  readonly #tree: Tree;
  readonly #cpus: number;

  /** Puts meters into `tree`, whose CPUs have not been busy yet. */
  constructor(tree: Tree, cpus: number) {
    this.#tree = tree;
    this.#cpus = cpus;
    put(`${tree.proc}/sys/kernel/osrelease`, "6.12.48-amd64");
    put(`${tree.proc}/cpuinfo`, "processor\t: 0\nflags\t\t: fpu aperfmperf ida");
    const zone = `${tree.sys}/class/powercap/intel-rapl:0`;
    put(`${zone}/name`, "package-0");
    put(`${zone}/max_energy_range_uj`, 262_143_328_850);
    const chip = `${tree.sys}/class/hwmon/hwmon7`;
    put(`${chip}/name`, "coretemp");
    put(`${chip}/temp1_label`, "Package id 0");
    put(`${chip}/temp1_input`, 61_000);
    put(`${chip}/temp2_label`, "Core 0");
    put(`${chip}/temp2_input`, 58_000);
    this.busy([]);
    this.energy(0);
  }

  /** Sets how long CPUs were busy since boot, by number, s; others not at all. Half of it is user time, and a guest's. */
  busy(seconds: readonly number[]): void {
    const lines = Array.from({ length: this.#cpus }, (_, cpu) => {
      const ticks = Math.round((seconds[cpu] ?? 0) * 50);
      return `cpu${cpu} ${ticks} 0 ${ticks} 5000 7 0 0 3 ${ticks} 0`;
    });
    put(
      `${this.#tree.proc}/stat`,
      ["cpu  1 0 1 5000 7 0 0 3 0 0", ...lines, "intr 1 2 3", "ctxt 5"].join("\n"),
    );
  }

  /** Sets the package's counter, J. */
  energy(joules: number): void {
    put(`${this.#tree.sys}/class/powercap/intel-rapl:0/energy_uj`, Math.round(joules * 1e6));
  }

  /** Sets what a clock shows as measured, kHz. */
  measured(domain: number, khz: number, file = "scaling_cur_freq"): void {
    put(`${this.#tree.sys}/devices/system/cpu/cpufreq/policy${domain}/${file}`, khz);
  }
}
