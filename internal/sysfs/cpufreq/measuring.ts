// Whether a running clock's frequency can be read as the hardware measured it, without waking a CPU for it.

import { existsSync } from "node:fs";
import { parseCpuList } from "../../values/cpulist.ts";
import type { Khz, Pcpu } from "../../values/units.ts";
import { AttrDir, readText } from "../attr.ts";
import type { Domain } from "./domain.ts";
import { FILE } from "./files.ts";
import { cpuRootOf, type MachineRoots } from "./originals.ts";

/** The first Linux whose scaling_cur_freq neither calls another CPU nor waits. Source: arch/x86/kernel/cpu/aperfmperf.c, arch_freq_get_on_cpu(), 5.18. */
const SINCE = [5, 18] as const;

export class Measuring {
  readonly #observes: boolean;
  readonly #blind: ReadonlySet<Pcpu>;

  /** Reads what this machine's kernel can tell. */
  constructor(roots: MachineRoots) {
    this.#observes = observes(roots.procRoot);
    // CPUs without a tick are not measured: the kernel shows what it told them. Source: aperfmperf.c, arch_scale_freq_tick().
    const tickless = parseCpuList(new AttrDir(cpuRootOf(roots)).peek("nohz_full") ?? "");
    this.#blind = new Set(tickless.ok ? (tickless.value as Pcpu[]) : []);
  }

  /** Returns whether a clock of these can be measured at all. */
  canRead(domains: readonly Domain[]): boolean {
    const isSeen = ({ pcpus }: Domain) => !pcpus.some((cpu) => this.#blind.has(cpu));
    return domains.some(
      (domain) => isSeen(domain) && (this.#observes || existsSync(`${domain.dir}/${FILE.average}`)),
    );
  }

  /** Reads what the clock of busy CPUs ran at in the last milliseconds, kHz; undefined where that is not measured, or costs other CPUs something. */
  read(domain: Domain): Khz | undefined {
    if (domain.pcpus.some((cpu) => this.#blind.has(cpu))) return undefined;
    // Where the file is there it is the one to ask: EAGAIN says that the CPUs are idle after all. Source: drivers/cpufreq/cpufreq.c, show_cpuinfo_avg_freq(), 6.14.
    const average = new AttrDir(domain.dir).readNumber(FILE.average);
    if (!average.ok) return undefined;
    if (average.value !== undefined) return average.value as Khz;
    const observed = this.#observes ? domain.observed() : undefined;
    return observed?.ok === true ? observed.value : undefined;
  }
}

/** Returns whether scaling_cur_freq is measured by APERF and MPERF, at no other CPU's cost. */
function observes(procRoot: string): boolean {
  const release = readText(`${procRoot}/sys/kernel/osrelease`);
  const [major, minor] = /^(\d{1,3})\.(\d{1,4})/.exec((release.ok && release.value) || "")?.slice(1) ?? [];
  const [sinceMajor, sinceMinor] = SINCE;
  if (Number(major ?? 0) * 10_000 + Number(minor ?? 0) < sinceMajor * 10_000 + sinceMinor) return false;
  const info = readText(`${procRoot}/cpuinfo`);
  const flags = /^flags\s*:(.*)$/m.exec((info.ok && info.value) || "")?.[1]?.split(" ");
  return flags?.includes("aperfmperf") === true;
}
