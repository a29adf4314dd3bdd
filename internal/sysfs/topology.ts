// Which CPUs there are and which share a core.

import { err, ok, type Result } from "../values/result.ts";
import { type Pcpu, pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { parseCpuList } from "../values/cpulist.ts";
import { notUnderstood, type SysfsError } from "../values/sysfs-error.ts";

/** The host's CPUs as /sys/devices/system/cpu shows them; every call reads afresh. */
export class Topology {
  readonly #dir: AttrDir;

  /** @param sysfsRoot stands for /sys */
  constructor(sysfsRoot: string) {
    this.#dir = new AttrDir(`${sysfsRoot}/devices/system/cpu`);
  }

  /** Returns the CPUs that run now. Source: Documentation/admin-guide/cputopology.rst. */
  online(): Result<Pcpu[], SysfsError> {
    return this.#cpus("online");
  }

  /** Returns the CPUs that are plugged in. */
  present(): Result<Pcpu[], SysfsError> {
    return this.#cpus("present");
  }

  /** Returns the CPUs that there could ever be. */
  possible(): Result<Pcpu[], SysfsError> {
    return this.#cpus("possible");
  }

  /** Returns the CPUs of `cpu`'s core, itself included; only itself when the kernel shows none, as for an offline CPU. */
  siblings(cpu: Pcpu): Result<Pcpu[], SysfsError> {
    const found = this.#cpus(`cpu${cpu}/topology/thread_siblings_list`);
    return found.ok && found.value.length === 0 ? ok([cpu]) : found;
  }

  #cpus(name: string): Result<Pcpu[], SysfsError> {
    return readCpuList(this.#dir, name);
  }
}

/** Returns the CPUs that attribute `name` lists; none when it is absent. Errors: as AttrDir.read, EINVAL for other text. */
export function readCpuList(dir: AttrDir, name: string): Result<Pcpu[], SysfsError> {
  const line = dir.read(name);
  if (!line.ok) return line;
  const cpus = parseCpuList(line.value ?? "");
  return cpus.ok ? ok(cpus.value.map(pcpu)) : err(notUnderstood(`${dir.path}/${name}`, line.value ?? ""));
}
