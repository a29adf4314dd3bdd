import { expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../internal/config/load.ts";
import { judge } from "../../internal/config/read.ts";
import { Sources } from "../../internal/daemon/sources.ts";
import { startLibvirt } from "../helpers/libvirtd.ts";
import { testNeeding } from "../helpers/needing.ts";

const LISTENER = { metadata() {}, channels() {}, paused() {}, rebooted() {}, problem() {} };

testNeeding(
  ["virsh", "libvirtd", "qemu-system-x86_64", "root and namespaces"],
  "Sources.pinByLibvirt() pins a domain through libvirt also where libvirt is no source, and leaves other VMs alone",
  async () => {
    const libvirt = await startLibvirt();
    try {
      const file = join(libvirt.dir, "vm1.xml");
      writeFileSync(
        file,
        `<domain type='qemu'><name>vm1</name><memory unit='MiB'>32</memory><vcpu>2</vcpu><os><type machine='q35'>hvm</type></os>
         <devices><emulator>${Bun.which("qemu-system-x86_64")}</emulator><controller type='usb' model='none'/></devices></domain>`,
      );
      libvirt.virsh("define", file);
      libvirt.virsh("start", "--paused", "vm1");
      const judged = judge("test.toml", { pinning: { sources: ["proc"], libvirt_uri: libvirt.uri } });
      if (!judged.ok) throw new Error(JSON.stringify(judged.error));
      const config = loadConfig(undefined, join(libvirt.dir, "none"), [
        { from: "flags", read: judged.value },
      ]);
      if (!config.ok) throw new Error(JSON.stringify(config.error));
      const sources = new Sources("/proc", LISTENER);
      sources.of(config.value);
      expect(await sources.pinByLibvirt("vm1", 1, "0")).toEqual({ ok: true, value: undefined });
      expect(libvirt.virsh("vcpupin", "--live", "vm1")).toMatch(/^ 1 +0$/m);
      expect(libvirt.virsh("vcpupin", "--config", "vm1")).toMatch(/^ 1 +0$/m);
      expect(await sources.pinByLibvirt("elsewhere", 0, "0")).toBeUndefined();
      expect([await sources.isLibvirts("vm1"), await sources.isLibvirts("elsewhere")]).toEqual([true, false]);
    } finally {
      await libvirt.stop();
    }
  },
  60_000,
);
