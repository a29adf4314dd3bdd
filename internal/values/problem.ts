// One sentence for whatever stopped a wish: a rule of powermon's, or a file of the kernel's.

import { explain, type Refusal } from "./refusal.ts";
import { explainSysfs, type SysfsError } from "./sysfs-error.ts";

/** Returns the sentence of `problem`, as explain() or explainSysfs() has it. */
export function explainProblem(problem: Refusal | SysfsError): string {
  return problem.kind === "sysfs" ? explainSysfs(problem) : explain(problem);
}
