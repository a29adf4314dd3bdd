// What no namespace can show: VFs and hardware, as trees of files.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { PacketCounter } from "../../../internal/sysfs/net/counters.ts";
import { readNetwork } from "../../../internal/sysfs/net/network.ts";
import { error, value } from "../machine.ts";

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

/** Makes a /sys with these files under class/net. */
function sys(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(`${tmpdir()}/sys-net-`);
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/class/net/${path}`), { recursive: true });
    writeFileSync(`${root}/class/net/${path}`, text);
  }
  return root;
}

describe("readNetwork()", () => {
  test("names the folder when there is none", () => {
    expect(error(readNetwork("/nowhere"))).toMatchObject({
      op: "read",
      path: "/nowhere/class/net",
      code: "ENOENT",
    });
  });
});

describe("Network", () => {
  const files = {
    "eth0/address": "3c:ec:ef:00:00:01\n",
    "eth0/device/sriov_numvfs": "4\n",
    "eth0v1/address": "52:54:00:00:00:11\n",
    "eth0v1/device/physfn/vendor": "0x8086\n",
    "eth1/address": "3c:ec:ef:00:00:02\n",
    "eth1/device/sriov_numvfs": "0\n",
  };

  test("byMac() never takes the host's own hardware for a guest's", () => {
    expect(value(readNetwork(sys(files))).byMac("3c:ec:ef:00:00:01")).toBeUndefined();
  });

  test("byMac() takes a VF's own netdev and counts what it receives", () => {
    expect(value(readNetwork(sys(files))).byMac("52:54:00:00:00:11")).toMatchObject({
      interface: "eth0v1",
      counter: "rx_packets",
    });
  });

  test("withVfs() names the interfaces that have VFs now", () => {
    expect(value(readNetwork(sys(files))).withVfs()).toEqual(["eth0"]);
  });
});

describe("PacketCounter", () => {
  test("read() follows the file without opening it again", () => {
    const path = `${sys({ "tap0/statistics/tx_packets": "12\n" })}/class/net/tap0/statistics/tx_packets`;
    const counter = new PacketCounter(path);
    expect(value(counter.read())).toBe(12);
    writeFileSync(path, "4294967301\n");
    expect(value(counter.read())).toBe(4_294_967_301);
    counter.close();
    expect(value(counter.read())).toBe(4_294_967_301);
    counter.close();
  });

  test("read() names text that is no number", () => {
    const path = `${sys({ "tap0/statistics/tx_packets": "many\n" })}/class/net/tap0/statistics/tx_packets`;
    const counter = new PacketCounter(path);
    expect(error(counter.read())).toMatchObject({ op: "parse", path, value: "many" });
    counter.close();
  });
});
