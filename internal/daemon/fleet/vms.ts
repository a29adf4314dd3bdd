// What the fleet says of VMs, kept and put in force over what they bring along: bad words change nothing, and a restart forgets nothing.

import { join } from "node:path";
import { judgeVmText, MAX_ALL } from "../../config/fleet.ts";
import type { Layer } from "../../config/merge.ts";
import { readTable } from "../../config/read.ts";
import { writeWholeFile } from "../../os/whole-file.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { isVmName } from "../../values/vm-name.ts";
import type { Carried } from "../carried.ts";
import type { Host } from "../host.ts";

/** Settings as they were written, JSON, by VM. */
type Said = ReadonlyMap<string, string>;
/** A VM's settings as they were written, and the layer that they are. */
interface Good {
  readonly text: string;
  readonly layer: Layer;
}

/** VMs whose settings are wrong that are named at a time. */
const MOST_NAMED = 20;
/** Kinds by which the log folds them, so that many VMs can't fill it. */
const FOLDS = 64;

export class FleetVms {
  readonly #file: string;
  readonly #carried: Carried;
  /** The last good ones of each VM. */
  #good: ReadonlyMap<string, Good> = new Map();
  /** Those that are wrong, and why. */
  #bad: ReadonlyMap<string, { readonly text: string; readonly why: string }> = new Map();
  #problems: readonly string[] = [];

  /** @param stateDir where they are kept @param carried what VMs bring along, beneath them */
  constructor(stateDir: string, carried: Carried) {
    this.#file = join(stateDir, "fleet-vms.json");
    this.#carried = carried;
  }

  /** Takes up what was good before the start, until etcd answers. A cache that can't be read holds nothing. */
  recall(): void {
    const kept = readTable(this.#file, MAX_ALL);
    const vms = kept.ok ? Object.entries(kept.value.raw as Readonly<Record<string, unknown>>) : [];
    this.#judge(new Map(vms.map(([vm, settings]) => [vm, JSON.stringify(settings)])));
    this.#bad = new Map();
    this.#carried.above = this.#layers();
  }

  /** Puts in force what the fleet says of VMs; of one whose settings are wrong what was good before stays. */
  take(said: Said, host: Host): void {
    const before = this.#good;
    const wrong = this.#judge(said);
    for (const vm of wrong.slice(0, MOST_NAMED)) {
      const why = this.#bad.get(vm)?.why ?? "";
      host.log.warnFolded(`fleet vm ${Bun.hash.crc32(vm) % FOLDS}`, why, { vm });
    }
    this.#tellProblems(host.problems);
    if (isSame(before, this.#good)) return;
    host.log.info("Settings of VMs changed in the fleet", { vms: this.#good.size });
    // As written, not as understood: that could not be judged again.
    const members = [...this.#good].map(([vm, { text }]) => `${JSON.stringify(vm)}:${text}`);
    const kept = writeWholeFile(this.#file, `{${members.join(",\n")}}\n`, { synced: false });
    if (!kept.ok) host.log.warnFolded("fleet vms kept", explainSysfs(kept.error));
    this.#carried.above = this.#layers();
    this.#carried.bring(host);
  }

  /** Says nothing of VMs any more: the host has left its fleet. */
  leave(host: Host): void {
    this.take(new Map(), host);
  }

  #layers(): readonly Layer[] {
    return [...this.#good.values()].map(({ layer }) => layer);
  }

  /** Judges what is new, and keeps the rest. Returns the VMs whose settings are wrong since now. */
  #judge(said: Said): readonly string[] {
    const good = new Map<string, Good>();
    const bad = new Map<string, { readonly text: string; readonly why: string }>();
    const wrong: string[] = [];
    for (const [vm, text] of said) {
      if (!isVmName(vm)) continue;
      const [old, known] = [this.#good.get(vm), this.#bad.get(vm)];
      if (old?.text !== text && known?.text === text) bad.set(vm, known);
      else if (old?.text !== text) {
        const fresh = judgeVmText(vm, text);
        if (fresh.ok) {
          good.set(vm, { text, layer: fresh.value });
          continue;
        }
        const rest = old === undefined ? "Nothing of it is taken." : "What was set before stays.";
        bad.set(vm, { text, why: `${fresh.error} ${rest}` });
        wrong.push(vm);
      }
      if (old !== undefined) good.set(vm, old);
    }
    [this.#good, this.#bad] = [good, bad];
    return wrong;
  }

  #tellProblems(problems: string[]): void {
    const all = [...this.#bad.values()].map(({ why }) => why);
    const told = all.slice(0, MOST_NAMED);
    if (all.length > told.length)
      told.push(`The fleet's words on ${all.length - told.length} more VMs are wrong.`);
    for (const one of this.#problems) {
      const at = problems.indexOf(one);
      if (at >= 0) problems.splice(at, 1);
    }
    problems.push(...told);
    this.#problems = told;
  }
}

const isSame = (one: ReadonlyMap<string, Good>, other: ReadonlyMap<string, Good>): boolean =>
  one.size === other.size && [...one].every(([vm, good]) => other.get(vm) === good);
