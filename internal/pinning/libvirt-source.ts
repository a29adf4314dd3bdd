// libvirt's view kept at hand: a stuck or restarting libvirtd delays nothing but this.

import { isDeepStrictEqual } from "node:util";
import type { Result } from "../result.ts";
import { err } from "../result.ts";
import { pcpu } from "../units.ts";
import { type LibvirtVm, pinVcpu, readVms } from "./libvirt.ts";
import type { Pins, PinSource, PinSubject } from "./pins.ts";
import type { Virsh } from "./virsh.ts";

/** A channel that libvirt knows: whose it is and which of the guest's ports. */
export interface LibvirtChannel {
  readonly path: string;
  readonly vm: string;
  readonly index: number;
}

/** libvirt is asked at least this often, in ms; its events make us ask at once. */
const REFRESH_MS = 10_000;
/** Events that come together are one reason to ask, ms. */
const SETTLE_MS = 50;
/** First and longest wait before a lost event stream is opened again, ms. */
const BACKOFF_MS = { first: 1000, most: 30_000 };
/** The ports that are ours. Source: DPDK lib/power/power_kvm_vm.c, FD_PATH. */
const PORT = /^virtio\.serial\.port\.poweragent\.(\d{1,4})$/;

export class LibvirtSource implements PinSource {
  readonly name = "libvirt";
  readonly live = true;
  readonly #virsh: Virsh;
  readonly #onChannels: (channels: readonly LibvirtChannel[]) => void;
  readonly #onProblem: (why: string) => void;
  #vms = new Map<string, LibvirtVm>();
  #channels: readonly LibvirtChannel[] = [];
  #problem: string | undefined = "libvirt has not answered yet";
  #asking: Promise<void> | undefined;
  #again = false;
  #stopped = true;
  #events: Bun.Subprocess<"ignore", "pipe", "ignore"> | undefined;
  #backoffMs = BACKOFF_MS.first;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  #refresh: ReturnType<typeof setInterval> | undefined;

  /**
   * @param onChannels told when the channels of running domains changed
   * @param onProblem told when libvirt can't be asked, once per reason
   */
  constructor(
    virsh: Virsh,
    onChannels: (channels: readonly LibvirtChannel[]) => void,
    onProblem: (why: string) => void,
  ) {
    this.#virsh = virsh;
    this.#onChannels = onChannels;
    this.#onProblem = onProblem;
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
    this.#events?.kill("SIGKILL");
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

  /** Pins a vCPU, now and for the domain's next start; undefined when the VM is not libvirt's. Errors: libvirt's sentence. */
  async pin(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined> {
    const domain = this.#vms.get(vm);
    if (domain === undefined) return undefined;
    const scope = { live: true, config: true };
    const pinned = await pinVcpu(this.#virsh, domain.uuid, vcpu, cpuList, scope);
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
      if (this.#problem !== vms.error) this.#onProblem(vms.error);
      this.#problem = vms.error;
      return;
    }
    this.#problem = undefined;
    this.#vms = new Map(vms.value.map((vm) => [vm.name, vm]));
    const channels = vms.value.flatMap((vm) =>
      vm.channels.flatMap(({ path, port }) => {
        const index = PORT.exec(port)?.[1];
        return index === undefined ? [] : [{ path, vm: vm.name, index: Number(index) }];
      }),
    );
    if (isDeepStrictEqual(channels, this.#channels)) return;
    this.#channels = channels;
    this.#onChannels(channels);
  }

  /** Follows libvirt's events; each line is a reason to ask. Source: virsh(1), event. */
  #listen(): void {
    const { uri, program = "virsh" } = this.#virsh;
    const again = () => {
      if (this.#stopped) return;
      this.#reopen = setTimeout(() => this.#listen(), this.#backoffMs);
      this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS.most);
    };
    try {
      this.#events = Bun.spawn([program, "--quiet", "--connect", uri, "event", "--all", "--loop"], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
        env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      });
    } catch {
      // ask() tells that virsh is missing.
      again();
      return;
    }
    void this.#follow(this.#events.stdout).finally(again);
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const _ of stream) {
      this.#backoffMs = BACKOFF_MS.first;
      this.#settle ??= setTimeout(() => {
        this.#settle = undefined;
        void this.ask();
      }, SETTLE_MS);
    }
  }
}
