// The pinning sources that a configuration names, kept over reloads: libvirt's view takes time to build.

import { DEFAULTS } from "../config/defaults.ts";
import { vmConfig } from "../config/effective.ts";
import type { Config } from "../config/load.ts";
import type { PinningSource } from "../config/schema.ts";
import { nameable, pinVcpu, readVms } from "../pinning/libvirt.ts";
import { type LibvirtListener, LibvirtSource } from "../pinning/libvirt-source.ts";
import type { PinSource } from "../pinning/pins.ts";
import { procPins } from "../pinning/proc.ts";
import { qmpPins } from "../pinning/qmp-source.ts";
import { staticPins } from "../pinning/static.ts";
import type { Result } from "../values/result.ts";

/** How long libvirt may take where it is asked once, in ms. */
const ONCE_MS = 3000;

export class Sources {
  readonly #procRoot: string;
  readonly #listener: LibvirtListener;
  /** VMs that stand still, by the word of each source that knows. */
  #pausedByLibvirt: ReadonlySet<string> = new Set();
  readonly #pausedByQmp = new Set<string>();
  #uri = DEFAULTS.pinning.libvirt_uri;
  #libvirt: { readonly uri: string; readonly source: LibvirtSource } | undefined;

  constructor(procRoot: string, listener: LibvirtListener) {
    this.#procRoot = procRoot;
    this.#listener = listener;
  }

  /** Returns the sources in the configured order; one that is not named any more is stopped. */
  of(config: Config): readonly PinSource[] {
    const { sources, libvirtUri } = config.pinning;
    this.#uri = libvirtUri;
    // Not at once: who asks is in the middle of taking a configuration.
    if (this.#libvirt !== undefined && !sources.includes("libvirt"))
      queueMicrotask(() => this.#listener.metadata(new Map()));
    if (!sources.includes("libvirt") || this.#libvirt?.uri !== libvirtUri) this.stop();
    const make: { readonly [K in PinningSource]: () => PinSource } = {
      proc: () => procPins(this.#procRoot),
      libvirt: () => this.#startLibvirt(libvirtUri),
      qmp: () => this.#makeQmp((vm) => vmConfig(config, vm).qmp),
      static: () => staticPins((vm) => vmConfig(config, vm).pins),
    };
    return sources.map((name) => make[name]());
  }

  /**
   * Pins a vCPU through libvirt, now and for the next start; undefined when the VM is not libvirt's. Where libvirt is no source it
   * is asked this once: else its own view of the pin, and the next start's, would be the old one.
   */
  async pinByLibvirt(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined> {
    if (this.#libvirt !== undefined) return await this.#libvirt.source.pin(vm, vcpu, cpuList);
    const domain = await this.#domainOnce(vm);
    return domain && (await pinVcpu(this.#once, domain.uuid, vcpu, cpuList));
  }

  /** Resolves to whether pinByLibvirt() would go through libvirt. */
  async isLibvirts(vm: string): Promise<boolean> {
    return this.#libvirt?.source.has(vm) ?? (await this.#domainOnce(vm)) !== undefined;
  }

  get #once() {
    return { uri: this.#uri, timeoutMs: ONCE_MS };
  }

  async #domainOnce(vm: string) {
    const vms = await readVms(this.#once);
    return vms.ok ? nameable(vms.value).vms.find(({ name }) => name === vm) : undefined;
  }

  stop(): void {
    if (this.#libvirt === undefined) return;
    this.#libvirt.source.stop();
    this.#libvirt = undefined;
    this.#listener.channels([]);
    this.#pausedByLibvirt = new Set();
    this.#tellPaused();
  }

  #makeQmp(socketOf: (vm: string) => string | undefined): PinSource {
    // The one before is asked no more; who stands still is found out anew.
    if (this.#pausedByQmp.size > 0) {
      this.#pausedByQmp.clear();
      this.#tellPaused();
    }
    return qmpPins(socketOf, (vm, paused) => {
      if (paused) this.#pausedByQmp.add(vm);
      else this.#pausedByQmp.delete(vm);
      this.#tellPaused();
    });
  }

  #tellPaused(): void {
    this.#listener.paused(new Set([...this.#pausedByLibvirt, ...this.#pausedByQmp]));
  }

  #startLibvirt(uri: string): PinSource {
    if (this.#libvirt === undefined) {
      const source = new LibvirtSource(
        { uri },
        {
          ...this.#listener,
          paused: (vms) => {
            this.#pausedByLibvirt = vms;
            this.#tellPaused();
          },
        },
      );
      this.#libvirt = { uri, source };
      source.start();
    }
    return this.#libvirt.source;
  }
}
