// CPUs by what they are for: all, isolated, housekeeping, a VM's, or a list.

import { parseCpuList } from "../../values/cpulist.ts";
import { all, err, ok, type Result } from "../../values/result.ts";
import { type Pcpu, pcpu } from "../../values/units.ts";
import { AttrDir } from "../../sysfs/attr.ts";
import { cpuRootOf } from "../../sysfs/cpufreq/originals.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { readCpuList, Topology } from "../../sysfs/topology.ts";

/** Who can be meant. */
export interface CpuSets {
  readonly online: readonly Pcpu[];
  readonly isolated: readonly Pcpu[];
  /** Returns the CPUs that a running VM is pinned to. Errors: a sentence why that is not known. */
  readonly ofVm: (vm: string) => Result<readonly Pcpu[], string>;
  /** Returns the CPUs that any running VM is pinned to. */
  readonly pinned: () => readonly Pcpu[];
}

/** Reads the sets of a machine. Errors: a sentence. */
export function readCpuSets(
  sysfsRoot: string,
  ofVm: CpuSets["ofVm"],
  pinned: CpuSets["pinned"] = () => [],
): Result<CpuSets, string> {
  const read = all({
    online: new Topology(sysfsRoot).online(),
    isolated: readCpuList(new AttrDir(cpuRootOf({ sysfsRoot })), "isolated"),
  });
  return read.ok ? ok({ ...read.value, ofVm, pinned }) : err(explainSysfs(read.error));
}

/**
 * Returns the online CPUs that `selector` means: all, isolated (isolcpus=), housekeeping (the others), vm:NAME, or a CPU list.
 * Errors: a sentence, such as for a CPU that is not online.
 * @param offline whether a list may name CPUs that are not online: they are passed by then
 */
export function selectCpus(
  selector: string,
  sets: CpuSets,
  offline: "refuse" | "pass" = "refuse",
): Result<readonly Pcpu[], string> {
  const isolated = new Set(sets.isolated);
  if (selector === "all") return ok(sets.online);
  if (selector === "isolated") return ok(sets.online.filter((cpu) => isolated.has(cpu)));
  if (selector === "housekeeping") return ok(sets.online.filter((cpu) => !isolated.has(cpu)));
  if (selector.startsWith("vm:")) return sets.ofVm(selector.slice("vm:".length));
  const list = parseCpuList(selector);
  if (!list.ok) return err(`${list.error}, nor all, isolated, housekeeping or vm:NAME`);
  if (list.value.length === 0) return err("the list of CPUs is empty");
  const absent = list.value.filter((cpu) => !sets.online.includes(pcpu(cpu)));
  if (offline === "pass") return ok(sets.online.filter((cpu) => list.value.includes(cpu)));
  return absent.length > 0 ? err(`CPU ${absent.join(", ")} is not online`) : ok(list.value.map(pcpu));
}
