// What a configuration file may say: a typo must not silently change who may do what.

import * as v from "valibot";
import { fleetSchema } from "./fleet-schema.ts";
import { policySection } from "./policy-schema.ts";
import { profilesSchema } from "./profile-schema.ts";
import { budgetSchema } from "./budget-schema.ts";
import { scheduleSchema } from "./schedule-schema.ts";
import { keyed, table } from "./table.ts";
import { MAX_SOCKET_PATH } from "../os/unix-socket.ts";
import { parseCpuList } from "../values/cpulist.ts";
import { parseListen } from "../values/listen.ts";
import {
  ACCOUNT,
  bound,
  flag,
  groupName,
  integer,
  isCpuList,
  NAMED_BOUNDS,
  oneOf,
  quoted,
  text,
} from "./shapes.ts";
import type { Khz } from "../values/units.ts";
import { isVmName, MAX_VM_NAME } from "../values/vm-name.ts";
import { MAX_VCPU } from "../values/numbers.ts";
import { COMMANDS, MAX_SILENCE_S, PRIORITIES, WIRES } from "../values/vm-settings.ts";

/** The pinning sources a file may name, in the order that is tried when none is given a reason to be first. */
const PINNING_SOURCES = ["proc", "libvirt", "qmp", "static"] as const;
/** What becomes of a vCPU that may run on several pCPUs: it is refused, or it claims all of them. */
export const FLOATING = ["refuse", "all"] as const;
/** What to do when another tool changes a frequency that is claimed: set it again, or only report it. */
const DRIFT_RULES = ["reapply", "report"] as const;
export type PinningSource = (typeof PINNING_SOURCES)[number];
export type DriftRule = (typeof DRIFT_RULES)[number];
export type Floating = (typeof FLOATING)[number];
export type Wire = (typeof WIRES)[number];
export type VmCommand = (typeof COMMANDS)[number];
export type Bound = Khz | (typeof NAMED_BOUNDS)[number];

/** Room that a channel's own name needs at least: a slash, a letter, a dot, a digit. */
const MIN_CHANNEL_NAME = 4;

const CPUS = 'Write a CPU list, such as "2-5,8", or "" for none.';
const USER = "Write a user's or group's name, or \"\" to leave it.";
const MODE = 'Write a file mode of three octal digits, such as "0660".';
const URI = 'Write a libvirt connection URI, such as "qemu:///system".';
const QMP = 'Write the whole path of QEMU\'s monitor socket, such as "/run/qemu/{vm}.qmp", or "" for none.';

const LISTEN = 'Write an address and a port, such as "127.0.0.1:9560" or "[::1]:9560", or "" for none.';
const HOST = 'Write a list of host names in small letters, such as ["host.example"].';

const VM_NAME = `Name a VM as QEMU or libvirt does: 1 to ${MAX_VM_NAME} bytes, without "/" and control characters.`;

const listOf = <const T extends readonly [string, ...string[]]>(words: T, least: number) => {
  const right = `Write a list such as [${quoted(words.slice(0, 2))}], each word once; the words are ${words.join(", ")}.`;
  return v.pipe(
    v.array(v.picklist(words, right), right),
    v.check((list) => list.length >= least && new Set(list).size === list.length, right),
  );
};

/** An absolute path without blind alleys, at most `most` bytes long. */
const path = (what: string, most: number) => {
  const right = `Write ${what} as a whole path, such as "/run/powermon", of at most ${most} bytes and without "..".`;
  return v.pipe(
    v.string(right),
    v.check((name) => {
      const bytes = Buffer.byteLength(name);
      return name.startsWith("/") && bytes <= most && !name.includes("\0") && !name.split("/").includes("..");
    }, right),
  );
};

const pin = v.custom<number | string>(
  (value) =>
    (typeof value === "number" && Number.isInteger(value) && parseCpuList(String(value)).ok) ||
    (typeof value === "string" && isCpuList(value)),
  'Write one pCPU, such as 2, or a CPU list, such as "2-3".',
);

const pins = keyed(
  (key) => /^(0|[1-9]\d{0,3})$/.test(key) && Number(key) <= MAX_VCPU,
  `Name a vCPU by its number, 0 to ${MAX_VCPU}.`,
  pin,
  "Write a table of vCPU = pCPU, such as { 0 = 2, 1 = 3 }.",
);

const vmEntries = {
  pins: v.exactOptional(pins),
  queries: v.exactOptional(flag),
  floor: v.exactOptional(bound),
  ceiling: v.exactOptional(bound),
  turbo: v.exactOptional(flag),
  commands: v.exactOptional(listOf(COMMANDS, 0)),
  rate: v.exactOptional(
    table(
      {
        requests_per_second: v.exactOptional(
          integer(0, 1_000_000, "requests per second and VM, 0 for no limit"),
        ),
        burst: v.exactOptional(integer(1, 1_000_000, "requests that may come at once")),
      },
      "Write a table such as { requests_per_second = 1000, burst = 100 }.",
    ),
  ),
  wire: v.exactOptional(oneOf(WIRES)),
  qmp: v.exactOptional(v.union([v.literal(""), path("a socket", MAX_SOCKET_PATH)], QMP)),
  lease_s: v.exactOptional(integer(0, MAX_SILENCE_S, "seconds, 0 for no lease")),
  priority: v.exactOptional(oneOf(PRIORITIES)),
};
const vmDefaults = table(vmEntries);
const vmSection = table({ ...vmEntries, policy: v.exactOptional(policySection) });

const limitSection = table(
  { floor: v.exactOptional(bound), ceiling: v.exactOptional(bound) },
  "Write a table with floor and ceiling.",
);

const section = <const T extends v.ObjectEntries>(entries: T) => v.exactOptional(table(entries));

/** One configuration file as it is written; every key may be left out. */
export const fileSchema = table(
  {
    state_dir: v.exactOptional(path("a folder", 4095)),
    channels: section({
      dirs: v.exactOptional(
        v.pipe(
          v.array(path("a folder", MAX_SOCKET_PATH - MIN_CHANNEL_NAME), "Write a list of folders."),
          v.minLength(1, "Name at least one folder."),
          v.check((list) => new Set(list).size === list.length, "Name each folder once."),
        ),
      ),
    }),
    pinning: section({
      sources: v.exactOptional(listOf(PINNING_SOURCES, 1)),
      floating: v.exactOptional(oneOf(FLOATING)),
      libvirt_uri: v.exactOptional(text(/^[a-z][\w+.-]*:\/\/[\x21-\x7e]{0,200}$/, URI)),
    }),
    cpufreq: section({ drift: v.exactOptional(oneOf(DRIFT_RULES)) }),
    fifo: section({
      enable: v.exactOptional(flag),
      dir: v.exactOptional(path("a folder", 4000)),
      cpus: v.exactOptional(
        v.pipe(
          v.string(CPUS),
          v.check((list) => list === "" || isCpuList(list), CPUS),
        ),
      ),
      owner: v.exactOptional(text(ACCOUNT, USER)),
      group: v.exactOptional(text(ACCOUNT, USER)),
      mode: v.exactOptional(text(/^0?[0-7]{3}$/, MODE)),
    }),
    control: section({
      socket: v.exactOptional(path("a socket", MAX_SOCKET_PATH)),
      group: v.exactOptional(groupName("powermon")),
      watch_group: v.exactOptional(groupName("powermon-watch")),
    }),
    http: section({
      listen: v.exactOptional(
        v.pipe(
          v.string(LISTEN),
          v.check((address) => address === "" || parseListen(address) !== undefined, LISTEN),
        ),
      ),
      remote: v.exactOptional(flag),
      names: v.exactOptional(v.array(text(/^[a-z\d][a-z\d.-]{0,252}$/, HOST), HOST)),
    }),
    limits: v.exactOptional(
      keyed(
        isCpuList,
        'Name pCPUs as a list, such as [limits."0-3"].',
        limitSection,
        'Write [limits."0-3"] tables.',
      ),
    ),
    fleet: v.exactOptional(fleetSchema),
    profile: v.exactOptional(profilesSchema),
    "profile-schedule": v.exactOptional(scheduleSchema),
    budget: v.exactOptional(budgetSchema),
    "vm-defaults": v.exactOptional(vmDefaults),
    vm: v.exactOptional(keyed(isVmName, VM_NAME, vmSection, "Write tables named by VM, such as [vm.vm1].")),
  },
  "Write tables of settings.",
);

/** What a file says once it is valid. */
export type ConfigFile = v.InferOutput<typeof fileSchema>;
/** The settings of a VM as they are written. */
export type VmSection = v.InferOutput<typeof vmSection>;
