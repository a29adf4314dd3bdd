// VF counters out of iproute2's JSON; a machine with VFs is not needed, its output is.

import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseVfs, VfCounter, VfViews } from "../../internal/rules/vf-counters.ts";
import { until } from "../helpers/until.ts";
import { TestClock } from "./policy-world.ts";

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

/** Makes an `ip` that answers with a file for these interfaces, and writes down when it begins and ends. */
function standInIp(interfaces: readonly string[] = ["ens1f0"]) {
  const dir = mkdtempSync(`${tmpdir()}/ip-`);
  made.push(dir);
  const known = interfaces.map((name) => `"-j -s link show dev ${name}"`).join("|");
  const script = `case "$*" in ${known}) echo + >> ${dir}/log; cat ${dir}/answer; echo - >> ${dir}/log;; *) exit 1;; esac`;
  writeFileSync(`${dir}/ip`, `#!/bin/sh\n${script}\n`);
  writeFileSync(`${dir}/log`, "");
  chmodSync(`${dir}/ip`, 0o755);
  const log = () => readFileSync(`${dir}/log`, "utf8").trim().split("\n");
  return {
    program: `${dir}/ip`,
    answer: `${dir}/answer`,
    /** How often it ran. */
    runs: () => log().filter((mark) => mark === "+").length,
    /** How many of it ran at once, at most. */
    most: () => {
      let [now, most] = [0, 0];
      for (const mark of log()) most = Math.max(most, (now += mark === "+" ? 1 : -1));
      return most;
    },
  };
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

const MAC = "52:54:00:aa:00:01";

describe("VfViews.look()", () => {
  test("asks ip once a second, whoever asks, and tells what it said last", async () => {
    const { program, answer, runs } = standInIp();
    writeFileSync(answer, LINK(10));
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const views = new VfViews(clock, program);
    for (let i = 0; i < 100; i++) expect(views.look("ens1f0", MAC)).toBeUndefined();
    await until("ip has answered", () => views.look("ens1f0", MAC) === 10);
    expect(views.look("ens1f0", "52:54:00:aa:00:09")).toBe("none");
    expect(runs()).toBe(1);
    writeFileSync(answer, LINK(77));
    clock.pass(1000);
    expect(views.look("ens1f0", MAC)).toBe(10);
    await until("ip has answered again", () => views.look("ens1f0", MAC) === 77);
    expect(runs()).toBe(2);
  });

  test("does not know any more who was not there some seconds ago", async () => {
    const { program, answer } = standInIp();
    writeFileSync(answer, "[]");
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const views = new VfViews(clock, program);
    views.look("ens1f0", MAC);
    await until("ip has answered", () => views.look("ens1f0", MAC) === "none");
    clock.pass(60_000);
    expect(views.look("ens1f0", MAC)).toBeUndefined();
  });

  test("runs one ip at a time, and goes on after one that fails", async () => {
    const { program, answer, most, runs } = standInIp(["ens1f0", "ens1f1", "ens2f0"]);
    writeFileSync(answer, LINK(10));
    const views = new VfViews(new TestClock("2026-06-10T12:00:00Z"), program);
    const of = () => ["nowhere", "ens1f0", "ens1f1", "ens2f0"].map((physical) => views.look(physical, MAC));
    of();
    await until("all are told", () => Bun.deepEquals(of(), ["none", 10, 10, 10]));
    expect([runs(), most()]).toEqual([3, 1]);
  });
});

describe("VfCounter", () => {
  test("read() returns what the last run of ip showed, and that the VF is gone", async () => {
    const { program, answer } = standInIp();
    writeFileSync(answer, LINK(10));
    const clock = new TestClock("2026-06-10T12:00:00Z");
    const counter = new VfCounter(new VfViews(clock, program), ["ens9", "ens1f0"], MAC);
    expect(counter.read()).toEqual({ ok: true, value: undefined });
    await until("the first run ends", () => Bun.deepEquals(counter.read(), { ok: true, value: 10 }));
    writeFileSync(answer, "[]");
    clock.pass(1000);
    await until("the VF is gone", () => !counter.read().ok);
    expect(counter.read()).toMatchObject({ error: { code: "ENODEV" } });
  });
});
