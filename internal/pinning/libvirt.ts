// What libvirt knows of its VMs, by virsh: names, channels and pins; and the way to re-pin so that libvirt remembers it.

import { parseCpuList } from "../values/cpulist.ts";
import { DONE, ok, type Result } from "../values/result.ts";
import { type DomainChannel, parseChannels } from "./domain-xml.ts";
import { runVirsh, type Virsh } from "./virsh.ts";

/** Where a vCPU may run. */
export interface VcpuPin {
  readonly vcpu: number;
  readonly pcpus: readonly number[];
}

/** A running domain; its QEMU is started with `-uuid`. */
export interface LibvirtDomain {
  readonly uuid: string;
  readonly name: string;
}

/** A running domain with what powermon needs of it. */
export interface LibvirtVm extends LibvirtDomain {
  readonly channels: readonly DomainChannel[];
  readonly pins: readonly VcpuPin[];
  /** Whether its vCPUs stand still: suspended by an operator, by an error, for a snapshot, or on its way here. */
  readonly paused: boolean;
}

/** States of an active domain that runs nothing. Source: virsh(1), list. */
const STILL = ["paused", "pmsuspended", "crashed"];

/** Domains asked in one run of virsh; their XML must fit into what is taken of its output. */
const BATCH = 128;

/** Returns the running domains. Errors: one sentence. Source: virsh(1), list. */
export async function listDomains(virsh: Virsh): Promise<Result<LibvirtDomain[], string>> {
  const printed = await runVirsh(virsh, ["list", "--uuid", "--name"]);
  return printed.ok ? ok(parseDomains(printed.value)) : printed;
}

/** Returns the domains that `virsh list --uuid --name` prints, a line each. */
export function parseDomains(text: string): LibvirtDomain[] {
  const found: LibvirtDomain[] = [];
  for (const line of text.split("\n")) {
    const [, uuid, name] = /^\s*([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\s+(.+?)\s*$/i.exec(line) ?? [];
    if (uuid !== undefined && name !== undefined) found.push({ uuid, name });
  }
  return found;
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
  const domains = await listDomains(virsh);
  if (!domains.ok) return domains;
  const vms: LibvirtVm[] = [];
  for (let at = 0; at < domains.value.length; at += BATCH) {
    const batch = domains.value.slice(at, at + BATCH);
    // What a domain's owner wrote into its XML can't hold a mark that is made anew each time.
    const mark = `powermon-${crypto.randomUUID()}`;
    const script = batch
      .map(
        ({ uuid }) =>
          `echo ${mark}; dumpxml ${uuid}; echo ${mark}; vcpupin ${uuid}; echo ${mark}; domstate ${uuid}`,
      )
      .join("; ");
    // virsh's status is its last command's: uri fails when the connection was lost.
    const printed = await runVirsh(virsh, [`${script}; echo ${mark}; uri`]);
    if (!printed.ok) return printed;
    const parts = printed.value.split(mark);
    for (const [i, domain] of batch.entries()) {
      const [xml = "", pins = "", state = ""] = parts.slice(3 * i + 1);
      if (xml.trim() === "") continue;
      const paused = STILL.includes(state.trim());
      vms.push({ ...domain, channels: parseChannels(xml), pins: parseVcpuPins(pins), paused });
    }
  }
  return ok(vms);
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
