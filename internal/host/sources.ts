// The pinning sources that a configuration names, kept over reloads: libvirt's view takes time to build.

import { vmConfig } from "../config/effective.ts";
import type { Config } from "../config/load.ts";
import type { PinningSource } from "../config/schema.ts";
import { type LibvirtListener, LibvirtSource } from "../pinning/libvirt-source.ts";
import type { PinSource } from "../pinning/pins.ts";
import { procPins } from "../pinning/proc.ts";
import { qmpPins } from "../pinning/qmp-source.ts";
import { staticPins } from "../pinning/static.ts";
import type { Result } from "../result.ts";

export class Sources {
  readonly #procRoot: string;
  readonly #listener: LibvirtListener;
  /** VMs that stand still, by the word of each source that knows. */
  #pausedByLibvirt: ReadonlySet<string> = new Set();
  readonly #pausedByQmp = new Set<string>();
  #libvirt: { readonly uri: string; readonly source: LibvirtSource } | undefined;

  constructor(procRoot: string, listener: LibvirtListener) {
    this.#procRoot = procRoot;
    this.#listener = listener;
  }

  /** Returns the sources in the configured order; one that is not named any more is stopped. */
  of(config: Config): readonly PinSource[] {
    const { sources, libvirtUri } = config.pinning;
    if (!sources.includes("libvirt") || this.#libvirt?.uri !== libvirtUri) this.stop();
    const make: { readonly [K in PinningSource]: () => PinSource } = {
      proc: () => procPins(this.#procRoot),
      libvirt: () => this.#startLibvirt(libvirtUri),
      qmp: () => this.#makeQmp((vm) => vmConfig(config, vm).qmp),
      static: () => staticPins((vm) => vmConfig(config, vm).pins),
    };
    return sources.map((name) => make[name]());
  }

  /** Pins a vCPU through libvirt; undefined when the VM is not libvirt's. */
  async pinByLibvirt(vm: string, vcpu: number, cpuList: string): Promise<Result<void, string> | undefined> {
    return await this.#libvirt?.source.pin(vm, vcpu, cpuList);
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
