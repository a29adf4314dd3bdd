// What holds where no file says otherwise: one table, so that the example file, the manual and the daemon can't disagree.

import { COMMANDS } from "../values/vm-settings.ts";
import type { ConfigFile, VmSection } from "./schema.ts";

type Complete<T> = { readonly [K in keyof T]-?: Complete1<Exclude<T[K], undefined>> };
type Complete1<T> = T extends readonly unknown[] | string | number | boolean ? T : Complete<T>;

/** The folder of sockets, FIFOs and what means nothing after a reboot. */
export const RUN_DIR = "/run/powermon";

/** The settings of a VM that no file names. Times in seconds, frequencies in kHz; a rate of 0 is no limit, a lease of 0 none. */
export const VM_DEFAULTS: Complete<Omit<VmSection, "policy">> = {
  pins: {},
  queries: false,
  floor: "min",
  ceiling: "max",
  turbo: true,
  commands: [...COMMANDS],
  rate: { requests_per_second: 0, burst: 100 },
  wire: "auto",
  qmp: "",
  lease_s: 0,
  priority: "normal",
};

/** The configuration of an empty file. */
export const DEFAULTS: Complete<
  Omit<ConfigFile, "vm-defaults" | "vm" | "profile-schedule" | "fleet" | "budget">
> & {
  readonly "vm-defaults": typeof VM_DEFAULTS;
  readonly vm: Readonly<Record<string, never>>;
} = {
  state_dir: "/var/lib/powermon",
  channels: { dirs: [`${RUN_DIR}/channels`] },
  pinning: { sources: ["proc"], floating: "refuse", libvirt_uri: "qemu:///system" },
  cpufreq: { drift: "reapply" },
  fifo: { enable: false, dir: `${RUN_DIR}/fifo`, cpus: "", owner: "", group: "powermon", mode: "0660" },
  control: { socket: `${RUN_DIR}/control.sock`, group: "powermon", watch_group: "powermon-watch" },
  http: { listen: "", remote: false, names: [] },
  limits: {},
  profile: {},
  "vm-defaults": VM_DEFAULTS,
  vm: {},
};
