// This machine's own clocks: on bare metal the same commands do by themselves what a host would do for a VM.

import type { Lists } from "../../../internal/guest/vcpu-list.ts";
import { highest, lowest, move, type Step } from "../../../internal/values/frequency.ts";
import { type Cpufreq, type Domain, openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { explainSysfs, type SysfsError } from "../../../internal/values/sysfs-error.ts";
import type { Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import { type Result } from "../../../internal/values/result.ts";
import { pcpu } from "../../../internal/values/units.ts";
import { DONE_ENDING, type Ending, statusOf } from "../channel.ts";
import type { Listed, Place, Row } from "./place.ts";
import { TurboWords } from "./turbo-words.ts";

/** Returns the place of this machine's cpufreq domains. Errors: there is no folder of CPUs. */
export function openCpufreqPlace(roots: Roots, why: string): Result<Place, SysfsError> {
  const cpufreq = openCpufreq(roots);
  return cpufreq.ok ? { ok: true, value: new OwnClocks(cpufreq.value, new TurboWords(roots), why) } : cpufreq;
}

class OwnClocks implements Place {
  readonly env = "cpufreq";
  readonly agent = false;
  readonly why: string;
  readonly #cpufreq: Cpufreq;
  readonly #turbo: TurboWords;

  constructor(cpufreq: Cpufreq, turbo: TurboWords, why: string) {
    this.#cpufreq = cpufreq;
    this.#turbo = turbo;
    this.why = why;
  }

  /**
   * Moves the clocks; one that is not ours yet starts at its highest frequency, which is turbo with the drivers where DPDK starts with
   * it, until turbo-off. Source: DPDK drivers/power, power_*_cpufreq_init and _freq_max.
   */
  async scale(step: Step, cpus: readonly number[]): Promise<readonly Row[]> {
    return this.#each(cpus, (cpu, domain) => {
      if (step === "turbo-on" && !domain.hasTurbo) {
        return no("no-turbo", `CPU ${cpu} has no turbo frequencies.`);
      }
      const said = this.#turbo.said(domain.id);
      if (!said.ok) return this.#ending(said);
      const turbo = said.value ?? domain.turboAtStart;
      const top = highest(domain.table, turbo);
      const told = domain.current();
      const now = told.ok && told.value < top ? told.value : top;
      // What limits cut is passed over, so that each step up or down moves.
      const table = step === "up" || step === "down" ? domain.allowed : domain.table;
      const level = move(table, { khz: now, turbo }, step);
      const set = domain.set(level.khz);
      return this.#ending(set.ok && level.turbo !== turbo ? this.#turbo.say(domain.id, level.turbo) : set);
    });
  }

  /** Puts governor and limits back as they were, and forgets what was said of turbo. */
  async release(cpus: readonly number[]): Promise<readonly Row[]> {
    return this.#each(cpus, (_, domain) => {
      const back = domain.restore();
      return this.#ending(back.ok ? this.#turbo.forget(domain.id) : back);
    });
  }

  async list<K extends keyof Lists>(kind: K, cpus: "all" | readonly number[]): Promise<Listed<Lists[K]>> {
    const { domains } = this.#cpufreq;
    const count = Math.max(0, ...domains.flatMap((domain) => domain.pcpus.map((cpu) => cpu + 1)));
    const base = Math.min(...domains.map((domain) => domain.baseKhz ?? 0));
    const entries = Array.from({ length: count }, (_, cpu) => {
      const domain = this.#cpufreq.domainOf(pcpu(cpu));
      if (kind === "query-caps") {
        return { turbo: domain?.hasTurbo ?? false, priority: (domain?.baseKhz ?? 0) > base };
      }
      const told = domain?.current();
      return told?.ok ? told.value : 0;
    }) as unknown as Lists[K][];
    const first = cpus === "all" ? 0 : (cpus[0] ?? 0);
    return { port: this.#portOf(first), ...DONE_ENDING, count, entries };
  }

  async policy() {
    const message = "A policy is the host's to follow; this machine sets its own clocks (--env cpufreq).";
    return { port: this.#portOf(0), ...no("no-policy", message) };
  }

  async energy() {
    const message =
      "No host counts for this machine; its own meters are read by `powermon energy` (--env cpufreq).";
    return { port: this.#portOf(0), ...no("no-meter", message), used: undefined };
  }

  close(): void {
    this.#cpufreq.close();
  }

  #each(cpus: readonly number[], act: (cpu: number, domain: Domain) => Ending): readonly Row[] {
    return cpus.map((cpu) => {
      const domain = this.#cpufreq.domainOf(pcpu(cpu));
      const ending =
        domain === undefined || lowest(domain.table) === 0
          ? no("no-clock", `CPU ${cpu} has no clock that can be set: there is no cpufreq domain for it.`)
          : act(cpu, domain);
      return { vcpu: cpu, port: this.#portOf(cpu), ...ending };
    });
  }

  #portOf(cpu: number): string {
    return this.#cpufreq.domainOf(pcpu(cpu))?.dir ?? "cpufreq";
  }

  #ending(done: Result<unknown, SysfsError>): Ending {
    return done.ok ? DONE_ENDING : no("clock-failed", `${explainSysfs(done.error)}.`);
  }
}

function no(
  outcome: "no-turbo" | "no-clock" | "clock-failed" | "no-policy" | "no-meter",
  message: string,
): Ending {
  return { outcome, message, status: statusOf(outcome) };
}
