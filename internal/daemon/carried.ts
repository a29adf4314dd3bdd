// What VMs bring along, kept and put in force: bad words change nothing, and a restart forgets nothing.

import { cacheOf, readCache, readCarried } from "../config/carried.ts";
import { type Config, withCarried } from "../config/load.ts";
import type { Layer } from "../config/merge.ts";
import { describeProblem } from "../config/problem.ts";
import type { Log } from "../log.ts";
import { writeWholeFile } from "../os/whole-file.ts";
import { explainSysfs } from "../values/sysfs-error.ts";

type Said = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Where it is put in force. */
interface CarriedHost {
  readonly config: Config;
  readonly problems: string[];
  configure(config: Config): void;
}

export class Carried {
  readonly #file: string;
  readonly #log: Log;
  /** The last good words of each VM, and the settings that they are. */
  #good: Said = new Map();
  #layers: readonly Layer[] = [];
  #problems: readonly string[] = [];
  /** Settings that lie over those of the definitions, and as they do beneath this host's own words: the fleet's. */
  above: readonly Layer[] = [];

  /** @param file the cache, in the state folder */
  constructor(file: string, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** The settings that VMs bring along, and what lies over them. */
  get layers(): readonly Layer[] {
    return [...this.#layers, ...this.above];
  }

  /** Takes what was good before the start, until libvirt answers. */
  recall(): void {
    this.#judge(readCache(this.#file));
  }

  /** Puts in force what the VMs that run here bring along; of one whose words are wrong what was good before stays. */
  take(said: Said, host: CarriedHost): void {
    const before = [this.#good, this.#problems] as const;
    this.#judge(said);
    for (const one of before[1]) host.problems.splice(host.problems.indexOf(one), 1);
    host.problems.push(...this.#problems);
    for (const one of this.#problems) if (!before[1].includes(one)) this.#log.warn(one);
    if (Bun.deepEquals(before[0], this.#good, true)) return;
    const kept = writeWholeFile(this.#file, cacheOf(this.#good), { synced: false });
    if (!kept.ok) this.#log.warn(explainSysfs(kept.error));
    this.bring(host);
  }

  /** Puts all of it in force. */
  bring(host: CarriedHost): void {
    const config = withCarried(host.config, this.layers);
    if (!config.ok) return this.#log.error(config.error.map(describeProblem).join(" "));
    for (const warning of config.value.warnings.filter((one) => !isIn(host.config.warnings, one)))
      this.#log.warn(describeProblem(warning));
    host.configure(config.value);
  }

  #judge(said: Said): void {
    const good = new Map<string, ReadonlyMap<string, string>>();
    const layers: Layer[] = [];
    const problems: string[] = [];
    for (const [vm, words] of said) {
      const fresh = readCarried(vm, words);
      const old = this.#good.get(vm);
      if (!fresh.ok) {
        const rest = old === undefined ? "It brings nothing along." : "What it brought before stays.";
        problems.push(`${fresh.error.map(describeProblem).join(" ")} ${rest}`);
      }
      const stands = fresh.ok ? words : old;
      const layer = fresh.ok || old === undefined ? fresh : readCarried(vm, old);
      if (stands === undefined || !layer.ok) continue;
      good.set(vm, stands);
      layers.push(layer.value);
    }
    [this.#good, this.#layers, this.#problems] = [good, layers, problems];
  }
}

const isIn = (all: readonly object[], one: object): boolean =>
  all.some((other) => Bun.deepEquals(one, other));
