// What holds for one VM: its own section over the defaults of all VMs over the program's.

import { parseCpuList } from "../values/cpulist.ts";
import { type Pcpu, pcpu, type Vcpu, vcpu } from "../values/units.ts";
import { VM_DEFAULTS } from "./defaults.ts";
import { type Merged, type Provenance } from "./merge.ts";
import type { Priority } from "../values/vm-settings.ts";
import { tomlKey } from "./problem.ts";
import type { Bound, VmCommand, VmSection, Wire } from "./schema.ts";

/** The settings of a VM as they are written, the rate's two apart. */
type VmKey = Exclude<keyof typeof VM_DEFAULTS, "rate"> | `rate.${keyof typeof VM_DEFAULTS.rate}`;
const VM_KEYS = Object.entries(VM_DEFAULTS).flatMap(([key, value]) =>
  key === "rate" ? Object.keys(value).map((part) => `rate.${part}`) : [key],
) as readonly VmKey[];

export interface VmConfig {
  readonly vm: string;
  /** Written pins; a vCPU that is not in it is not pinned by the configuration. */
  readonly pins: ReadonlyMap<Vcpu, readonly Pcpu[]>;
  readonly queries: boolean;
  readonly floor: Bound;
  readonly ceiling: Bound;
  readonly turbo: boolean;
  readonly commands: ReadonlySet<VmCommand>;
  /** Requests per second and how many may come at once; 0 per second is no limit. */
  readonly rate: { readonly requestsPerSecond: number; readonly burst: number };
  readonly wire: Wire;
  /** QEMU's monitor socket; undefined when none is written. */
  readonly qmp: string | undefined;
  /** Seconds after which a silent guest's claims end; 0 for never. */
  readonly leaseS: number;
  /** Who pays last when watts are short. */
  readonly priority: Priority;
  /** Who said each of them. */
  readonly origins: Readonly<Record<VmKey, Provenance>>;
}

/** Returns the settings of the VM `name`: its own section's, else vm-defaults', else the program's, key by key (pins as a whole). */
export function vmConfig({ says, origins }: Merged, name: string): VmConfig {
  const own: VmSection = (Object.hasOwn(says.vm ?? {}, name) ? says.vm?.[name] : undefined) ?? {};
  const shared: VmSection = says["vm-defaults"] ?? {};
  const pick = <K extends keyof typeof VM_DEFAULTS>(key: K) => own[key] ?? shared[key] ?? VM_DEFAULTS[key];
  const pins = new Map<Vcpu, readonly Pcpu[]>();
  for (const [index, cpus] of Object.entries(pick("pins"))) pins.set(vcpu(Number(index)), pcpusOf(cpus));
  const qmp = pick("qmp").replaceAll("{vm}", () => name);
  const said = (key: VmKey): Provenance => {
    const parts = key.split(".");
    return (
      origins.get(tomlKey(["vm", name, ...parts])) ??
      origins.get(tomlKey(["vm-defaults", ...parts])) ?? { from: "default" }
    );
  };
  return {
    vm: name,
    pins,
    queries: pick("queries"),
    floor: pick("floor"),
    ceiling: pick("ceiling"),
    turbo: pick("turbo"),
    commands: new Set(pick("commands")),
    rate: {
      requestsPerSecond:
        own.rate?.requests_per_second ??
        shared.rate?.requests_per_second ??
        VM_DEFAULTS.rate.requests_per_second,
      burst: own.rate?.burst ?? shared.rate?.burst ?? VM_DEFAULTS.rate.burst,
    },
    wire: pick("wire"),
    qmp: qmp === "" ? undefined : qmp,
    leaseS: pick("lease_s"),
    priority: pick("priority"),
    origins: Object.fromEntries(VM_KEYS.map((key) => [key, said(key)])) as Record<VmKey, Provenance>,
  };
}

/** Returns the pCPUs that a pin or a limit's name stands for; the schema has seen that it is a list. */
export function pcpusOf(written: number | string): Pcpu[] {
  const list = parseCpuList(String(written));
  if (!list.ok)
    throw new Error(`${JSON.stringify(written)} passed the schema and is no CPU list: ${list.error}`);
  return list.value.map(pcpu);
}
