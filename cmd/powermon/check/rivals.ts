// Other programs that set the same clocks and would fight powermon for them.

import { readdirSync, readFileSync } from "node:fs";
import { type Finding, note, problem } from "./finding.ts";

interface Rival {
  /** Its process as /proc names it: at most 15 bytes. Undefined for one that runs once and ends. */
  readonly comm?: string;
  readonly unit?: string;
  /** What it does to us. */
  readonly does: string;
  /** It goes along with powermon. */
  readonly harmless?: true;
}

const RIVALS: Readonly<Record<string, Rival>> = {
  tuned: { comm: "tuned", unit: "tuned.service", does: "sets governors and limits by its profile" },
  "power-profiles-daemon": {
    comm: "power-profiles-",
    unit: "power-profiles-daemon.service",
    does: "sets energy preferences and governors",
  },
  tlp: { unit: "tlp.service", does: "sets governors and limits at boot and on mains changes" },
  "auto-cpufreq": {
    comm: "auto-cpufreq",
    unit: "auto-cpufreq.service",
    does: "changes governors and turbo by load",
  },
  cpupower: { unit: "cpupower.service", does: "sets governors and limits at boot" },
  cpufreqd: { comm: "cpufreqd", unit: "cpufreqd.service", does: "changes frequencies by its rules" },
  "DPDK's vm_power_manager": {
    comm: "dpdk-vm_power_m",
    does: "takes the same channels and sets the same clocks",
  },
  thermald: {
    comm: "thermald",
    unit: "thermald.service",
    does: "may lower the kernel's upper limit when the CPU is hot; powermon puts its own back",
    harmless: true,
  },
};

/**
 * Returns which rivals run or are to start at boot.
 * @param unitDir where the administrator's units are: enabled ones are links in its *.wants folders. Source: systemd.unit(5).
 */
export function checkRivals(procRoot: string, unitDir = "/etc/systemd/system"): Finding[] {
  const running = processNames(procRoot);
  const enabled = enabledUnits(unitDir);
  return Object.entries(RIVALS).flatMap(([name, { comm, unit, does, harmless }]) => {
    const runs = comm !== undefined && running.has(comm);
    if (!runs && (unit === undefined || !enabled.has(unit))) return [];
    const what = `${name} ${runs ? "runs" : "starts at boot"}; it ${does}.`;
    const todo =
      unit === undefined ? `End ${name}.` : `Stop it for good with \`systemctl disable --now ${unit}\`.`;
    return [harmless ? note("rivals", what) : problem("rivals", what, todo)];
  });
}

function processNames(procRoot: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const pid of list(procRoot)) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      names.add(readFileSync(`${procRoot}/${pid}/comm`, "utf8").trim());
    } catch {
      // It has ended since.
    }
  }
  return names;
}

function enabledUnits(unitDir: string): ReadonlySet<string> {
  const wants = list(unitDir).filter((name) => name.endsWith(".wants"));
  return new Set(wants.flatMap((name) => list(`${unitDir}/${name}`)));
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
