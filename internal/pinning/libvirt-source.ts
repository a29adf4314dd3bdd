// libvirt's view kept at hand: a stuck or restarting libvirtd delays nothing but this.

import { killGroup, plainEnv } from "../os/spawn.ts";
import type { Result } from "../values/result.ts";
import { err } from "../values/result.ts";
import { pcpu } from "../values/units.ts";
import { vcpuOfPort } from "./domain-definition.ts";
import { type LibvirtVm, nameable, pinVcpu, readVms } from "./libvirt.ts";
import type { Pins, PinSource, PinSubject } from "./pins.ts";
import type { Virsh } from "./virsh.ts";

/** A channel that libvirt knows: whose it is and which of the guest's ports. */
export interface LibvirtChannel {
  readonly path: string;
  readonly vm: string;
  readonly index: number;
}

/** Who is told what libvirt says. */
export interface LibvirtListener {
  /** What active domains' definitions say to powermon changed; told before their channels are. */
  metadata(vms: ReadonlyMap<string, ReadonlyMap<string, string>>): void;
  /** The channels of active domains changed. */
  channels(channels: readonly LibvirtChannel[]): void;
  /** Which domains are paused changed. */
  paused(vms: ReadonlySet<string>): void;
  /** A domain's guest was reset; its QEMU and its channels stay. */
  rebooted(vm: string): void;
  /** libvirt can't be asked; told once per reason. */
  problem(why: string): void;
}

/** libvirt is asked at least this often, in ms; its events make us ask at once. */
const REFRESH_MS = 10_000;
/** Events that come together are one reason to ask, ms. */
const SETTLE_MS = 50;
/** First and longest wait before a lost event stream is opened again, ms. */
const BACKOFF_MS = { first: 500, most: 5000 };
/** An event that tells of a reset; older virsh leaves the quotes out. Source: virsh(1), event. */
const REBOOT = /^event 'reboot' for domain (?:'(.+)'|(.+))$/;
/** Longest line of virsh that is kept, in characters. */
const MAX_LINE = 4096;

export class LibvirtSource implements PinSource {
  readonly name = "libvirt";
  readonly live = true;
  readonly #virsh: Virsh;
  readonly #ending = new AbortController();
  readonly #listener: LibvirtListener;
  #vms = new Map<string, LibvirtVm>();
  #metadata: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined;
  #channels: readonly LibvirtChannel[] = [];
  #paused: ReadonlySet<string> = new Set();
  #problem: string | undefined = "libvirt has not answered yet";
  /** Why domains are not served, as told. */
  #told: ReadonlySet<string> = new Set();
  #asking: Promise<void> | undefined;
  #again = false;
  #stopped = true;
  #events: Bun.Subprocess<"ignore", "pipe", "ignore"> | undefined;
  #lines: { cancel(): Promise<void> } | undefined;
  #backoffMs = BACKOFF_MS.first;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setInterval> | undefined;

  constructor(virsh: Virsh, listener: LibvirtListener) {
    this.#virsh = { ...virsh, signal: this.#ending.signal };
    this.#listener = listener;
  }

  /** Asks now, then after every event of libvirt's, until stop(). */
  start(): void {
    this.#stopped = false;
    void this.ask();
    this.#refresh = setInterval(() => void this.ask(), REFRESH_MS);
    this.#listen();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#refresh);
    clearTimeout(this.#settle);
    clearTimeout(this.#reopen);
    this.#ending.abort();
    this.#endEvents();
  }

  #endEvents(): void {
    if (this.#events === undefined) return;
    killGroup(this.#events.pid);
    void this.#lines?.cancel();
  }

  pins({ vm }: PinSubject, vcpu: number): Pins {
    const domain = this.#vms.get(vm);
    if (domain === undefined) {
      return {
        kind: "unknown",
        why: this.#problem ?? `libvirt has no running domain ${JSON.stringify(vm)}`,
      };
    }
    const pin = domain.pins.find((one) => one.vcpu === vcpu);
    if (pin === undefined) return { kind: "absent", count: domain.pins.length };
    return { kind: "known", pcpus: pin.pcpus.map(pcpu) };
  }

  /** Returns whether a VM is libvirt's, and runs. */
  has(vm: string): boolean {
    return this.#vms.has(vm);
  }

  /** Pins a vCPU, now and for the domain's next start; undefined when the VM is not libvirt's. Errors: libvirt's sentence. */
  async pin(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined> {
    const domain = this.#vms.get(vm);
    if (domain === undefined) return undefined;
    const pinned = await pinVcpu(this.#virsh, domain.uuid, vcpu, cpuList);
    await this.ask();
    return pinned;
  }

  /** Asks libvirt for all domains; one run at a time, and once more when something changed meanwhile. */
  async ask(): Promise<void> {
    if (this.#asking !== undefined) {
      this.#again = true;
      return await this.#asking;
    }
    this.#asking = this.#read();
    await this.#asking;
    this.#asking = undefined;
    if (this.#again && !this.#stopped) {
      this.#again = false;
      await this.ask();
    }
  }

  async #read(): Promise<void> {
    const vms = await readVms(this.#virsh).catch((cause: unknown) => err(String(cause)));
    if (this.#stopped) return;
    if (!vms.ok) {
      // What was known stays: a daemon that restarts moves nobody's threads.
      if (this.#problem !== vms.error) this.#listener.problem(vms.error);
      this.#problem = vms.error;
      return;
    }
    this.#problem = undefined;
    const named = nameable(vms.value);
    for (const why of named.problems) if (!this.#told.has(why)) this.#listener.problem(why);
    this.#told = new Set(named.problems);
    this.#vms = new Map(named.vms.map((vm) => [vm.name, vm]));
    const metadata = new Map(
      named.vms.flatMap(({ name, metadata: said }) => (said === undefined ? [] : [[name, said] as const])),
    );
    if (!Bun.deepEquals(metadata, this.#metadata, true)) {
      this.#metadata = metadata;
      this.#listener.metadata(metadata);
    }
    const channels = named.vms.flatMap((vm) =>
      vm.channels.flatMap(({ path, port }) => {
        const index = vcpuOfPort(port);
        return index === undefined ? [] : [{ path, vm: vm.name, index }];
      }),
    );
    if (!Bun.deepEquals(channels, this.#channels, true)) {
      this.#channels = channels;
      this.#listener.channels(channels);
    }
    const paused = new Set(named.vms.filter((vm) => vm.paused).map(({ name }) => name));
    if (Bun.deepEquals(paused, this.#paused, true)) return;
    this.#paused = paused;
    this.#listener.paused(paused);
  }

  /** Follows libvirt's events; each line is a reason to ask, the first one that libvirt is there. Source: virsh(1), event. */
  #listen(): void {
    const { uri, program = "virsh" } = this.#virsh;
    const again = () => {
      if (this.#stopped) return;
      this.#reopen = setTimeout(() => this.#listen(), this.#backoffMs);
      this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.most);
    };
    try {
      this.#events = Bun.spawn([program, "--quiet", "--connect", uri, "uri; event --all --loop"], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
        // A group of its own: a wrapper's children end with it.
        detached: true,
        env: plainEnv(),
      });
    } catch {
      // ask() tells that virsh is missing.
      again();
      return;
    }
    void this.#follow(this.#events.stdout).finally(again);
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    const reader = stream.getReader();
    this.#lines = reader;
    for (;;) {
      const { done, value: bytes } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = (lines.pop() ?? "").slice(0, MAX_LINE);
      for (const line of lines) {
        const [, quoted, bare] = REBOOT.exec(line) ?? [];
        const vm = quoted ?? bare;
        if (vm !== undefined && !this.#stopped) this.#listener.rebooted(vm);
      }
      this.#backoffMs = BACKOFF_MS.first;
      this.#settle ??= setTimeout(() => {
        this.#settle = undefined;
        void this.ask();
      }, SETTLE_MS);
    }
  }
}
