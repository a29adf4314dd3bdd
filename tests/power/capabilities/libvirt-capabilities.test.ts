// This machine as powermon and as libvirt itself tell it: what both say must be the same.

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { runPowermon } from "../../cmd/powermon/power-main.ts";
import { startLibvirt } from "../../helpers/libvirtd.ts";
import { testNeeding } from "../../helpers/needing.ts";

/** What both documents have: the architecture, the cells with memory and places of CPUs, and the ways to sleep. */
function partsOf(xml: string) {
  const host = xml.slice(0, xml.indexOf("</host>"));
  const all = (pattern: RegExp) => [...host.matchAll(pattern)].map(([, found = ""]) => found);
  return {
    arch: all(/<arch>(.*?)<\/arch>/g),
    told: host.includes("<power_management"),
    sleep: all(/<(suspend_\w+)\/>/g),
    cells: all(/(<cells? .*?>)/g),
    memory: all(/(<memory .*?<\/memory>)/g),
    // libvirt has more attributes in some versions, such as cluster_id.
    cpus: all(/(<cpu id='\d+' .*?)\/>/g).map((cpu) => cpu.replace(/ cluster_id='\d+'/, "")),
  };
}

testNeeding(
  ["virsh", "libvirtd", "root and namespaces"],
  "capabilities --format xml says of this machine what virsh capabilities says",
  async () => {
    const libvirt = await startLibvirt();
    try {
      const theirs = partsOf(libvirt.virsh("capabilities"));
      const ours = partsOf((await runPowermon(["capabilities", "--format", "xml", "--no-logind"])).out);
      expect({ ...ours, sleep: [] }).toEqual({ ...theirs, sleep: [] });
      expect(ours.cpus.length).toBeGreaterThan(0);
      // A libvirtd of its own reaches no logind, and then knows of no sleep that it could ask for.
      for (const way of theirs.sleep) expect(ours.sleep).toContain(way);
      if (readFileSync("/sys/power/state", "utf8").trim() === "") expect(ours.sleep).toEqual(theirs.sleep);
    } finally {
      await libvirt.stop();
    }
  },
  40_000,
);
