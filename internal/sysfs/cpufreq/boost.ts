// The switches of turbo: without it each driver's own file and its sense would have to be known everywhere.

import { err, ok, type Result } from "../../values/result.ts";
import type { DomainId } from "../../values/units.ts";
import { AttrDir } from "../attr.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";

/** One switch. */
export interface BoostSwitch {
  /** From the folder of CPUs on. */
  readonly path: string;
  /** The policy it is for; undefined for the whole machine. */
  readonly policy: DomainId | undefined;
  readonly on: boolean;
  /** What to write for on and off: no_turbo means the opposite of boost. */
  readonly text: { readonly on: string; readonly off: string };
}

const PLAIN = { on: "1", off: "0" };
const INVERTED = { on: "0", off: "1" };

/**
 * Reads the machine's switches of turbo: one for all, or one a policy; none where there is no turbo to switch.
 * Source: Documentation/admin-guide/pm/cpufreq.rst (boost), intel_pstate.rst (no_turbo), amd-pstate.rst.
 */
export function readBoost(cpuRoot: string, policies: readonly DomainId[]): Result<BoostSwitch[], SysfsError> {
  const dir = new AttrDir(cpuRoot);
  const whole = [
    { path: "intel_pstate/no_turbo", text: INVERTED },
    { path: "cpufreq/boost", text: PLAIN },
  ];
  for (const { path, text } of whole) {
    const found = readSwitch(dir, path, text, undefined);
    if (!found.ok) return found;
    if (found.value) return ok([found.value]);
  }
  const switches: BoostSwitch[] = [];
  for (const policy of policies) {
    const found = readSwitch(dir, `cpufreq/policy${policy}/boost`, PLAIN, policy);
    if (!found.ok) return found;
    if (found.value) switches.push(found.value);
  }
  return ok(switches);
}

function readSwitch(
  dir: AttrDir,
  path: string,
  text: BoostSwitch["text"],
  policy: DomainId | undefined,
): Result<BoostSwitch | undefined, SysfsError> {
  const line = dir.read(path);
  if (!line.ok || line.value === undefined) return line as Result<undefined, SysfsError>;
  if (line.value !== "0" && line.value !== "1") return err(notUnderstood(`${dir.path}/${path}`, line.value));
  return ok({ path, policy, on: line.value === text.on, text });
}
