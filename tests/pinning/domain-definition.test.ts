// A definition is read as libvirt prints it, and numbers that libvirt would not take are no numbers.

import { expect, test } from "bun:test";
import { parseDefinition, vcpuOfPort } from "../../internal/pinning/domain-definition.ts";

const channel = (name: string, rest: string) =>
  `<channel type='unix'><target type='virtio' name='${name}'/>${rest}</channel>`;
const at = (controller: string, port: string) =>
  `<address type='virtio-serial' controller='${controller}' bus='0' port='${port}'/>`;
const domain = (devices: string, before = "") =>
  `<domain type='kvm'><name>web</name><uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>${before}<devices>${devices}</devices></domain>`;

test("parseDefinition() reads CPU, controllers, ports in use and channels of ours", () => {
  const xml = domain(
    `<controller type='usb' index='3'/>
    <controller type='virtio-serial' index='0'><address type='pci' slot='0x05'/></controller>
    <controller type='virtio-serial' index='1' ports='32'><alias name='ua-x'/></controller>
    <console type='pty'><target type='virtio' port='1'/>${at("0", "2")}</console>
    ${channel("org.qemu.guest_agent.0", at("0", "1"))}
    ${channel("virtio.serial.port.poweragent.3", `<source mode='bind' path='/run/a&amp;b/web.3'/>${at("1", "4")}`)}
    ${channel("virtio.serial.port.poweragent.0", "")}
    <channel type='spicevmc'><target type='virtio' name='virtio.serial.port.poweragent.1'/></channel>`,
    `<vcpu placement='static' current='1'>4</vcpu><cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model><feature policy='require' name='popcnt'/><feature policy='disable' name='x'/></cpu>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><cputune><vcpupin vcpu='1' cpuset='2-3'/><vcpupin vcpu='x' cpuset='2'/></cputune>
    <metadata><p:vm xmlns:p='urn:powermon:vm' floor='base'/><a><devices><controller type='virtio-serial' index='9'/></devices></a></metadata>`,
  );
  expect(parseDefinition(xml)).toEqual({
    uuid: "c7a5fdbd-cdaf-9455-926a-d65c16db1809",
    name: "web",
    vcpus: 4,
    arch: "x86_64",
    cpu: { mode: "custom", model: "qemu64", features: ["popcnt"] },
    pins: [{ vcpu: 1, pcpus: [2, 3] }],
    metadata: new Map([["floor", "base"]]),
    controllers: [
      { index: 0, ports: 31, alias: undefined },
      { index: 1, ports: 32, alias: "ua-x" },
    ],
    taken: [
      { controller: 0, port: 2 },
      { controller: 0, port: 1 },
      { controller: 1, port: 4 },
    ],
    channels: [
      { vcpu: 3, path: "/run/a&b/web.3", place: { controller: 1, port: 4 } },
      { vcpu: 0, path: undefined, place: undefined },
    ],
  });
});

test("parseDefinition() takes no number that is none, and answers on anything", () => {
  const odd = `<controller type='virtio-serial' index='-1'/><controller type='virtio-serial' index='999999'/><controller type='virtio-serial' index='2' ports='1e9'/>`;
  expect(parseDefinition(domain(odd, "<vcpu>many</vcpu><cpu mode='host-passthrough'/>"))).toMatchObject({
    vcpus: 0,
    cpu: { mode: "host-passthrough", model: undefined, features: [] },
    controllers: [{ index: 2, ports: 31 }],
  });
  const xml = domain(channel("virtio.serial.port.poweragent.3", at("1", "4")));
  for (let end = 0; end < xml.length; end++)
    expect(parseDefinition(xml.slice(0, end)).channels.length).toBeLessThan(2);
  expect(parseDefinition("<a>".repeat(50_000)).channels).toEqual([]);
});

test.each([
  ["virtio.serial.port.poweragent.12", 12],
  ["virtio.serial.port.poweragent.12345", undefined],
  ["virtio.serial.port.poweragent.", undefined],
  ["org.qemu.guest_agent.0", undefined],
])("vcpuOfPort() of %s is %p", (name, vcpu) => {
  expect(vcpuOfPort(name)).toBe(vcpu as number);
});
