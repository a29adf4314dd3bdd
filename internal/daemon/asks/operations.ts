// What an operator can do with the running daemon; each answer is plain data or a sentence.

import { type ConfigProblem, describeProblem } from "../../config/problem.ts";
import { judge } from "../../config/read.ts";
import { saveVm, type VmChanges } from "../../config/save.ts";
import type { Config } from "../../config/load.ts";
import type { ConfigFile } from "../../config/schema.ts";
import { setAffinity } from "../../os/libc.ts";
import { readVcpuThreads } from "../../pinning/proc.ts";
import type { Snapshot } from "../../metrics/snapshot.ts";
import type { Step } from "../../values/request.ts";
import type { Result } from "../../values/result.ts";
import { explainSysfs } from "../../values/sysfs-error.ts";
import { type Answer, DONE, no, type Numbers, yes } from "../../values/answer.ts";
import type { Happening } from "../../events.ts";
import { FreqOperations } from "./freq.ts";
import type { Host } from "../host.ts";
import { liveReport } from "./live.ts";
import { readMetrics } from "./metrics.ts";
import { PolicyOperations } from "./policies.ts";
import type { PowerOperations } from "./power.ts";
import { overlay, type VmSettingsChange, without, written } from "../vm-change.ts";
import { channelReport, sumCounts, vcpuReport, vmReport } from "./report.ts";

/** What the operations need beside the host. */
export interface OperationsOptions {
  readonly version: string;
  readonly procRoot: string;
  /** Where changes are saved. */
  readonly dropInDir: string;
  /** Reads the files again under the changes made at run time. */
  load(runtime: ConfigFile): Result<Config, readonly ConfigProblem[]>;
  readonly power: PowerOperations;
  /** Pins through libvirt when the VM is libvirt's; undefined when it is not. */
  pinByLibvirt(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined>;
}

export class HostOperations {
  readonly power: PowerOperations;
  readonly #host: Host;
  readonly #options: OperationsOptions;
  readonly #freq: FreqOperations;
  readonly #policies: PolicyOperations;
  readonly #startedAt = performance.now();
  #runtime: ConfigFile = {};

  constructor(host: Host, options: OperationsOptions) {
    this.#host = host;
    this.power = options.power;
    this.#freq = new FreqOperations(host);
    this.#policies = new PolicyOperations(host, (vm, policy) =>
      saveVm(options.dropInDir, vm, { policy } as VmChanges),
    );
    this.#options = options;
  }

  status() {
    const { config, channels, cpufreq, ledger } = this.#host;
    const all = [...channels.all];
    return {
      version: this.#options.version,
      pid: process.pid,
      uptimeS: this.#uptimeS(),
      configFiles: config.files,
      dirs: channels.dirs,
      stateDir: config.stateDir,
      domains: cpufreq.domains.length,
      drivers: [...new Set(cpufreq.domains.map(({ driver }) => driver))],
      problems: cpufreq.problems.map(explainSysfs),
      vms: [...channels.vms].length,
      channels: { total: all.length, connected: all.filter(({ state }) => state === "connected").length },
      claims: [...ledger.claims()].length,
      counts: { ...sumCounts(all), drifts: this.#host.upkeep.drifts },
    };
  }

  vms() {
    return [...this.#host.channels.vms].map((vm) => vmReport(this.#host, vm));
  }

  vm(name: string) {
    const vm = this.#host.channels.vm(name);
    return vm === undefined ? this.#noVm(name) : yes(vmReport(this.#host, vm));
  }

  addVm(name: string): Answer {
    return this.#host.channels.addVm(name)
      ? DONE
      : no(
          "not-found",
          `VM ${JSON.stringify(name)} has no socket in ${this.#host.channels.dirs.join(", ")}.`,
        );
  }

  removeVm(name: string): Answer {
    return this.#host.channels.removeVm(name) ? DONE : this.#noVm(name);
  }

  changeVm(name: string, change: VmSettingsChange, save: boolean) {
    const vm = this.#host.channels.vm(name);
    if (vm === undefined) return this.#noVm(name);
    const settings = written(change);
    const before = this.#runtime;
    this.#runtime = overlay(before, name, settings);
    const loaded = this.#load();
    if (!loaded.ok) {
      this.#runtime = before;
      return loaded;
    }
    if (save) {
      const saved = saveVm(this.#options.dropInDir, name, settings);
      if (!saved.ok) {
        this.#runtime = before;
        return no("failed", saved.error.map(describeProblem).join(" "));
      }
      // What is in the files now need not stand above them any more; what is not, does.
      this.#runtime = without(this.#runtime, name, settings);
      const again = this.#load();
      if (!again.ok) return again;
      this.#host.configure(again.value);
    } else {
      this.#host.configure(loaded.value);
    }
    this.#host.events.emit("vm-changed", { vm: name, ...change, saved: save });
    return this.vm(name);
  }

  async pinVcpu(name: string, index: number, pcpus: readonly number[]) {
    const vm = this.#host.channels.vm(name);
    if (vm === undefined) return this.#noVm(name);
    if (pcpus.length === 0) return no("invalid", "Name at least one pCPU.");
    const list = pcpus.join(",");
    const byLibvirt = await this.#options.pinByLibvirt(name, index, list);
    if (byLibvirt !== undefined) {
      if (!byLibvirt.ok) return no("failed", byLibvirt.error);
    } else {
      const { pid } = vm;
      const tid = pid === undefined ? undefined : readVcpuThreads(this.#options.procRoot, pid).get(index);
      if (tid === undefined) {
        return no(
          "failed",
          `VM ${JSON.stringify(name)} has no thread for vCPU ${index} that could be pinned.`,
        );
      }
      const pinned = setAffinity(tid, pcpus);
      if (!pinned.ok) return no("failed", `${pinned.error}.`);
    }
    vm.forgetPlaces();
    this.#host.upkeep.look();
    return yes(vcpuReport(this.#host, vm, index));
  }

  channels() {
    return [...this.#host.channels.all].map(channelReport);
  }

  addChannels(vm: string, numbers: Numbers) {
    if (!this.#host.channels.addChannels(vm, numbers)) return this.#noChannels(vm, numbers);
    return yes(this.#host.channels.of(vm).map(channelReport));
  }

  removeChannels(vm: string, numbers: Numbers): Answer {
    return this.#host.channels.removeChannels(vm, numbers) ? DONE : this.#noChannels(vm, numbers);
  }

  enableChannels(vm: string, numbers: Numbers, enabled: boolean): Answer {
    const all = this.#host.channels.of(vm);
    const chosen = numbers === "all" ? all : all.filter(({ index }) => numbers.includes(index));
    if (chosen.length === 0 || (numbers !== "all" && chosen.length < numbers.length)) {
      return this.#noChannels(vm, numbers);
    }
    for (const channel of chosen) channel.enabled = enabled;
    return DONE;
  }

  freq(cpus: Numbers) {
    return this.#freq.freq(cpus);
  }

  setFreq(cpus: readonly number[], target: Step | number) {
    return this.#freq.setFreq(cpus, target);
  }

  releaseFreq(cpus: Numbers) {
    return this.#freq.releaseFreq(cpus);
  }

  explain(cpu: number) {
    return this.#freq.explain(cpu);
  }

  policies() {
    return this.#policies.policies();
  }

  policy(vm: string) {
    return this.#policies.policy(vm);
  }

  setPolicy(vm: string, written: object, save: boolean) {
    return this.#policies.setPolicy(vm, written, save);
  }

  removePolicy(vm: string, save: boolean): Answer {
    return this.#policies.removePolicy(vm, save);
  }

  resumed(): Answer {
    this.#host.upkeep.resumed();
    return DONE;
  }

  reload() {
    const loaded = this.#load();
    if (!loaded.ok) {
      this.#host.log.error(`Configuration refused, the old one stays: ${loaded.error.message}`);
      return loaded;
    }
    this.#host.configure(loaded.value);
    this.power.configured();
    this.#host.log.info("Configuration reloaded", { files: loaded.value.files.join(",") });
    return yes({ files: loaded.value.files });
  }

  live() {
    return liveReport(this.#host, this.#uptimeS());
  }

  metrics(): Snapshot {
    return readMetrics(this.#host, this.#options.version);
  }

  subscribe(listener: (event: Happening) => void): () => void {
    return this.#host.events.subscribe(listener);
  }

  #load(): Answer<Config> {
    const judged = judge("the change", this.#runtime);
    const loaded = judged.ok ? this.#options.load(judged.value.says) : judged;
    return loaded.ok ? yes(loaded.value) : no("invalid", loaded.error.map(describeProblem).join(" "));
  }

  #uptimeS(): number {
    return Math.round((performance.now() - this.#startedAt) / 1000);
  }

  #noVm(name: string): Answer<never> {
    const known = [...this.#host.channels.vms].map(({ vm }) => vm).sort();
    const instead = known.length === 0 ? "none is connected" : `there are ${known.slice(0, 20).join(", ")}`;
    return no("not-found", `There is no VM ${JSON.stringify(name)}; ${instead}.`);
  }

  #noChannels(vm: string, numbers: Numbers): Answer<never> {
    const there = this.#host.channels.socketsOf(vm).join(", ") || "none";
    const asked = numbers === "all" ? "" : ` ${numbers.join(", ")}`;
    return no(
      "not-found",
      `VM ${JSON.stringify(vm)} has not all of the channels${asked}; its sockets are: ${there}.`,
    );
  }
}
