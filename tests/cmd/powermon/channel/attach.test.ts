// attach and detach against a real libvirtd: a VM with a guest agent, as most are, and one without any virtio-serial.

import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type PrivateLibvirt, startLibvirt } from "../../../helpers/libvirtd.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { call } from "../call.ts";

const NEEDS = ["virsh", "libvirtd", "qemu-system-x86_64", "root and namespaces"] as const;
const AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";

/** Runs `use` with a libvirtd that has the domains web (with a guest agent) and bare, of `vcpus` each. */
async function withDomains(
  vcpus: number,
  use: (libvirt: PrivateLibvirt, on: readonly string[]) => Promise<void>,
): Promise<void> {
  const libvirt = await startLibvirt();
  try {
    const dir = join(libvirt.dir, "channels");
    mkdirSync(dir);
    for (const [name, devices] of [
      ["web", AGENT],
      ["bare", ""],
    ] as const) {
      const file = join(libvirt.dir, `${name}.xml`);
      writeFileSync(
        file,
        `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>${vcpus}</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os><devices><emulator>${Bun.which("qemu-system-x86_64")}</emulator>${devices}</devices></domain>`,
      );
      libvirt.virsh("define", file);
    }
    await use(libvirt, ["--libvirt-uri", libvirt.uri, "--dir", dir]);
  } finally {
    await libvirt.stop();
  }
}

const ports = (xml: string) => [...xml.matchAll(/poweragent\.(\d+)/g)].map(([, n]) => Number(n));
const controllers = (xml: string) => xml.match(/type='virtio-serial' index=/g)?.length ?? 0;

testNeeding(
  NEEDS,
  "powermon channel attach gives a VM with a guest agent its channels, now and from its next start, or changes nothing, and detach takes them",
  () =>
    withDomains(2, async (libvirt, on) => {
      // libvirt sorts controllers at each start.
      const inactive = () => libvirt.virsh("dumpxml", "--inactive", "web").split("\n").sort().join("\n");
      const active = () => libvirt.virsh("dumpxml", "web");
      const before = inactive();
      const dry = await call("channel", "attach", "web", ...on, "--dry-run");
      expect(dry).toMatchObject({ status: 0, err: "" });
      expect(dry.out).toStartWith(
        "web, from its next start: 2 channels would be attached\n+ <channel type='unix'>",
      );
      expect(dry.out).toContain("+   <address type='virtio-serial' controller='0' bus='0' port='2'/>");
      expect(inactive()).toBe(before);
      libvirt.virsh("start", "web", "--paused");
      expect(await call("channel", "attach", "web", "--vcpus", "1", ...on, "--live")).toEqual({
        status: 0,
        out: "web, now: 1 channel attached",
        err: "",
      });
      expect(inactive()).toBe(before);
      // QEMU can't bind there: what was done before that is taken back.
      const stands = active();
      mkdirSync(`${on[3]}/web.1`);
      const refused = await call("channel", "attach", "web", ...on);
      expect(refused).toMatchObject({ status: 1, out: "" });
      expect(refused.err).toEndWith("; nothing was changed.");
      expect([inactive(), active()]).toEqual([before, stands]);
      rmdirSync(`${on[3]}/web.1`);
      expect(await call("channel", "attach", "web", ...on)).toEqual({
        status: 0,
        out: "web, from its next start: 2 channels attached\nweb, now: 1 channel attached",
        err: "",
      });
      for (const xml of [active(), inactive()]) {
        expect(ports(xml)).toEqual([0, 1]);
        expect(controllers(xml)).toBe(1);
      }
      expect(await call("channel", "attach", "web", ...on)).toMatchObject({
        status: 0,
        out: "web, from its next start: has its channels already\nweb, now: has its channels already",
      });
      expect(await call("channel", "xml", "web", ...on)).toEqual({
        status: 0,
        out: "",
        err: "web has its channels already.",
      });
      const more = await call("channel", "xml", "web", ...on, "--vcpus", "3");
      expect(more.out).toContain("port='4'/>");
      expect(more.out).not.toContain("<controller");
      const gone = await call("channel", "detach", "web", ...on, "--json");
      expect(gone.status).toBe(0);
      expect(ports(JSON.parse(gone.out).live)).toEqual([0, 1]);
      expect(ports(active())).toEqual([]);
      expect(inactive()).toBe(before);
    }),
  60_000,
);

testNeeding(
  NEEDS,
  "powermon channel attach adds controllers for the next start alone, and detach takes them back",
  () =>
    withDomains(40, async (libvirt, on) => {
      const inactive = () => libvirt.virsh("dumpxml", "--inactive", "bare");
      libvirt.virsh("start", "bare", "--paused");
      const live = await call("channel", "attach", "bare", ...on, "--live");
      expect(live).toMatchObject({ status: 5, out: "" });
      expect(live.err).toContain("libvirt plugs no controller into a running VM");
      const done = await call("channel", "attach", "bare", ...on);
      expect(done).toMatchObject({
        status: 0,
        out: "bare, from its next start: 40 channels and 2 controllers attached",
      });
      expect(done.err).toContain("it has its channels from its next start");
      expect(ports(inactive())).toHaveLength(40);
      expect(controllers(inactive())).toBe(2);
      expect(await call("channel", "detach", "bare", ...on)).toMatchObject({
        status: 0,
        out: "bare, from its next start: 40 channels and 2 controllers detached\nbare, now: has no channels of ours",
      });
      expect(controllers(inactive())).toBe(0);
      expect(ports(inactive())).toEqual([]);
      libvirt.virsh("destroy", "bare");
      expect(await call("channel", "attach", "bare", ...on, "--live")).toMatchObject({
        status: 5,
        err: "bare does not run: only --persistent can be.",
      });
    }),
  90_000,
);

test.each([
  [["attach", "vm1", "--vcpus", "513"], 'powermon: --vcpus must be a whole number from 1 to 512, not "513".'],
  [["detach", "a/b"], 'powermon: VM must be a VM\'s name, without "/" and control characters, not "a/b".'],
])("powermon channel %p is refused", async (words, err) => {
  expect(await call("channel", ...words)).toEqual({ status: 2, out: "", err });
});

testNeeding(
  ["virsh"],
  "powermon channel attach says when libvirt has no such VM, or the folder is missing",
  async () => {
    const on = ["--libvirt-uri", "test:///default", "--dir"];
    const none = await call("channel", "attach", "nosuch", ...on, "/tmp", "--json");
    expect(none.status).toBe(1);
    expect(JSON.parse(none.out).error.message).toContain("failed to get domain 'nosuch'");
    // It has the number 1.
    expect((await call("channel", "attach", "1", ...on, "/tmp")).err).toBe(
      'libvirt at test:///default takes "1" for domain "test"; use that name.',
    );
    const missing = await call("channel", "attach", "test", ...on, "/nowhere/channels");
    expect(missing.err).toContain("There is no folder /nowhere/channels");
    expect((await call("channel", "attach", "test", ...on, "/nowhere/channels", "--dry-run")).status).toBe(0);
  },
);
