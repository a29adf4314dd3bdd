// The settings of all VMs of the fleet, at hand before a VM comes: its first request may be its first sign of life.

import { DONE, type Result } from "../values/result.ts";
import { isVmName } from "../values/vm-name.ts";
import type { Etcd, EtcdError } from "./etcd/etcd.ts";
import { type Keys, readAllBelow, readSettings, MAX_VMS } from "./stored.ts";

/** A VM's settings as a configuration file has them, not yet judged as such. */
export type VmTexts = ReadonlyMap<string, object>;

export class VmMirror {
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #changed: (vms: VmTexts) => void;
  #seen = -1;

  /** @param changed told of all VMs' settings when some have changed */
  constructor(etcd: Etcd, keys: Keys, changed: (vms: VmTexts) => void) {
    this.#etcd = etcd;
    this.#keys = keys;
    this.#changed = changed;
  }

  /** Reads all settings anew when they changed. @param revision when they did last, 0 for never */
  async follow(revision: number): Promise<Result<void, EtcdError>> {
    if (revision === this.#seen) return DONE;
    const { vms } = this.#keys;
    const read = await this.#etcd.txn([], [{ readAll: vms, limit: MAX_VMS }]);
    if (!read.ok) return read;
    const [found] = read.value.found;
    this.#changed(readAllBelow(found?.kvs ?? [], vms, readSettings, { named: isVmName, most: MAX_VMS }));
    this.#seen = revision;
    return DONE;
  }
}
