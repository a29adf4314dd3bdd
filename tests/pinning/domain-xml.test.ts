// Channels are found where libvirt writes them, and nowhere else.

import { describe, expect, test } from "bun:test";
import { parseChannels, parseMetadata, parseName } from "../../internal/pinning/domain-xml.ts";

const channel = (path: string, name = "p.0") =>
  `<channel type='unix'><source mode='bind' path='${path}'/><target type='virtio' name='${name}' state='connected'/><alias name='channel0'/></channel>`;
const domain = (devices: string, before = "") =>
  `<domain type='kvm' id='1'>${before}<devices>${devices}</devices></domain>`;

test("parseChannels() reads explicit and automatic paths in order, with whatever stands between", () => {
  const auto = "/var/lib/libvirt/qemu/channel/target/domain-1-x/p.1";
  const xml = domain(
    `<emulator>/q</emulator>\n  ${channel("/run/c/x.0")}\n<console type='pty'/>${channel(auto, "p.1")}`,
  );
  expect(parseChannels(`<?xml version='1.0'?>\n<!-- a > b ' -->${xml}`)).toEqual([
    { path: "/run/c/x.0", port: "p.0" },
    { path: auto, port: "p.1" },
  ]);
});

test("parseChannels() undoes escapes, once", () => {
  const xml = domain(channel("/d &amp; &lt;&apos;&quot;&gt; &#233;&#xe9; &amp;lt; &unknown; &#x110000;"));
  expect(parseChannels(xml)[0]?.path).toBe("/d & <'\"> éé &lt; &unknown; &#x110000;");
});

test("parseChannels() takes a greater-than sign and the other quotes inside an attribute", () => {
  const xml = `<domain><devices><channel type="unix"><source path="/a>'b"/><target type="virtio" name="n"/></channel></devices></domain>`;
  expect(parseChannels(xml)).toEqual([{ path: "/a>'b", port: "n" }]);
});

test.each([
  [
    "the guest agent of another kind",
    "<channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>",
  ],
  [
    "a channel without a path yet",
    "<channel type='unix'><source mode='bind'/><target type='virtio' name='p.0'/></channel>",
  ],
  ["a channel without a name", "<channel type='unix'><source path='/a'/><target type='virtio'/></channel>"],
  [
    "a channel that is no virtio",
    "<channel type='unix'><source path='/a'/><target type='guestfwd' address='1' name='x'/></channel>",
  ],
  ["a comment", `<!-- ${channel("/a")} -->`],
  ["a CDATA section", `<x><![CDATA[${channel("/a")}]]></x>`],
  ["another device's part", `<x>${channel("/a")}</x>`],
])("parseChannels() passes over %s", (_, devices) => {
  expect(parseChannels(domain(devices + channel("/right")))).toEqual([{ path: "/right", port: "p.0" }]);
});

test("parseChannels() passes over metadata, which may hold any XML", () => {
  const metadata = `<metadata><a:b xmlns:a='u'><devices>${channel("/evil")}</devices></a:b></metadata>`;
  expect(parseChannels(domain(channel("/right"), metadata))).toEqual([{ path: "/right", port: "p.0" }]);
});

test.each([
  ["<name>vm1</name>", "vm1"],
  ["<name> vm1  </name>", " vm1  "],
  ["<name>a&amp;b</name>", "a&b"],
  ["<metadata><name>vm2</name><x><domain><name>vm3</name></domain></x></metadata><name>vm1</name>", "vm1"],
  ["<name/><title>vm2</title>", ""],
  ["<title>vm1</title>", undefined],
])("parseName() reads %s whole", (xml, name) => {
  expect(parseName(domain("<x><name>vm4</name></x>", xml))).toBe(name as string);
  expect(parseName(xml)).toBeUndefined();
});

test("parseChannels() answers when the text is cut or is no XML", () => {
  const xml = domain(channel("/a"));
  for (let end = 0; end < xml.length; end++) expect(parseChannels(xml.slice(0, end)).length).toBeLessThan(2);
  expect(parseChannels("</a></b><<<>>>&&&'\"")).toEqual([]);
});

// What grows with the square of this would take longer than a test may.
test.each([["<a ".repeat(300_000)], [`<a ${"'".repeat(300_001)}`], ["<!--".repeat(300_000)]])(
  "parseChannels() finds nothing in %#, text made to be slow",
  (text) => {
    expect(parseChannels(text)).toEqual([]);
  },
);

describe("parseMetadata()", () => {
  const withMetadata = (metadata: string) => domain("", `<metadata>${metadata}</metadata>`);

  test.each([
    ["as libvirt prints it", `<powermon:vm xmlns:powermon="urn:powermon:vm" ceiling="base" turbo="false"/>`],
    ["another prefix", `<x:vm ceiling='base' xmlns:x='urn:powermon:vm' turbo='false'></x:vm>`],
    ["no prefix", `<other xmlns="urn:o"/><vm xmlns="urn:powermon:vm" ceiling="base" turbo="false"/>`],
  ])("reads the attributes of our element: %s", (_, metadata) => {
    const said = new Map(Object.entries({ ceiling: "base", turbo: "false" }));
    expect(parseMetadata(withMetadata(metadata))).toEqual(said);
  });

  test.each([
    ["another's namespace", `<powermon:vm xmlns:powermon="urn:other" ceiling="base"/>`],
    ["an element inside of another's", `<o xmlns="urn:o"><vm xmlns="urn:powermon:vm" ceiling="base"/></o>`],
    ["another element of ours", `<powermon:host xmlns:powermon="urn:powermon:vm" ceiling="base"/>`],
    ["none", ""],
  ])("passes over %s", (_, metadata) => {
    expect(parseMetadata(withMetadata(metadata))).toBeUndefined();
  });

  test("looks nowhere but in the metadata of the domain", () => {
    const vm = `<powermon:vm xmlns:powermon="urn:powermon:vm" ceiling="base"/>`;
    expect(parseMetadata(domain(vm))).toBeUndefined();
  });
});
