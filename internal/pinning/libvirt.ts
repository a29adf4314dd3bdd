// What libvirt knows of its VMs, by virsh: names, channels and pins; and the way to re-pin so that libvirt remembers it.

import { parseCpuList } from "../values/cpulist.ts";
import { DONE, ok, type Result } from "../values/result.ts";
import { type DomainChannel, parseChannels, parseMetadata, parseName } from "./domain-xml.ts";
import { isVmName } from "../values/vm-name.ts";
import { runVirsh, type Virsh } from "./virsh.ts";

/** Where a vCPU may run. */
export interface VcpuPin {
  readonly vcpu: number;
  readonly pcpus: readonly number[];
}

/** A running domain with what powermon needs of it. */
export interface LibvirtVm {
  /** Its QEMU is started with `-uuid`. */
  readonly uuid: string;
  readonly name: string;
  readonly channels: readonly DomainChannel[];
  readonly pins: readonly VcpuPin[];
  /** What its definition says to powermon; undefined for nothing. */
  readonly metadata: ReadonlyMap<string, string> | undefined;
  /** Whether its vCPUs stand still: suspended by an operator, by an error, for a snapshot, or on its way here. */
  readonly paused: boolean;
  /** Characters of a definition that is too large to be looked into; undefined for all others. */
  readonly tooLarge?: number;
}

/** States of an active domain that runs nothing. Source: virsh(1), list. */
const STILL = ["paused", "pmsuspended", "crashed"];

/** Domains asked in one run of virsh; their XML must fit into what is taken of its output. */
const BATCH = 128;
/** A larger definition is no domain's, characters: its <metadata> may be megabytes, and half a megabyte takes 0.1 s of the thread that answers guests. */
const MAX_XML = 512 << 10;
/** libvirt prints a domain's name before all else. */
const NAME_WITHIN = 4096;
const UUIDS = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}(?=\s*$)/gim;

/** Returns the UUIDs of the running domains: names in a table can't be told from its blanks. Errors: one sentence. Source: virsh(1), list. */
async function listUuids(virsh: Virsh): Promise<Result<string[], string>> {
  const printed = await runVirsh(virsh, ["list", "--uuid"]);
  return printed.ok ? ok(printed.value.match(UUIDS) ?? []) : printed;
}

/** Returns the pins that `virsh vcpupin DOMAIN` prints, a line per vCPU; other lines are passed over. */
export function parseVcpuPins(text: string): VcpuPin[] {
  const found: VcpuPin[] = [];
  for (const line of text.split("\n")) {
    const [, index, list = ""] = /^\s*(\d{1,4}):?\s+([\d,-]+)\s*$/.exec(line) ?? [];
    const pcpus = parseCpuList(list);
    if (index !== undefined && pcpus.ok && pcpus.value.length > 0) {
      found.push({ vcpu: Number(index), pcpus: pcpus.value });
    }
  }
  return found;
}

/**
 * Returns every active domain with its channels, pins and state: one run of virsh to list, one more per 128 domains. A domain that
 * ended in between is left out. Errors: one sentence, also when the connection was lost on the way.
 */
export async function readVms(virsh: Virsh): Promise<Result<LibvirtVm[], string>> {
  const domains = await listUuids(virsh);
  if (!domains.ok) return domains;
  const vms: LibvirtVm[] = [];
  for (let at = 0; at < domains.value.length; at += BATCH) {
    const batch = domains.value.slice(at, at + BATCH);
    // What a domain's owner wrote into its XML can't hold a mark that is made anew each time.
    const mark = `powermon-${crypto.randomUUID()}`;
    const script = batch
      .map(
        (uuid) =>
          `echo ${mark}; dumpxml ${uuid}; echo ${mark}; vcpupin ${uuid}; echo ${mark}; domstate ${uuid}`,
      )
      .join("; ");
    // virsh's status is its last command's: uri fails when the connection was lost.
    const printed = await runVirsh(virsh, [`${script}; echo ${mark}; uri`]);
    if (!printed.ok) return printed;
    const parts = printed.value.split(mark);
    for (const [i, uuid] of batch.entries()) {
      const [xml = "", pins = "", state = ""] = parts.slice(3 * i + 1);
      // Guests are answered between two domains.
      await new Promise(setImmediate);
      vms.push(...readVm(uuid, xml, pins, state));
    }
  }
  return ok(vms);
}

/** Returns the domain that virsh printed, none when it has ended in between. @param xml its definition */
function readVm(uuid: string, xml: string, pins: string, state: string): readonly LibvirtVm[] {
  const isTooLarge = xml.length > MAX_XML;
  const name = parseName(isTooLarge ? xml.slice(0, NAME_WITHIN) : xml);
  if (name === undefined) return [];
  const paused = STILL.includes(state.trim());
  const known = { uuid, name, pins: parseVcpuPins(pins), paused };
  return isTooLarge
    ? [{ ...known, channels: [], metadata: undefined, tooLarge: xml.length }]
    : [{ ...known, channels: parseChannels(xml), metadata: parseMetadata(xml) }];
}

/** Returns the VMs that can be told apart by names that a VM may have, and a sentence for each other. */
export function nameable(vms: readonly LibvirtVm[]): {
  readonly vms: readonly LibvirtVm[];
  readonly problems: readonly string[];
} {
  const counts = new Map<string, number>();
  for (const { name } of vms) counts.set(name, (counts.get(name) ?? 0) + 1);
  const problems: string[] = [];
  const good = vms.filter(({ name, uuid, tooLarge }) => {
    const isOne = counts.get(name) === 1;
    if (isOne && isVmName(name) && tooLarge === undefined) return true;
    const why = !isOne
      ? "is the name of another domain too"
      : tooLarge === undefined
        ? "can't be a VM's name"
        : `has a definition of ${tooLarge} characters, and at most ${MAX_XML} are looked into; is its <metadata> meant so?`;
    problems.push(`libvirt's domain ${uuid} is not served: ${JSON.stringify(name)} ${why}`);
    return false;
  });
  return { vms: good, problems };
}

/**
 * Pins a vCPU to `cpuList`, such as "2" or "2-3". Errors: one sentence with libvirt's reason. Source: virsh(1), vcpupin.
 * @param scope virsh's flags for what is changed: the running domain and its next start; none for what libvirt takes for current
 */
export async function pinVcpu(
  virsh: Virsh,
  uuid: string,
  vcpu: number,
  cpuList: string,
  scope: readonly string[] = ["--live", "--config"],
): Promise<Result<void, string>> {
  const words = [`--domain=${uuid}`, `--vcpu=${vcpu}`, `--cpulist=${cpuList}`, ...scope];
  const printed = await runVirsh(virsh, ["vcpupin", ...words]);
  return printed.ok ? DONE : printed;
}
