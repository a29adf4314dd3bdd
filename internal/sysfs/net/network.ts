// Which host interface is a guest's, found by MAC.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { err, ok, type Result } from "../../values/result.ts";
import { AttrDir } from "../attr.ts";
import { type SysfsError, sysfsError } from "../../values/sysfs-error.ts";

/** The file that counts what a guest receives through one host interface. */
export interface Received {
  readonly interface: string;
  /**
   * What the guest receives. The host's end of a cable (tap, veth) sends it, so there it is tx_packets; where the interface itself
   * is the guest's (macvtap, a VF's own netdev) it is rx_packets.
   */
  readonly counter: "rx_packets" | "tx_packets";
  readonly path: string;
}

/** libvirt gives a tap the guest's MAC with this first byte, or the second one for a guest that has the first. Source: libvirt src/util/virnetdevtap.c. */
const LIBVIRT_FIRST = ["fe", "fa"];
/** Bytes of one entry of brforward. Source: include/uapi/linux/if_bridge.h, struct __fdb_entry. */
const FDB_BYTES = 16;
const FDB = { port: 6, isLocal: 7, portHigh: 12 };

/** The host's interfaces as of one moment. */
export class Network {
  readonly #root: string;
  readonly #names: readonly string[];
  /** By MAC: interfaces that have it. */
  readonly #byMac = new Map<string, string[]>();
  /** By MAC: the bridge port behind which it was last seen. */
  #learned: ReadonlyMap<string, string> | undefined;

  constructor(root: string, names: readonly string[]) {
    this.#root = root;
    this.#names = names;
    for (const name of names) {
      const mac = this.#line(name, "address");
      if (mac !== undefined) this.#byMac.set(mac, [...(this.#byMac.get(mac) ?? []), name]);
    }
  }

  /**
   * Returns where the guest with this MAC receives: an interface that has the MAC itself, a tap that libvirt named after it, or the
   * bridge port behind which it was seen (only if that port leads to a guest: an uplink's neighbours live elsewhere). Undefined when it
   * is nowhere. Physical interfaces are the host's own and never match; a VF's netdev does.
   * @param mac lower-case, colon-separated
   */
  byMac(mac: string): Received | undefined {
    const own = this.#byMac.get(mac)?.find((name) => !this.#isHosts(name));
    if (own !== undefined) return this.#received(own, this.#isTap(own));
    const alias = LIBVIRT_FIRST.flatMap((first) => this.#byMac.get(first + mac.slice(2)) ?? []);
    const tap = alias.find((name) => this.#isTap(name)) ?? this.#behind(mac);
    return tap === undefined ? undefined : this.#received(tap, true);
  }

  /** Returns where the guest at interface `name` receives; undefined when there is no such interface. */
  byName(name: string): Received | undefined {
    return this.#names.includes(name) ? this.#received(name, this.#leadsToGuest(name)) : undefined;
  }

  /** Returns the interfaces that have SR-IOV VFs, whose counters only netlink tells. Source: Documentation/ABI/testing/sysfs-bus-pci. */
  withVfs(): readonly string[] {
    return this.#names.filter((name) => Number(this.#line(name, "device/sriov_numvfs") ?? 0) > 0);
  }

  #received(name: string, sends: boolean): Received {
    const counter = sends ? "tx_packets" : "rx_packets";
    return { interface: name, counter, path: `${this.#root}/${name}/statistics/${counter}` };
  }

  #behind(mac: string): string | undefined {
    this.#learned ??= this.#readLearned();
    const port = this.#learned.get(mac);
    return port !== undefined && this.#leadsToGuest(port) ? port : undefined;
  }

  #readLearned(): ReadonlyMap<string, string> {
    const learned = new Map<string, string>();
    for (const bridge of this.#names) {
      const ports = this.#portsOf(bridge);
      if (ports.size === 0) continue;
      const table = readBytes(`${this.#root}/${bridge}/brforward`);
      for (let at = 0; at + FDB_BYTES <= table.length; at += FDB_BYTES) {
        if (table[at + FDB.isLocal] !== 0) continue;
        const port = ports.get((table[at + FDB.port] ?? 0) | ((table[at + FDB.portHigh] ?? 0) << 8));
        const mac = table
          .subarray(at, at + 6)
          .toHex()
          .replace(/..(?=.)/g, "$&:");
        if (port !== undefined) learned.set(mac, port);
      }
    }
    return learned;
  }

  /** Port names of a bridge by port number; none for anything else. */
  #portsOf(bridge: string): ReadonlyMap<number, string> {
    const ports = new Map<number, string>();
    for (const port of list(`${this.#root}/${bridge}/brif`)) {
      const number = Number(this.#line(bridge, `brif/${port}/port_no`));
      if (Number.isInteger(number)) ports.set(number, port);
    }
    return ports;
  }

  #isTap(name: string): boolean {
    return this.#has(name, "tun_flags");
  }

  /** The host's own: loopback, bridges, and hardware that is not a VF. */
  #isHosts(name: string): boolean {
    return (
      name === "lo" ||
      this.#has(name, "bridge") ||
      (this.#has(name, "device") && !this.#has(name, "device/physfn"))
    );
  }

  /** A tap, or a veth: virtual, of no special type, and not stacked on another interface. */
  #leadsToGuest(name: string): boolean {
    if (this.#isTap(name)) return true;
    if (this.#has(name, "device")) return false;
    const entries = list(`${this.#root}/${name}`);
    const uevent = readBytes(`${this.#root}/${name}/uevent`).toString();
    return !entries.some((entry) => entry.startsWith("lower_")) && !uevent.includes("DEVTYPE=");
  }

  #has(name: string, entry: string): boolean {
    return existsSync(`${this.#root}/${name}/${entry}`);
  }

  /** An interface may go away while we look: then it has nothing to say. */
  #line(name: string, attr: string): string | undefined {
    return new AttrDir(`${this.#root}/${name}`).peek(attr);
  }
}

/** Returns the interfaces of the network namespace that `sysfsRoot` shows. Errors: EACCES, ENOENT without class/net. */
export function readNetwork(sysfsRoot: string): Result<Network, SysfsError> {
  const root = `${sysfsRoot}/class/net`;
  try {
    return ok(new Network(root, readdirSync(root).sort()));
  } catch (thrown) {
    return err(sysfsError("read", root, thrown));
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
