// VF counters out of iproute2's JSON; a machine with VFs is not needed, its output is.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { hasVf, parseVfs, VfCounter } from "../../internal/rules/vf-counters.ts";
import { until } from "../helpers/until.ts";

/** As `ip -j -s link show dev ens1f0` prints two VFs: one as since 5.3 with counters, one as before and without. */
const LINK = (packets: number) =>
  JSON.stringify([
    {
      ifname: "ens1f0",
      stats64: { rx: { bytes: 1, packets: 999 }, tx: { bytes: 1, packets: 999 } },
      vfinfo_list: [
        {
          vf: 0,
          link_type: "ether",
          address: "52:54:00:AA:00:01",
          broadcast: "ff:ff:ff:ff:ff:ff",
          stats: {
            rx: { bytes: 640, packets, multicast: 1, broadcast: 0 },
            tx: { tx_bytes: 64, tx_packets: 1 },
          },
        },
        { vf: 1, mac: "52:54:00:aa:00:02" },
        { vf: 2, mac: "52:54:00:aa:00:03", stats: { rx: { bytes: 0, packets: 3 } } },
      ],
    },
  ]);

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

/** Makes an `ip` that answers with a file. */
function standInIp(): { readonly program: string; readonly answer: string } {
  const dir = mkdtempSync(`${tmpdir()}/ip-`);
  made.push(dir);
  writeFileSync(`${dir}/ip`, `#!/bin/sh\n[ "$*" = "-j -s link show dev ens1f0" ] && cat ${dir}/answer\n`);
  chmodSync(`${dir}/ip`, 0o755);
  return { program: `${dir}/ip`, answer: `${dir}/answer` };
}

describe("parseVfs()", () => {
  test("reads MAC and received packets, in both spellings of iproute2", () => {
    expect(parseVfs(LINK(10))).toEqual([
      { mac: "52:54:00:aa:00:01", rxPackets: 10 },
      { mac: "52:54:00:aa:00:03", rxPackets: 3 },
    ]);
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "[null]",
    '[{"vfinfo_list":7}]',
    '[{"vfinfo_list":[null,{"address":5,"stats":null}]}]',
  ])("finds nothing in %p", (text) => expect(parseVfs(text)).toEqual([]));
});

describe("hasVf()", () => {
  test("asks ip for the interface's VFs", () => {
    const { program, answer } = standInIp();
    writeFileSync(answer, LINK(10));
    expect(hasVf("ens1f0", "52:54:00:aa:00:01", program)).toBe(true);
    expect(hasVf("ens1f0", "52:54:00:aa:00:09", program)).toBe(false);
    expect(hasVf("ens1f1", "52:54:00:aa:00:01", program)).toBe(false);
  });
});

describe("VfCounter", () => {
  test("read() returns what the last run of ip showed, and that the VF is gone", async () => {
    const { program, answer } = standInIp();
    writeFileSync(answer, LINK(10));
    const counter = new VfCounter("ens1f0", "52:54:00:aa:00:01", program);
    expect(counter.read()).toEqual({ ok: true, value: undefined });
    await until(
      "the first run ends",
      () => counter.read().ok && JSON.stringify(counter.read()).includes("10"),
    );
    writeFileSync(answer, LINK(77));
    await until("a later run is seen", () => JSON.stringify(counter.read()).includes("77"));
    writeFileSync(answer, "[]");
    await until("the VF is gone", () => !counter.read().ok);
    expect(counter.read()).toMatchObject({ error: { code: "ENODEV" } });
  });
});
