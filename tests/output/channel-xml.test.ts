// The XML as libvirt itself reads it.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelXml } from "../../internal/output/channel-xml.ts";
import { testNeeding } from "../helpers/needing.ts";

const HOSTILE = { vm: `a & 'b",<c>`, vcpus: 40, dir: "/run/d & <e>" };

function xmlOf(wanted: Parameters<typeof channelXml>[0]): string {
  const xml = channelXml(wanted);
  if (!xml.ok) throw new Error(xml.error);
  return xml.value;
}

/** Writes a domain with these devices and runs `tool` on it. */
function onDomain(devices: string, tool: (path: string) => string[]) {
  const dir = mkdtempSync(join(tmpdir(), "powermon-xml-"));
  try {
    const path = join(dir, "domain.xml");
    writeFileSync(
      path,
      `<domain type='test'><name>x</name><memory unit='MiB'>32</memory><vcpu>64</vcpu><os><type>hvm</type></os><devices>${devices}</devices></domain>`,
    );
    const done = Bun.spawnSync(tool(path), { timeout: 10_000, env: { ...process.env, LC_ALL: "C" } });
    return { status: done.exitCode, text: `${done.stdout}${done.stderr}` };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("channelXml() writes a controller and a channel per vCPU", () => {
  expect(xmlOf({ vm: "vm1", vcpus: 2, dir: "/run/powermon/channels" })).toBe(`\
<controller type='virtio-serial' index='0' ports='32'><alias name='ua-powermon-serial0'/></controller>
<channel type='unix'>
  <source mode='bind' path='/run/powermon/channels/vm1.0'/>
  <target type='virtio' name='virtio.serial.port.poweragent.0'/>
  <address type='virtio-serial' controller='0' bus='0' port='1'/>
</channel>
<channel type='unix'>
  <source mode='bind' path='/run/powermon/channels/vm1.1'/>
  <target type='virtio' name='virtio.serial.port.poweragent.1'/>
  <address type='virtio-serial' controller='0' bus='0' port='2'/>
</channel>
`);
});

test("channelXml() says what can't be", () => {
  expect(channelXml({ vm: "a/b", vcpus: 1, dir: "/d" }).ok).toBe(false);
});

testNeeding(
  ["virt-xml-validate"],
  "channelXml() is valid by libvirt's schema when names need escapes",
  () => {
    const done = onDomain(xmlOf(HOSTILE), (path) => ["virt-xml-validate", path, "domain"]);
    expect(done.text).toContain("validates");
    expect(done.status).toBe(0);
  },
);

testNeeding(["virsh"], "channelXml() is defined by libvirt as it was meant", () => {
  const script = (path: string) => ["virsh", "-c", "test:///default", `define ${path}; dumpxml x`];
  const done = onDomain(xmlOf(HOSTILE), script);
  expect(done.text.match(/<controller type='virtio-serial' index='(\d)' ports='32'/g)?.length).toBe(2);
  expect(done.text).toContain("path='/run/d &amp; &lt;e&gt;/a &amp; &apos;b&quot;,&lt;c&gt;.39'/>");
  expect(done.text).toContain("<address type='virtio-serial' controller='1' bus='0' port='9'/>");
  expect(done.text.match(/poweragent\.\d+'/g)?.length).toBe(40);
});

testNeeding(
  ["virsh"],
  "channelXml() twice in a domain is refused by libvirt, and firstController keeps them apart",
  () => {
    const define = (path: string) => ["virsh", "-c", "test:///default", "define", "--validate", path];
    const first = xmlOf({ vm: "a", vcpus: 1, dir: "/d" });
    expect(onDomain(first + xmlOf({ vm: "b", vcpus: 1, dir: "/d" }), define).status).toBe(1);
    expect(onDomain(first + xmlOf({ vm: "b", vcpus: 1, dir: "/d", firstController: 1 }), define).status).toBe(
      0,
    );
  },
);
