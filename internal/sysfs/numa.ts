// Which CPUs are near which memory.

import { all, ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listNumbered } from "./numbered.ts";
import { readCpuList } from "./topology.ts";

/** One NUMA node; `cpus` is empty for a node of memory only. */
export interface NumaNode {
  readonly node: number;
  readonly cpus: readonly Pcpu[];
  /** MemTotal, kB; undefined when the kernel shows none. */
  readonly memoryKb: number | undefined;
}

/** Reads the NUMA nodes by number; none on a kernel without NUMA. Source: Documentation/ABI/stable/sysfs-devices-node. */
export function readNumaNodes(sysfsRoot: string): Result<NumaNode[], SysfsError> {
  const folder = `${sysfsRoot}/devices/system/node`;
  const numbers = listNumbered(folder, "node");
  if (!numbers.ok) return numbers;
  const nodes: NumaNode[] = [];
  for (const node of numbers.value) {
    const dir = new AttrDir(`${folder}/node${node}`);
    const read = all({ cpus: readCpuList(dir, "cpulist"), memory: dir.read("meminfo") });
    if (!read.ok) return read;
    // The first line of meminfo: "Node 0 MemTotal:  16331752 kB".
    const kb = /MemTotal:\s*(\d+) kB/.exec(read.value.memory ?? "")?.[1];
    nodes.push({ node, cpus: read.value.cpus, memoryKb: kb === undefined ? undefined : Number(kb) });
  }
  return ok(nodes);
}
