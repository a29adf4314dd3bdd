// The profile in force after the machine slept, or CPUs came: what the kernel forgot of it is written again, or told, as the drift rule says.

import { renewProfile } from "../../power/profiles/renew.ts";
import { verifyProfile } from "../../power/profiles/verify.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import type { Host } from "../host.ts";
import { giveBack } from "../host-sleep.ts";

/** Looks whether the kernel changed the profile's settings over a sleep (or `since` else), and writes them again where the drift rule says so. */
export function profileResumed(host: Host, roots: Roots, since = "over the sleep"): void {
  const { log, events, config, ledger } = host;
  const tell = (errors: readonly SysfsError[]) => {
    for (const error of errors) log.error(explainSysfs(error));
  };
  const found = verifyProfile(roots);
  if (!found.ok) return tell([found.error]);
  const { state, profile, drift } = found.value;
  if (state !== "applied" || drift.length === 0) return;
  const reapplied = config.cpufreq.drift === "reapply";
  let written: readonly { readonly path: string }[] = drift;
  if (reapplied) {
    const given = giveBack(host);
    const renewed = given.length > 0 ? { written: [], failed: given } : renewProfile(roots);
    tell([...renewed.failed, ...ledger.settle()]);
    written = renewed.written;
  }
  if (written.length === 0) return;
  const attributes = written.map(({ path }) => path).join(" ");
  events.emit("drift", { profile, attributes, reapplied });
  log.warn(
    reapplied
      ? `The profile had changed ${since}; written again`
      : `The profile has changed ${since}; left as it is`,
    { profile, attributes },
  );
}
