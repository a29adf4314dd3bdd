// What the fleet says of VMs, kept and put in force over what they bring along: bad words change nothing, and a restart forgets nothing.

import { join } from "node:path";
import { judgeVm } from "../../config/fleet.ts";
import type { Layer } from "../../config/merge.ts";
import { readTable } from "../../config/read.ts";
import { writeWholeFile } from "../../os/whole-file.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { isVmName } from "../../values/vm-name.ts";
import type { Carried } from "../carried.ts";
import type { Host } from "../host.ts";

/** Settings as they were written, by VM. */
type Said = ReadonlyMap<string, object>;

export class FleetVms {
  readonly #file: string;
  readonly #carried: Carried;
  /** The last good ones of each VM. */
  #good: Said = new Map();
  #layers: readonly Layer[] = [];
  #problems: readonly string[] = [];

  /** @param stateDir where they are kept @param carried what VMs bring along, beneath them */
  constructor(stateDir: string, carried: Carried) {
    this.#file = join(stateDir, "fleet-vms.json");
    this.#carried = carried;
  }

  /** Takes up what was good before the start, until etcd answers. A cache that can't be read holds nothing. */
  recall(): void {
    const kept = readTable(this.#file);
    const vms = kept.ok ? Object.entries(kept.value.raw as Readonly<Record<string, unknown>>) : [];
    this.#judge(new Map(vms.filter(isSaid)));
    this.#problems = [];
    this.#carried.above = this.#layers;
  }

  /** Puts in force what the fleet says of VMs; of one whose settings are wrong what was good before stays. */
  take(said: Said, host: Host): void {
    const [before, problems] = [this.#good, this.#problems];
    this.#judge(said);
    for (const one of problems) host.problems.splice(host.problems.indexOf(one), 1);
    host.problems.push(...this.#problems);
    for (const one of this.#problems) if (!problems.includes(one)) host.log.warn(one);
    if (Bun.deepEquals(before, this.#good, true)) return;
    host.log.info("Settings of VMs changed in the fleet", { vms: this.#good.size });
    // As written, not as understood: that could not be judged again.
    const text = `${JSON.stringify(Object.fromEntries(this.#good))}\n`;
    const kept = writeWholeFile(this.#file, text, { synced: false });
    if (!kept.ok) host.log.warn(explainSysfs(kept.error));
    this.#carried.above = this.#layers;
    this.#carried.bring(host);
  }

  /** Says nothing of VMs any more: the host has left its fleet. */
  leave(host: Host): void {
    this.take(new Map(), host);
  }

  #judge(said: Said): void {
    const good = new Map<string, object>();
    const layers: Layer[] = [];
    const problems: string[] = [];
    for (const [vm, settings] of said) {
      const fresh = judgeVm(vm, settings);
      const old = this.#good.get(vm);
      if (!fresh.ok)
        problems.push(
          `${fresh.error} ${old === undefined ? "Nothing of it is taken." : "What was set before stays."}`,
        );
      const stands = fresh.ok ? settings : old;
      const layer = fresh.ok || old === undefined ? fresh : judgeVm(vm, old);
      if (stands === undefined || !layer.ok) continue;
      good.set(vm, stands);
      layers.push(layer.value);
    }
    [this.#good, this.#layers, this.#problems] = [good, layers, problems];
  }
}

const isSaid = (entry: [string, unknown]): entry is [string, object] =>
  isVmName(entry[0]) && typeof entry[1] === "object" && entry[1] !== null;
