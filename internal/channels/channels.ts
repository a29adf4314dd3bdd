// Which channels there are and whose: the folders' sockets, less what an operator took out.

import type { VmConfig } from "../config/effective.ts";
import type { Notice } from "../values/extension.ts";
import type { Numbers } from "../values/numbers.ts";
import type { Log } from "../log.ts";
import { Channel } from "./channel.ts";
import type { ChannelHost } from "./line.ts";
import { ChannelFolder, type ChannelName } from "./folder.ts";
import { type PlacementRules, Vm } from "./vm.ts";

export class Channels {
  readonly #host: ChannelHost;
  readonly #rules: PlacementRules;
  readonly #settingsOf: (vm: string) => VmConfig;
  readonly #vms = new Map<string, Vm>();
  readonly #byPath = new Map<string, Channel>();
  /** Every socket that is there, taken up or not. */
  readonly #seen = new Map<string, ChannelName>();
  /** Whose sockets are, by libvirt's word. */
  readonly #named = new Map<string, ChannelName>();
  readonly #removedVms = new Set<string>();
  readonly #removedPaths = new Set<string>();
  #folders: readonly ChannelFolder[] = [];

  /** @param settingsOf a VM's settings now in force */
  constructor(host: ChannelHost, rules: PlacementRules, settingsOf: (vm: string) => VmConfig) {
    this.#host = host;
    this.#rules = rules;
    this.#settingsOf = settingsOf;
  }

  get all(): Iterable<Channel> {
    return this.#byPath.values();
  }

  get vms(): Iterable<Vm> {
    return this.#vms.values();
  }

  get dirs(): readonly string[] {
    return this.#folders.map(({ dir }) => dir);
  }

  vm(name: string): Vm | undefined {
    return this.#vms.get(name);
  }

  /** Returns the channels of a VM, by number. */
  of(vm: string): readonly Channel[] {
    return [...this.#byPath.values()].filter((c) => c.vm.vm === vm).sort((a, b) => a.index - b.index);
  }

  /** Returns the numbers of a VM's sockets, whether taken up or not. */
  socketsOf(vm: string): readonly number[] {
    const numbers = [...this.#seen.values()].filter((name) => name.vm === vm).map(({ index }) => index);
    return numbers.sort((a, b) => a - b);
  }

  /** Says `notice` to every guest that asked for notices. */
  notice(notice: Notice): void {
    for (const channel of this.#byPath.values()) channel.notice(notice);
  }

  /** Watches these folders and no others. */
  watch(dirs: readonly string[]): void {
    const kept = this.#folders.filter((folder) => dirs.includes(folder.dir));
    for (const folder of this.#folders) {
      if (kept.includes(folder)) continue;
      folder.stop();
      for (const path of [...this.#seen.keys()]) if (dirOf(path) === folder.dir) this.gone(path);
    }
    this.#folders = dirs.map((dir) => kept.find((folder) => folder.dir === dir) ?? this.#newFolder(dir));
    for (const folder of this.#folders) if (!kept.includes(folder)) folder.start();
  }

  /** Ends every channel; their claims are withdrawn. */
  stop(): void {
    for (const folder of this.#folders) folder.stop();
    for (const channel of this.#byPath.values()) channel.close();
    this.#byPath.clear();
    this.#vms.clear();
  }

  /** Takes new settings of all VMs. */
  configure(): void {
    for (const vm of this.#vms.values()) {
      vm.configure(this.#settingsOf(vm.vm));
      this.#host.vmChanged(vm.vm);
    }
  }

  /** Looks anew for where every vCPU runs, as after CPUs came or went. */
  forgetPlaces(): void {
    for (const vm of this.#vms.values()) {
      vm.forgetPlaces();
      this.#host.vmChanged(vm.vm);
    }
  }

  /** A socket is there, or something in its folder changed. */
  found(path: string, told: ChannelName): void {
    const name = this.#named.get(path) ?? told;
    this.#seen.set(path, name);
    const known = this.#byPath.get(path);
    if (known !== undefined) known.poke();
    else if (!this.#removedVms.has(name.vm) && !this.#removedPaths.has(path)) this.#takeUp(path, name);
  }

  /** Takes libvirt's word for whose a socket is, also of those that stand in no watched folder. */
  named(channels: readonly (ChannelName & { readonly path: string })[]): void {
    const before = new Set(this.#named.keys());
    for (const { path, vm, index } of channels) {
      before.delete(path);
      const known = this.#byPath.get(path);
      if (known !== undefined && (known.vm.vm !== vm || known.index !== index)) this.#drop(path);
      this.#named.set(path, { vm, index });
      this.found(path, { vm, index });
    }
    for (const path of before) {
      this.#named.delete(path);
      if (!this.dirs.includes(dirOf(path))) this.gone(path);
    }
  }

  /** A socket's file was removed. */
  gone(path: string): void {
    this.#seen.delete(path);
    this.#removedPaths.delete(path);
    this.#drop(path);
  }

  /** Takes up again what was removed. Returns whether the VM has any socket. */
  addVm(vm: string): boolean {
    this.#removedVms.delete(vm);
    return this.addChannels(vm, "all");
  }

  /** Closes a VM's channels and leaves them alone. Returns whether there was such a VM. */
  removeVm(vm: string): boolean {
    if (!this.#vms.has(vm)) return false;
    this.#removedVms.add(vm);
    for (const { path } of this.of(vm)) this.#drop(path);
    return true;
  }

  /** Takes channels up again. Returns whether each of them has a socket. */
  addChannels(vm: string, numbers: Numbers): boolean {
    const paths = this.#paths(vm, numbers);
    if (!isAll(paths, numbers)) return false;
    this.#removedVms.delete(vm);
    for (const [path, name] of paths) {
      this.#removedPaths.delete(path);
      if (!this.#byPath.has(path)) this.#takeUp(path, name);
    }
    return true;
  }

  /** Closes channels and leaves them alone. Returns whether each of them was there. */
  removeChannels(vm: string, numbers: Numbers): boolean {
    const open = this.open(vm, numbers);
    for (const { path } of open ?? []) {
      this.#removedPaths.add(path);
      this.#drop(path);
    }
    return open !== undefined;
  }

  /** Returns the channels that are named; undefined unless each of them is there. */
  open(vm: string, numbers: Numbers): readonly Channel[] | undefined {
    const open = this.of(vm).filter(({ index }) => numbers === "all" || numbers.includes(index));
    return isAll(open, numbers) ? open : undefined;
  }

  /** Returns the numbers of channels that addChannels() would take up; undefined unless each has a socket. */
  closed(vm: string, numbers: Numbers): readonly number[] | undefined {
    const paths = this.#paths(vm, numbers);
    if (!isAll(paths, numbers)) return undefined;
    return paths.filter(([path]) => !this.#byPath.has(path)).map(([, { index }]) => index);
  }

  #paths(vm: string, numbers: Numbers): [string, ChannelName][] {
    return [...this.#seen].filter(
      ([, name]) => name.vm === vm && (numbers === "all" || numbers.includes(name.index)),
    );
  }

  /** Returns a VM that nobody knows yet, with its settings now in force. */
  newVm(name: string): Vm {
    return new Vm(this.#rules, this.#settingsOf(name));
  }

  #takeUp(path: string, name: ChannelName): void {
    let vm = this.#vms.get(name.vm);
    const isNew = vm === undefined;
    if (vm === undefined) {
      this.#vms.set(name.vm, (vm = this.newVm(name.vm)));
    }
    const channel = new Channel(path, vm, name.index, this.#host);
    this.#byPath.set(path, channel);
    channel.open();
    if (isNew) this.#host.vmChanged(name.vm);
  }

  #drop(path: string): void {
    const channel = this.#byPath.get(path);
    if (channel === undefined) return;
    const fields = { channel: channel.name };
    this.#log.info("Channel removed", fields);
    this.#host.events.emit("channel-removed", fields);
    channel.close();
    channel.vm.meter.retire(channel);
    this.#byPath.delete(path);
    if (this.of(channel.vm.vm).length > 0) return;
    this.#vms.delete(channel.vm.vm);
    this.#host.vmChanged(channel.vm.vm);
  }

  #newFolder(dir: string): ChannelFolder {
    return new ChannelFolder(
      dir,
      (path, name) => this.found(path, name),
      (path) => this.gone(path),
      (code) => this.#log.warn(`Cannot read the channel folder "${dir}": ${code}; waiting for it`),
      (code) =>
        this.#log.warn(
          `Cannot watch the channel folder "${dir}": ${code}; VMs are seen up to 2 s late. Raise fs.inotify.max_user_instances or max_user_watches`,
        ),
    );
  }

  get #log(): Log {
    return this.#host.log;
  }
}

/** Returns whether each that was asked for was found, and at least one. */
function isAll(found: readonly unknown[], asked: Numbers): boolean {
  return found.length > 0 && (asked === "all" || found.length >= asked.length);
}

function dirOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
