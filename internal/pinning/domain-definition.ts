// A domain as libvirt defines it, as far as its channels and its CPU go: what is there, and which ports are still free.

import { DEFAULT_PORTS, type SerialController, type SerialPlace } from "../values/virtio-serial.ts";
import { parseCpuList } from "../values/cpulist.ts";
import { parseMetadata } from "./domain-xml.ts";
import type { VcpuPin } from "./libvirt.ts";
import { readAttributes, textAt, walkXml } from "./xml.ts";

/** A channel of ours in a definition. */
interface AgentChannel {
  readonly vcpu: number;
  /** QEMU's socket; undefined while libvirt has chosen none. */
  readonly path: string | undefined;
  readonly place: SerialPlace | undefined;
}

/** A <cpu> element; `features` are those that it insists on. */
interface DefinedCpu {
  readonly mode: string;
  readonly model: string | undefined;
  readonly features: readonly string[];
}

/** What a definition says of channels and CPU. */
export interface DomainDefinition {
  readonly uuid: string;
  readonly name: string;
  /** The most vCPUs it can have; 0 when that can't be read. */
  readonly vcpus: number;
  /** As <cpu> says: a mode such as host-passthrough, and a model's name; undefined where it says nothing. */
  readonly cpu: DefinedCpu | undefined;
  /** Such as x86_64. */
  readonly arch: string | undefined;
  /** Where vCPUs are pinned to. */
  readonly pins: readonly VcpuPin[];
  /** What it says to powermon; undefined for nothing. */
  readonly metadata: ReadonlyMap<string, string> | undefined;
  readonly controllers: readonly SerialController[];
  /** Ports that something has, channels of ours included. */
  readonly taken: readonly SerialPlace[];
  readonly channels: readonly AgentChannel[];
}

/** The ports that are ours. Source: DPDK lib/power/power_kvm_vm.c, FD_PATH. */
const AGENT_PORT = /^virtio\.serial\.port\.poweragent\.(\d{1,4})$/;
const DEVICES = "domain/devices";
/** Higher numbers are no index or port that libvirt takes. */
const MOST = 65_535;

/** Returns the vCPU whose port in the guest is called `name`; undefined when it is no port of ours. */
export function vcpuOfPort(name: string): number | undefined {
  const digits = AGENT_PORT.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Returns what `xml`, as `virsh dumpxml` prints it, defines. Source: libvirt docs/formatdomain.rst. */
export function parseDefinition(xml: string): DomainDefinition {
  let [uuid, name, vcpus] = ["", "", 0];
  let arch: string | undefined;
  let cpu: { mode: string; model: string | undefined; features: string[] } | undefined;
  const pins: VcpuPin[] = [];
  const controllers: SerialController[] = [];
  const taken: SerialPlace[] = [];
  const channels: AgentChannel[] = [];
  let controller: { index: number; ports: number; alias: string | undefined } | undefined;
  let channel:
    { vcpu?: number | undefined; path?: string | undefined; place?: SerialPlace | undefined } | undefined;
  for (const { where, closing, attributes, end } of walkXml(xml)) {
    if (closing) {
      if (where === `${DEVICES}/controller` && controller !== undefined) {
        controllers.push(controller);
        controller = undefined;
      } else if (where === `${DEVICES}/channel`) {
        if (channel?.vcpu !== undefined)
          channels.push({ vcpu: channel.vcpu, path: channel.path, place: channel.place });
        channel = undefined;
      }
      continue;
    }
    if (where === "domain/uuid") uuid = textAt(xml, end).trim();
    else if (where === "domain/name") name = textAt(xml, end);
    else if (where === "domain/vcpu") vcpus = whole(textAt(xml, end).trim()) ?? 0;
    else if (where === "domain/cpu")
      cpu = { mode: readAttributes(attributes).get("mode") ?? "custom", model: undefined, features: [] };
    else if (where === "domain/cpu/model" && cpu !== undefined) cpu.model = textAt(xml, end).trim();
    else if (where === "domain/os/type") arch = readAttributes(attributes).get("arch");
    else if (where === "domain/cpu/feature" && cpu !== undefined) {
      const feature = readAttributes(attributes);
      if (/^(require|force)$/.test(feature.get("policy") ?? "")) cpu.features.push(feature.get("name") ?? "");
    } else if (where === "domain/cputune/vcpupin") {
      const pin = readAttributes(attributes);
      const [vcpu, pcpus] = [whole(pin.get("vcpu")), parseCpuList(pin.get("cpuset") ?? "")];
      if (vcpu !== undefined && pcpus.ok) pins.push({ vcpu, pcpus: pcpus.value });
    }
    if (!where.startsWith(`${DEVICES}/`)) continue;
    const said = readAttributes(attributes);
    if (where === `${DEVICES}/controller` && said.get("type") === "virtio-serial") {
      const index = whole(said.get("index"));
      const ports = whole(said.get("ports")) ?? DEFAULT_PORTS;
      controller = index === undefined ? undefined : { index, ports, alias: undefined };
    } else if (where === `${DEVICES}/controller/alias` && controller !== undefined) {
      controller.alias = said.get("name");
    } else if (where === `${DEVICES}/channel`) {
      channel = said.get("type") === "unix" ? {} : undefined;
    } else if (where === `${DEVICES}/channel/source` && channel !== undefined) {
      channel.path ??= said.get("path");
    } else if (where === `${DEVICES}/channel/target` && channel !== undefined) {
      if (said.get("type") === "virtio") channel.vcpu = vcpuOfPort(said.get("name") ?? "");
    } else if (/^domain\/devices\/[^/]+\/address$/.test(where) && said.get("type") === "virtio-serial") {
      const place = { controller: whole(said.get("controller")) ?? 0, port: whole(said.get("port")) ?? 0 };
      taken.push(place);
      if (channel !== undefined && where === `${DEVICES}/channel/address`) channel.place = place;
    }
  }
  const metadata = parseMetadata(xml);
  return { uuid, name, vcpus, arch, cpu, pins, metadata, controllers, taken, channels };
}

function whole(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : MOST + 1;
  return number <= MOST ? number : undefined;
}
