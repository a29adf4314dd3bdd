// A fixture tree with a test's usual handles on it.

import { onTestFinished } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type Cpufreq, type Domain, openCpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import type { Result } from "../../internal/values/result.ts";
import { domainId } from "../../internal/values/units.ts";
import { makeTree } from "../helpers/tree.ts";

/** Returns tree `name`, removed after the test, with its roots and its files by path under devices/system/cpu. */
export function machine(name: string) {
  const tree = makeTree(name);
  // An afterEach() of this file would hold in the first test file that imports it, and in no other.
  onTestFinished(() => tree.remove());
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` };
  const path = (file: string) => `${tree.sys}/devices/system/cpu/${file}`;
  return {
    tree,
    roots,
    path,
    saved: (id: number) => `${roots.stateDir}/originals/policy${id}.json`,
    line: (file: string) => readFileSync(path(file), "utf8").split("\n", 1)[0] ?? "",
    put: (file: string, text: string) => writeFileSync(path(file), `${text}\n`),
    open: (): Cpufreq => value(openCpufreq(roots)),
  };
}

/** Returns the value of a success; a failure fails the test with its reason. */
export function value<T, E>(result: Result<T, E>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Returns the error of a failure; a success fails the test. */
export function error<T, E>(result: Result<T, E>): E {
  if (result.ok) throw new Error(`expected a failure, got ${JSON.stringify(result.value)}`);
  return result.error;
}

/** Returns domain `id`, which must be there. */
export function domain(cpufreq: Cpufreq, id: number): Domain {
  const found = cpufreq.domainById(domainId(id));
  if (!found) throw new Error(`no policy${id}`);
  return found;
}
