// What was changed of VMs' settings at run time: it stands above the files until it is saved in one of them.

import type { VmChange } from "../api/vms.ts";
import type { Config } from "../config/load.ts";
import { type ConfigProblem, describeProblem } from "../config/problem.ts";
import { judge } from "../config/read.ts";
import { draftSaved, saveVm } from "../config/save.ts";
import type { ConfigFile } from "../config/schema.ts";
import { type Answer, no } from "../values/answer.ts";
import { ok, type Result } from "../values/result.ts";
import { namesIn, overlay, without, written } from "./vm-change.ts";

/** Reads the files again under the changes made at run time. */
export type LoadConfig = (runtime: ConfigFile) => Result<Config, readonly ConfigProblem[]>;

export class Changes {
  readonly #read: LoadConfig;
  readonly #dropInDir: string;
  #runtime: ConfigFile = {};

  /** @param dropInDir where changes are saved */
  constructor(read: LoadConfig, dropInDir: string) {
    this.#read = read;
    this.#dropInDir = dropInDir;
  }

  /** Returns the configuration as the files and the changes have it now. */
  load(): Answer<Config> {
    const judged = judge("the change", this.#runtime);
    const loaded = judged.ok ? this.#read(judged.value.says) : judged;
    return loaded.ok ? ok(loaded.value) : no("invalid", loaded.error.map(describeProblem).join(" "));
  }

  /** Returns what stands above the files: VMs, and their settings as the API has them. */
  standing(): readonly { readonly vm: string; readonly settings: readonly string[] }[] {
    return Object.entries(this.#runtime.vm ?? {}).flatMap(([vm, section]) => {
      const settings = namesIn(section);
      return settings.length === 0 ? [] : [{ vm, settings }];
    });
  }

  /** Returns the configuration as it would be with a change; none is made. @param save whether it is to be kept, too */
  try(vm: string, change: VmChange, save: boolean): Answer<Config> {
    const settings = written(change);
    const before = this.#runtime;
    this.#runtime = overlay(before, vm, settings);
    const loaded = this.load();
    this.#runtime = before;
    const draft = loaded.ok && save ? draftSaved(this.#dropInDir, vm, settings) : undefined;
    return draft?.ok === false ? no("failed", draft.error.map(describeProblem).join(" ")) : loaded;
  }

  /** Makes a change and returns the configuration with it; one that can't be is not made. @param save keeps it over a restart */
  make(vm: string, change: VmChange, save: boolean): Answer<Config> {
    const settings = written(change);
    const before = this.#runtime;
    this.#runtime = overlay(before, vm, settings);
    const loaded = this.load();
    const saved = loaded.ok && save ? saveVm(this.#dropInDir, vm, settings) : undefined;
    if (!loaded.ok || saved?.ok === false) {
      this.#runtime = before;
      return saved?.ok === false ? no("failed", saved.error.map(describeProblem).join(" ")) : loaded;
    }
    if (saved === undefined) return loaded;
    // What is in the files now need not stand above them any more; what is not, does.
    this.#runtime = without(this.#runtime, vm, settings);
    return this.load();
  }
}
