// How deep idle CPUs sleep: their idle states.

import { all, ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { AttrDir } from "./attr.ts";
import { readWords } from "./choice.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { listNumbered } from "./numbered.ts";

/** Who runs the idle states. */
export interface Cpuidle {
  /** Such as intel_idle; undefined when there is none ("none" in the kernel's words). */
  readonly driver: string | undefined;
  readonly governor: string | undefined;
  readonly governors: readonly string[];
}

/** One idle state of one CPU. Times in microseconds. Source: Documentation/admin-guide/pm/cpuidle.rst. */
export interface IdleState {
  /** N of stateN: deeper ones have greater numbers. */
  readonly index: number;
  readonly name: string;
  readonly desc: string;
  /** Worst time to leave it. */
  readonly latencyUs: number;
  /** Least stay that pays. */
  readonly residencyUs: number;
  readonly disabled: boolean;
  readonly usage: number;
  readonly timeUs: number;
}

/** Reads the driver and governor; undefined when the kernel has no cpuidle. Errors: as AttrDir.read. */
export function readCpuidle(cpuRoot: string): Result<Cpuidle | undefined, SysfsError> {
  const dir = new AttrDir(`${cpuRoot}/cpuidle`);
  const driver = dir.read("current_driver");
  if (!driver.ok || driver.value === undefined) return driver as Result<undefined, SysfsError>;
  const read = all({
    writable: dir.read("current_governor"),
    fixed: dir.read("current_governor_ro"),
    governors: readWords(dir, "available_governors"),
  });
  if (!read.ok) return read;
  const { writable, fixed, governors } = read.value;
  return ok({
    driver: driver.value === "none" ? undefined : driver.value,
    governor: writable ?? fixed,
    governors,
  });
}

/** Returns where state `index` of `cpu` is, from the folder of CPUs on. */
export const idleStatePath = (cpu: Pcpu, index: number): string => `cpu${cpu}/cpuidle/state${index}`;

/** Reads the idle states of `cpu` from the shallowest on; none when it has none. Errors: as AttrDir.readNumber. */
export function readIdleStates(cpuRoot: string, cpu: Pcpu): Result<IdleState[], SysfsError> {
  const numbers = listNumbered(`${cpuRoot}/cpu${cpu}/cpuidle`, "state");
  if (!numbers.ok) return numbers;
  const states: IdleState[] = [];
  for (const index of numbers.value) {
    const state = readState(new AttrDir(`${cpuRoot}/${idleStatePath(cpu, index)}`), index);
    if (!state.ok) return state;
    states.push(state.value);
  }
  return ok(states);
}

function readState(dir: AttrDir, index: number): Result<IdleState, SysfsError> {
  const read = all({
    name: dir.read("name"),
    desc: dir.read("desc"),
    latencyUs: dir.readNumber("latency"),
    residencyUs: dir.readNumber("residency"),
    disable: dir.readNumber("disable"),
    usage: dir.readNumber("usage"),
    timeUs: dir.readNumber("time"),
  });
  if (!read.ok) return read;
  const { name = `state${index}`, desc = "", disable = 0, ...numbers } = read.value;
  const { latencyUs = 0, residencyUs = 0, usage = 0, timeUs = 0 } = numbers;
  return ok({ index, name, desc, latencyUs, residencyUs, disabled: disable !== 0, usage, timeUs });
}
