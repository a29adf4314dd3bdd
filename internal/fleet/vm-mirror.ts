// The settings of all VMs of the fleet, at hand before a VM comes: its first request may be its first sign of life.

import { DONE, type Result } from "../values/result.ts";
import { isVmName } from "../values/vm-name.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import { type Keys, readAllBelow, MAX_VMS } from "./stored.ts";

/** VMs' settings as they stand there, not judged. */
export type VmTexts = ReadonlyMap<string, string>;

/** Who took long to take a change up is told of the next one after this many times as long. */
const REST_TIMES = 20;

export class VmMirror {
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #changed: (vms: VmTexts) => void;
  #seen = -1;
  #notBefore = 0;

  /** @param changed told of all VMs' settings when some have changed */
  constructor(etcd: Etcd, keys: Keys, changed: (vms: VmTexts) => void) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#changed = changed;
  }

  /** Reads all settings anew when they changed; after a change that took long to take up the next one waits. @param revision when they did last, 0 for never */
  async follow(revision: number): Promise<Result<void, EtcdError>> {
    if (revision === this.#seen || performance.now() < this.#notBefore) return DONE;
    const { vms } = this.#keys;
    const read = await this.#etcd.txn([], [{ readAll: vms, limit: MAX_VMS }]);
    if (!read.ok) return read;
    const [found] = read.value.found;
    const began = performance.now();
    const asWritten = (text: string) => text;
    this.#changed(readAllBelow(found?.kvs ?? [], vms, asWritten, { named: isVmName, most: MAX_VMS }));
    this.#seen = revision;
    const now = performance.now();
    this.#notBefore = now + REST_TIMES * (now - began);
    return DONE;
  }
}
