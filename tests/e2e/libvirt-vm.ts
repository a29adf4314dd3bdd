// A real guest as a domain of a private libvirtd.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PrivateLibvirt } from "../helpers/libvirtd.ts";
import { ExecChannel, type Outcome } from "./exec-channel.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";

const BOOT_LIMIT_MS = 60_000;

/** What the domain is like: vCPU n of it is pinned to pCPU `pins[n]`. */
export interface DomainSpec {
  readonly name: string;
  readonly pins: readonly number[];
  /** Where its channels' sockets go. */
  readonly channels: string;
  readonly build: string;
}

/** A domain that boots the lab's guest, with a channel per vCPU. */
export class LibvirtVm {
  readonly name: string;
  readonly #libvirt: PrivateLibvirt;
  #channel: ExecChannel;

  /** Defines the domain with a guest agent's port, and gives it channels by `powermon channel attach`; it does not run yet. */
  constructor(libvirt: PrivateLibvirt, spec: DomainSpec) {
    this.name = spec.name;
    this.#libvirt = libvirt;
    this.#channel = new ExecChannel(spec.name);
    const path = join(libvirt.dir, `${spec.name}.xml`);
    writeFileSync(path, domainXml(libvirt.dir, spec));
    libvirt.virsh("define", path);
    const words = ["channel", "attach", spec.name, "--dir", spec.channels, "--libvirt-uri", libvirt.uri];
    const attached = Bun.spawnSync([join(DIST, "powermon"), ...words]);
    if (attached.exitCode !== 0)
      throw new Error(`powermon ${words.join(" ")}: ${attached.stderr.toString()}`);
  }

  /** Starts the domain and resolves once its shell answers. */
  async start(): Promise<void> {
    this.#libvirt.virsh("start", this.name);
    await this.#reach();
  }

  /** Resets the guest as a reboot does: QEMU and its sockets stay. */
  async reset(): Promise<void> {
    this.#libvirt.virsh("reset", this.name);
    this.#channel.end();
    await this.#reach();
  }

  /** Runs `command` in the guest's bash as root and returns its outcome, whatever the status. */
  exec(command: string, limitSeconds = 30): Promise<Outcome> {
    return this.#channel.run(command, limitSeconds);
  }

  /** Asks for a scale of one vCPU with vmpower-guest. */
  scale(unit: string, vcpu: number): Promise<Outcome> {
    return this.exec(`${DIST}/vmpower-guest scale ${unit} --vcpu ${vcpu} --timeout-ms 10000`);
  }

  async #reach(): Promise<void> {
    this.#channel = new ExecChannel(this.name);
    await this.#channel.connect(join(this.#libvirt.dir, `${this.name}.exec`));
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new Error(`Domain ${this.name} did not boot within ${BOOT_LIMIT_MS} ms`));
    }, BOOT_LIMIT_MS);
    await Promise.race([this.#channel.ready, late.promise]).finally(() => clearTimeout(timer));
    // reads the executable over 9p once, so that later timings are about powermon
    await until("vmpower-guest runs", 30_000, async () => {
      return (await this.exec(`${DIST}/vmpower-guest --version`)).status === 0;
    });
  }
}

function domainXml(dir: string, { name, pins, build }: DomainSpec): string {
  const pinned = pins.map((pcpu, vcpu) => `<vcpupin vcpu='${vcpu}' cpuset='${pcpu}'/>`).join("");
  return `<domain type='qemu'>
    <name>${name}</name>
    <memory unit='MiB'>320</memory>
    <vcpu>${pins.length}</vcpu>
    <cputune>${pinned}</cputune>
    <cpu mode='maximum'/>
    <features><acpi/></features>
    <os>
      <type arch='x86_64' machine='q35'>hvm</type>
      <kernel>${build}/vmlinux</kernel>
      <initrd>${build}/guest.cpio</initrd>
      <cmdline>console=ttyS0 quiet panic=-1 edd=off mitigations=off lab.ports=${pins.length + 2}</cmdline>
    </os>
    <devices>
      <emulator>${Bun.which("qemu-system-x86_64")}</emulator>
      <controller type='usb' model='none'/>
      <memballoon model='none'/>
      <serial type='file'><source path='${dir}/${name}.console'/></serial>
      <filesystem type='mount' accessmode='passthrough' multidevs='remap'>
        <source dir='/'/><target dir='labroot'/><readonly/>
      </filesystem>
      <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
      <channel type='unix'>
        <source mode='bind' path='${dir}/${name}.exec'/>
        <target type='virtio' name='lab.exec'/>
      </channel>
    </devices>
  </domain>`;
}
