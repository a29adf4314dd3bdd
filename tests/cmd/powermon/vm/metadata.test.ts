// vm metadata against a real libvirtd: written into the running definition and the next one, read back, and what is wrong changes nothing.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startLibvirt } from "../../../helpers/libvirtd.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { call } from "../call.ts";

testNeeding(
  ["virsh", "libvirtd", "qemu-system-x86_64", "root and namespaces"],
  "powermon vm metadata writes a VM's settings into its definitions beside what others wrote, shows them, and takes them out",
  async () => {
    const libvirt = await startLibvirt();
    try {
      const file = join(libvirt.dir, "web.xml");
      const other = "<o:x xmlns:o='urn:other' floor='1'/>";
      writeFileSync(
        file,
        `<domain type='qemu'><name>web</name><metadata>${other}</metadata><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type machine='q35'>hvm</type></os><devices><emulator>${Bun.which("qemu-system-x86_64")}</emulator></devices></domain>`,
      );
      libvirt.virsh("define", file);
      const metadata = (...words: string[]) => call("vm", "metadata", ...words, "--libvirt-uri", libvirt.uri);
      const xml = (...flags: string[]) => libvirt.virsh("dumpxml", ...flags, "web");
      const before = xml();
      expect(await metadata("show", "web")).toEqual({
        status: 0,
        out: "web, from its next start: nothing",
        err: "",
      });
      expect(await metadata("set", "web", "--ceiling", "base", "--dry-run")).toEqual({
        status: 0,
        out: "web, from its next start: nothing would become ceiling = base",
        err: "",
      });
      expect(xml()).toBe(before);
      libvirt.virsh("start", "web", "--paused");
      const became = "nothing became ceiling = base, turbo = false";
      expect(await metadata("set", "web", "--ceiling", "base", "--turbo", "off")).toEqual({
        status: 0,
        out: `web, from its next start: ${became}\nweb, now: ${became}`,
        err: "",
      });
      for (const one of [xml(), xml("--inactive")]) {
        expect(one).toContain('xmlns:powermon="urn:powermon:vm" ceiling="base" turbo="false"/>');
        expect(one).toContain("urn:other");
      }
      const live = await metadata("set", "web", "--floor", "1200000", "--live", "--json");
      expect(JSON.parse(live.out) as object).toEqual({
        vm: "web",
        done: true,
        persistent: null,
        live: {
          before: { ceiling: "base", turbo: "false" },
          after: { ceiling: "base", turbo: "false", floor: "1200000" },
        },
      });
      // What somebody else broke is not built upon.
      const broken = ["--config", "--key", "p", "--set", "<vm speed='9'/>"];
      libvirt.virsh("metadata", "web", "urn:powermon:vm", ...broken);
      const stands = [xml(), xml("--inactive")];
      const refused = await metadata("set", "web", "--lease", "5");
      expect(refused).toMatchObject({ status: 1, out: "" });
      expect(refused.err).toContain("speed is nothing that a VM can bring along");
      expect([xml(), xml("--inactive")]).toEqual(stands);
      expect(await metadata("remove", "web")).toMatchObject({ status: 0, err: "" });
      for (const one of [xml(), xml("--inactive")]) {
        expect(one).not.toContain("urn:powermon:vm");
        expect(one).toContain("urn:other");
      }
      libvirt.virsh("destroy", "web");
      const off = await metadata("set", "web", "--floor", "base", "--live");
      expect(off).toMatchObject({
        status: 5,
        err: "web does not run: only --persistent can be.",
      });
      expect(await metadata("show", "nobody")).toMatchObject({ status: 1, out: "" });
    } finally {
      await libvirt.stop();
    }
  },
  60_000,
);

test("powermon vm metadata set without a setting, or with a wrong one, is a usage error", async () => {
  const none = await call("vm", "metadata", "set", "web");
  expect(none).toMatchObject({ status: 2, out: "" });
  expect(none.err).toContain("Name a setting to write");
  const wrong = await call("vm", "metadata", "set", "web", "--ceiling", "fast");
  expect(wrong).toMatchObject({ status: 2, out: "" });
});
