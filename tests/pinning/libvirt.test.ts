// libvirt's words understood, against its test driver and a real one with a real QEMU.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelXml } from "../../internal/output/channel-xml.ts";
import { nameable, parseVcpuPins, pinVcpu, readVms } from "../../internal/pinning/libvirt.ts";
import { type PrivateLibvirt, startLibvirt } from "../helpers/libvirtd.ts";
import { testNeeding } from "../helpers/needing.ts";

const UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f";
const TEST = { uri: "test:///default" };

test("nameable() keeps names whole, and drops those that are no name or that two domains have", () => {
  const names = ["web 1.x", "3", " 3", "3 ", "..", "a/b", "a\tb", "", "twin", "twin"];
  const vms = names.map((name, i) => ({
    uuid: `${i}`,
    name,
    channels: [],
    pins: [],
    metadata: undefined,
    paused: false,
  }));
  const { vms: good, problems } = nameable(vms);
  expect(good.map(({ name }) => name)).toEqual(["web 1.x", "3", " 3", "3 "]);
  expect(problems).toEqual([
    `libvirt's domain 4 is not served: ".." can't be a VM's name`,
    `libvirt's domain 5 is not served: "a/b" can't be a VM's name`,
    `libvirt's domain 6 is not served: "a\\tb" can't be a VM's name`,
    `libvirt's domain 7 is not served: "" can't be a VM's name`,
    `libvirt's domain 8 is not served: "twin" is the name of another domain too`,
    `libvirt's domain 9 is not served: "twin" is the name of another domain too`,
  ]);
});

testNeeding(
  ["virsh"],
  "readVms() looks into no definition that is a book, and nameable() says so; its neighbours are served",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "powermon-book-"));
    const books = { small: 10, large: 1 << 20 };
    const domains = Object.entries(books).map(
      ([name, pages], at) =>
        `<domain type='test'><name>${name}</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193${at}</uuid><metadata><b:b xmlns:b='urn:b'>${"<b:p/>".repeat(pages / 6)}</b:b></metadata><memory>8192</memory><os><type>hvm</type></os></domain>`,
    );
    const node = join(dir, "node.xml");
    writeFileSync(node, `<node>${domains.join("")}</node>`);
    const vms = await readVms({ uri: `test://${node}` });
    const { vms: good, problems } = nameable(vms.ok ? vms.value : []);
    expect(good.map(({ name }) => name)).toEqual(["small"]);
    expect(problems).toEqual([
      expect.stringMatching(/is not served: "large" has a definition of \d{7} characters/),
    ]);
    rmSync(dir, { recursive: true });
  },
);

test("parseVcpuPins() reads quiet, loud and old virsh", () => {
  const pins = [
    { vcpu: 0, pcpus: [1, 2, 3, 5] },
    { vcpu: 10, pcpus: [7] },
  ];
  expect(parseVcpuPins(" 0    1-3,5\n 10   7\n\n")).toEqual(pins);
  expect(parseVcpuPins(" VCPU   CPU Affinity\n----------------------\n 0      1-3,5\n 10     7\n")).toEqual(
    pins,
  );
  expect(
    parseVcpuPins("VCPU: CPU Affinity\n----------------------------------\n   0: 1-3,5\n  10: 7\n"),
  ).toEqual(pins);
});

test("parseVcpuPins() passes over what is no pin", () => {
  expect(parseVcpuPins(" 0 3-1\n 1 -\n 2\n x 1\n 99999 1\n 3 1-99999\n")).toEqual([]);
});

testNeeding(["virsh"], "readVms() reads libvirt's test driver", async () => {
  const pins = [
    { vcpu: 0, pcpus: [0, 1, 2, 3, 4, 5, 6, 7] },
    { vcpu: 1, pcpus: [0, 1, 2, 3, 4, 5, 6, 7] },
  ];
  expect(await readVms(TEST)).toEqual({
    ok: true,
    value: [{ uuid: UUID, name: "test", channels: [], pins, metadata: undefined, paused: false }],
  });
});

testNeeding(["virsh"], "pinVcpu() passes on what libvirt refuses", async () => {
  const current: string[] = [];
  expect(await pinVcpu(TEST, UUID, 1, "2-3", current)).toEqual({ ok: true, value: undefined });
  const why = async (vcpu: number, list: string, uuid = UUID) => {
    const pinned = await pinVcpu(TEST, uuid, vcpu, list, current);
    return pinned.ok ? "" : pinned.error;
  };
  expect(await why(5, "0")).toEndWith("requested vcpu '5' is not present in the domain");
  expect(await why(0, "--help")).toContain("Invalid cpulist '--help'");
  expect(await why(0, "0", "-x")).toEndWith("failed to get domain '-x'");
});

testNeeding(
  ["virsh", "libvirtd", "qemu-system-x86_64", "root and namespaces"],
  "readVms() and pinVcpu() work on a real libvirtd with a real QEMU, and survive its end",
  async () => {
    const libvirt = await startLibvirt();
    try {
      await tryRealDomain(libvirt);
    } finally {
      await libvirt.stop();
    }
    const gone = await readVms({ uri: libvirt.uri });
    expect(gone.ok ? "" : gone.error).toContain("failed to connect to the hypervisor");
  },
  60_000,
);

async function tryRealDomain(libvirt: PrivateLibvirt): Promise<void> {
  const dir = join(libvirt.dir, "channels");
  mkdirSync(dir);
  // A name that virsh would take for an id, and more channels than one controller carries.
  const channels = channelXml({ vm: "3", vcpus: 33, dir });
  if (!channels.ok) throw new Error(channels.error);
  const auto =
    "<channel type='unix'><target type='virtio' name='virtio.serial.port.poweragent.99'/></channel>";
  writeFileSync(
    join(libvirt.dir, "3.xml"),
    `<domain type='qemu'><name>3</name><memory unit='MiB'>32</memory><vcpu>2</vcpu><os><type machine='q35'>hvm</type></os>
     <devices><emulator>${Bun.which("qemu-system-x86_64")}</emulator><controller type='usb' model='none'/>${channels.value}${auto}</devices></domain>`,
  );
  libvirt.virsh("define", join(libvirt.dir, "3.xml"));
  expect(await readVms({ uri: libvirt.uri })).toEqual({ ok: true, value: [] });
  libvirt.virsh("start", "--paused", "3");
  const vms = await readVms({ uri: libvirt.uri });
  const vm = vms.ok ? vms.value[0] : undefined;
  if (vm === undefined) throw new Error(JSON.stringify(vms));
  expect([vm.name, vm.paused]).toEqual(["3", true]);
  expect(vm.channels.length).toBe(34);
  expect(
    vm.channels.slice(0, 33).every(({ path }, n) => path === join(dir, `3.${n}`) && existsSync(path)),
  ).toBe(true);
  expect(vm.channels[33]?.port).toBe("virtio.serial.port.poweragent.99");
  expect(vm.channels[33]?.path).toEndWith("/virtio.serial.port.poweragent.99");
  expect(vm.pins.map(({ vcpu }) => vcpu)).toEqual([0, 1]);
  expect(await pinVcpu({ uri: libvirt.uri }, vm.uuid, 1, "0")).toEqual({
    ok: true,
    value: undefined,
  });
  expect(libvirt.virsh("vcpupin", "--live", vm.uuid)).toMatch(/^ 1 +0$/m);
  expect(libvirt.virsh("vcpupin", "--config", vm.uuid)).toMatch(/^ 1 +0$/m);
  const after = await readVms({ uri: libvirt.uri });
  expect(after.ok && after.value[0]?.pins[1]).toEqual({ vcpu: 1, pcpus: [0] });
}
