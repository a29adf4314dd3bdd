// libvirt's view followed: pins changed behind our back, paths libvirt chose itself, and a libvirtd that goes away.

import { expect } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { channelXml } from "../../internal/output/channel-xml.ts";
import { type LibvirtChannel, LibvirtSource } from "../../internal/pinning/libvirt-source.ts";
import { startLibvirt } from "../helpers/libvirtd.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

testNeeding(
  ["virsh", "libvirtd", "qemu-system-x86_64", "root and namespaces"],
  "LibvirtSource follows a real libvirtd's domains, pins and channels, and keeps them when it ends",
  async () => {
    const libvirt = await startLibvirt();
    let channels: readonly LibvirtChannel[] = [];
    const problems: string[] = [];
    let paused: ReadonlySet<string> = new Set();
    let metadata: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map();
    const rebooted: string[] = [];
    const order: string[] = [];
    const source = new LibvirtSource(
      { uri: libvirt.uri },
      {
        metadata(now) {
          metadata = now;
          order.push("metadata");
        },
        channels(now) {
          channels = now;
          order.push("channels");
        },
        paused: (now) => void (paused = now),
        rebooted: (vm) => void rebooted.push(vm),
        problem: (why) => void problems.push(why),
      },
    );
    try {
      const dir = join(libvirt.dir, "channels");
      mkdirSync(dir);
      const explicit = channelXml({ vm: "web.1", vcpus: 1, dir });
      if (!explicit.ok) throw new Error(explicit.error);
      const auto =
        "<channel type='unix'><target type='virtio' name='virtio.serial.port.poweragent.1'/></channel>";
      writeFileSync(
        join(libvirt.dir, "web.xml"),
        `<domain type='qemu'><name>web.1</name><metadata><powermon:vm xmlns:powermon='urn:powermon:vm' ceiling='base'/></metadata><memory unit='MiB'>32</memory><vcpu>2</vcpu><os><type machine='q35'>hvm</type></os>
         <devices><emulator>${Bun.which("qemu-system-x86_64")}</emulator><controller type='usb' model='none'/>${explicit.value}${auto}</devices></domain>`,
      );
      libvirt.virsh("define", join(libvirt.dir, "web.xml"));
      const subject = { vm: "web.1", pid: undefined };
      expect(source.pins(subject, 0)).toEqual({ kind: "unknown", why: "libvirt has not answered yet" });
      source.start();
      await source.ask();
      expect(source.pins(subject, 0).kind).toBe("unknown");

      libvirt.virsh("start", "--paused", "web.1");
      await until("the domain's start is seen", () => source.pins(subject, 0).kind === "known");
      await until("its channels are told", () => channels.length === 2);
      expect(channels[0]).toEqual({ path: join(dir, "web.1.0"), vm: "web.1", index: 0 });
      expect(channels[1]).toMatchObject({ vm: "web.1", index: 1 });
      // The settings of a VM stand before anything of it is served.
      expect(metadata).toEqual(new Map([["web.1", new Map([["ceiling", "base"]])]]));
      expect(order.slice(-2)).toEqual(["metadata", "channels"]);
      const set = ["metadata", "web.1", "urn:powermon:vm", "--live"];
      libvirt.virsh(...set, "--key", "powermon", "--set", "<vm turbo='false'/>");
      await until("a change is followed", () => metadata.get("web.1")?.get("turbo") === "false");
      libvirt.virsh(...set, "--remove");
      await until("its end is followed", () => metadata.size === 0);
      expect(source.pins(subject, 7)).toEqual({ kind: "absent", count: 2 });
      expect([...paused]).toEqual(["web.1"]);
      libvirt.virsh("resume", "web.1");
      await until("the domain runs", () => paused.size === 0, 1000);
      libvirt.virsh("reset", "web.1");
      await until("its reset is told", () => Bun.deepEquals(rebooted, ["web.1"]), 1000);
      libvirt.virsh("suspend", "web.1");
      await until("the domain is paused", () => paused.has("web.1"), 1000);

      libvirt.virsh("vcpupin", "web.1", "1", "1");
      const pinned = { kind: "known", pcpus: [1] } as unknown;
      await until("the new pin is seen", () => Bun.deepEquals(source.pins(subject, 1), pinned), 1000);
      expect(await source.pin("web.1", 1, "0")).toEqual({ ok: true, value: undefined });
      expect(source.pins(subject, 1) as unknown).toEqual({ kind: "known", pcpus: [0] });
      expect(await source.pin("other", 0, "0")).toBeUndefined();

      await libvirt.endDaemon();
      await source.ask();
      expect(source.pins(subject, 1) as unknown).toEqual({ kind: "known", pcpus: [0] });
      await libvirt.startDaemon();
      libvirt.virsh("vcpupin", "web.1", "1", "1");
      await until("the new pin is seen", () => Bun.deepEquals(source.pins(subject, 1), pinned), 3000);
      libvirt.virsh("vcpupin", "web.1", "1", "0");
      const back = { kind: "known", pcpus: [0] } as unknown;
      await until("the next is seen at once", () => Bun.deepEquals(source.pins(subject, 1), back), 1000);
    } finally {
      await libvirt.stop();
    }
    await source.ask();
    expect(problems.length).toBeGreaterThan(0);
    expect(source.pins({ vm: "web.1", pid: undefined }, 1) as unknown).toEqual({ kind: "known", pcpus: [0] });
    source.stop();
  },
  60_000,
);
