// A host as libvirt would describe it: where logind and the kernel differ, somebody has to say whose word counts.

import type { SleepTarget } from "../sleep/sleep-target.ts";
import type { HostCapabilities } from "./capabilities.ts";

/** One CPU of a NUMA cell; offline ones have no place. */
interface CellCpu {
  readonly id: number;
  readonly place?: Readonly<Record<"socket" | "die" | "core", number>> & {
    readonly siblings: readonly number[];
  };
}

/** What libvirt's capabilities say about a host, as far as power goes. */
export interface LibvirtView {
  readonly arch: string;
  /** Undefined when it could not be found out. */
  readonly sleep?: Readonly<Record<"mem" | "disk" | "hybrid" | "s3" | "s4", boolean>> | undefined;
  readonly cells: readonly {
    readonly id: number;
    readonly memoryKb?: number | undefined;
    readonly cpus: readonly CellCpu[];
  }[];
}

/**
 * Returns what libvirt would say: logind's word where it gave one (yes and challenge count), else the kernel's.
 * S3 is more than mem: a host whose mem can only mean s2idle has none. Source: libvirt src/util/virnodesuspend.c,
 * virNodeSuspendSupportsTarget; Documentation/admin-guide/pm/sleep-states.rst, deep.
 */
export function libvirtView(report: HostCapabilities): LibvirtView {
  const { sleep, topology } = report;
  const can = (target: SleepTarget): boolean => {
    const found = sleep?.targets.find((one) => one.target === target);
    if (!found) return false;
    return found.logind === undefined
      ? found.supported
      : found.logind === "yes" || found.logind === "challenge";
  };
  const variants = sleep?.targets.find((one) => one.target === "mem")?.choices;
  const places = new Map((topology?.cpus ?? []).map((place) => [place.cpu, place]));
  return {
    arch: report.arch,
    sleep: sleep && {
      mem: can("mem"),
      disk: can("disk"),
      hybrid: can("hybrid"),
      s3: can("mem") && (variants === undefined || variants.includes("deep")),
      s4: can("disk"),
    },
    cells: (topology?.nodes ?? []).map(({ node, memoryKb, cpus }) => ({
      id: node,
      memoryKb,
      cpus: cpus.map((cpu): CellCpu => {
        const at = places.get(cpu);
        if (at?.package === undefined || at.core === undefined) return { id: cpu };
        return {
          id: cpu,
          place: { socket: at.package, die: at.die ?? 0, core: at.core, siblings: at.siblings },
        };
      }),
    })),
  };
}
