// Capabilities in libvirt's own form, for software that reads virsh's.

import { formatCpuList } from "../values/cpulist.ts";
import type { LibvirtView } from "../power/capabilities/libvirt-view.ts";

/**
 * Returns the capabilities document without a last newline. power_management is empty when the host was asked and can't sleep.
 * Source: libvirt src/conf/schemas/capability.rng.
 */
export function capabilitiesXml({ arch, sleep, cells }: LibvirtView): string {
  const lines = ["<capabilities>", "", "  <host>", "    <cpu>", `      <arch>${arch}</arch>`, "    </cpu>"];
  if (sleep) {
    const elements = [
      ...(sleep.mem ? ["      <suspend_mem/>"] : []),
      ...(sleep.disk ? ["      <suspend_disk/>"] : []),
      ...(sleep.hybrid ? ["      <suspend_hybrid/>"] : []),
    ];
    if (elements.length === 0) lines.push("    <power_management/>");
    else lines.push("    <power_management>", ...elements, "    </power_management>");
  }
  if (cells.length > 0) {
    lines.push("    <topology>", `      <cells num='${cells.length}'>`);
    for (const cell of cells) {
      lines.push(`        <cell id='${cell.id}'>`);
      if (cell.memoryKb !== undefined) lines.push(`          <memory unit='KiB'>${cell.memoryKb}</memory>`);
      lines.push(`          <cpus num='${cell.cpus.length}'>`);
      for (const { id, place } of cell.cpus) {
        const at = place
          ? ` socket_id='${place.socket}' die_id='${place.die}' core_id='${place.core}' siblings='${formatCpuList(place.siblings)}'`
          : "";
        lines.push(`            <cpu id='${id}'${at}/>`);
      }
      lines.push("          </cpus>", "        </cell>");
    }
    lines.push("      </cells>", "    </topology>");
  }
  lines.push("  </host>", "", "</capabilities>");
  return lines.join("\n");
}
