// powermon budget: words in, budgets, tables and verdicts out.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Backstop } from "../../../internal/budget/backstop.ts";
import { SAYS, serve } from "../../control/serve.ts";
import { ModelMachine, setLoad } from "../../helpers/model-machine.ts";
import { makeTree, type Tree } from "../../helpers/tree.ts";
import { changed, snapshot } from "../../power/snapshot.ts";
import { call } from "./call.ts";

let tree: Tree;
beforeEach(() => {
  tree = makeTree("acpi-cpufreq-8cpu-independent");
});
afterEach(() => tree.remove());

/** Writes a file of this test. Returns its path. */
function file(name: string, text: string): string {
  writeFileSync(`${tree.root}/${name}`, text);
  return `${tree.root}/${name}`;
}

describe("powermon budget", () => {
  test("show, set, off and release say what holds and who says so", async () => {
    using it = await serve({ says: SAYS });
    const budget = async (...words: readonly string[]) => {
      const ran = await call("budget", ...words, "--socket", it.socket);
      return [ran.status, ran.out.split("\n")[0] ?? ""];
    };
    expect(await budget("show")).toEqual([0, "No power budget: [budget] names no watts."]);
    expect(await budget("set", "110")).toEqual([0, "Power budget 110 W (operator), drawn unknown by rapl"]);
    const { out } = await call("budget", "show", "--socket", it.socket);
    expect(out).toContain("The meter is lost: no zone of RAPL called package is in");
    expect(out).toMatch(/\nnormal +4 +100 % +0.0 W/);
    const off = "No power budget: the operator turned it off; `powermon budget release` ends that.";
    expect(await budget("off")).toEqual([0, off]);
    expect(await budget("release")).toEqual([0, "No power budget: [budget] names no watts."]);
  });

  test.each([
    [["set"], /WATTS/],
    [["set", "0"], /WATTS must be a whole number from 1 to 100000/],
    [["set", "1.5"], /WATTS must be a whole number/],
    [["set", "lots"], /WATTS must be a whole number/],
  ])("%p is wrong", async (words, why) => {
    const ran = await call("budget", ...words, "--socket", "/nowhere/x.sock");
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toMatch(why);
  });
});

describe("powermon budget simulate", () => {
  const TRACE = "seconds,web,batch\n0,0.2,0.2\n10,1,1\n120,1,1\n";
  const simulate = (...words: readonly string[]) =>
    call("budget", "simulate", "--sysfs-root", tree.sys, ...words);

  test("shows that the important VM keeps its clock, and what RAPL alone would leave it", async () => {
    const before = snapshot(tree.root);
    const trace = file("t.csv", TRACE);
    const vms = ["--vm", "web=high:2", "--vm", "batch=low:6"];
    const ran = await simulate("--file", trace, "--budget", "110", ...vms);
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(ran.out).toContain("62 W with all at work at the lowest, 180 W at the highest");
    expect(ran.out).toMatch(/\nweb +high +100 % +0 s +70 % +110 s\n/);
    expect(ran.out).toMatch(/\nbatch +low +\d\d % +\d+ s +70 % +110 s\n/);
    expect(changed(before, snapshot(tree.root)).filter((one) => !one.startsWith("t.csv"))).toEqual([]);
    const json = JSON.parse((await simulate("--file", trace, "--budget", "110", ...vms, "--json")).out);
    expect(json.rows).toHaveLength(120);
    expect(json.budget.vms[0]).toMatchObject({ vm: "web", kept: 1 });
  });

  test("takes budget, priorities, floors and CPUs from a configuration", async () => {
    const config = file(
      "p.toml",
      '[budget]\nwatts = 130\n[pinning]\nsources = ["static"]\n[vm.web]\npriority = "high"\npins = { 0 = 0, 1 = 1 }\n[vm.batch]\npriority = "low"\nfloor = 1400000\npins = { 0 = 2, 1 = 3, 2 = 4, 3 = 5, 4 = 6, 5 = 7 }\n',
    );
    const ran = await simulate("--file", file("t.csv", TRACE), "--config", config, "--json");
    const { budgetWatts, budget } = JSON.parse(ran.out);
    expect([budgetWatts, budget.vms[0].kept]).toEqual([130, 1]);
    expect(budget.vms[1].kept).toBeGreaterThan(0.53);
  });

  const WINDOWS = `[budget]\ntimezone = "Europe/Berlin"\nwindows = [{ from = "17:00", to = "20:00", watts = 90 }]\n`;
  const VMS = ["--vm", "web=high:2", "--vm", "batch=low:6"];

  test("lets the configuration's windows hold from the time that --from says", async () => {
    const config = file("p.toml", WINDOWS.replace("]\n", "]\nwatts = 130\n"));
    const trace = file("t.csv", "seconds,web,batch\n0,1,1\n600,1,1\n");
    const words = ["--file", trace, "--config", config, ...VMS, "--from", "2026-11-23T16:55"];
    const ran = await simulate(...words);
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(ran.out.split("\n").slice(0, 4)).toEqual([
      "Budgets over 600 s:",
      "FROM                       SECOND  BUDGET",
      "2026-11-23T16:55:00+01:00  0       130 W",
      "2026-11-23T17:00:00+01:00  300     90 W",
    ]);
    const json = JSON.parse((await simulate(...words, "--json")).out);
    expect(json).toMatchObject({
      budgetWatts: 130,
      budgets: [
        { atS: 0, watts: 130 },
        { atS: 300, watts: 90 },
      ],
      from: "2026-11-23T16:55:00+01:00",
      timeZone: "Europe/Berlin",
    });
    const watts = (from: number, to: number): number[] =>
      json.rows.slice(from, to).map((row: { watts: number }) => row.watts);
    expect(Math.max(...watts(10, 300))).toBeLessThanOrEqual(130);
    expect(Math.min(...watts(10, 300))).toBeGreaterThan(115);
    expect(Math.max(...watts(310, 600))).toBeLessThanOrEqual(90);
    const fixed = await simulate("--file", trace, "--config", config, ...VMS, "--budget", "110");
    expect(fixed.out).toStartWith("Budget 110 W over 600 s.\n");
  });

  test("says so where no window holds during the trace, and where --from can mean nothing", async () => {
    const words = ["--file", file("t.csv", TRACE), "--config", file("p.toml", WINDOWS), ...VMS];
    const none = await simulate(...words, "--from", "2026-11-23T16:00");
    expect(none).toMatchObject({ status: 2, out: "" });
    expect(none.err).toContain("No budget holds in the 120 s from 2026-11-23T16:00:00+01:00 on");
    const both = await simulate(...words, "--from", "2026-11-23T17:00", "--budget", "110");
    expect(both).toMatchObject({ status: 2, out: "" });
    expect(both.err).toContain("--from says which window holds when, and --budget goes before all of them");
    expect((await simulate(...words, "--from", "noon")).err).toContain("--from must be a time such as");
  });

  test.each([
    ["", "there are no two lines of load, a begin and an end"],
    ["0,1\n", 'line 1 is no heading such as "seconds,web,batch"'],
    ["seconds,a,a\n0,1,1\n", 'line 1 names "a", which is no VM\'s name or stands twice'],
    ["seconds,a\n1,1\n", "line 2 is the first and not of second 0"],
    ["seconds,a\n0,1\n0,1\n", "line 3 is not later than the one before it"],
    ["seconds,a\n0,1\n5,1.2\n", "line 3 has other than 1 numbers from 0 to 1 after its time"],
    ["seconds,a\n0,1\n5\n", "line 3 has other than 1 numbers from 0 to 1 after its time"],
    ["seconds,a\n0,1\nnan,1\n", "line 3 does not start with seconds from 0 to 604800"],
    ["seconds,a\n0,1\n9999999,1\n", "line 3 does not start with seconds from 0 to 604800"],
  ])("refuses the trace %j", async (text, why) => {
    const ran = await simulate("--file", file("t.csv", text), "--budget", "110", "--vm", "a=low:1");
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toContain(why);
  });

  test.each([
    [["--budget", "110"], 'How many CPUs VM "web" has is not known'],
    [
      ["--budget", "110", "--vm", "web=high:9", "--vm", "batch=low:1"],
      "The VMs have 10 CPUs, and this machine has 8.",
    ],
    [["--budget", "110", "--vm", "web=urgent:2"], "--vm must be such as web=high:4"],
    [["--vm", "web=high:1", "--vm", "batch=low:1"], "--budget must be given"],
    [
      ["--budget", "110", "--floor-watts", "90", "--full-watts", "80"],
      "--full-watts must be more than --floor-watts.",
    ],
  ])("refuses %p", async (words, why) => {
    const ran = await simulate("--file", file("t.csv", TRACE), ...words);
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toContain(why);
  });

  test("ends with status 5 on a machine without clocks", async () => {
    mkdirSync(`${tree.root}/none/devices/system/cpu`, { recursive: true });
    const ran = await call(
      ...["budget", "simulate", "--file", file("t.csv", TRACE), "--budget", "110"],
      ...["--sysfs-root", `${tree.root}/none`],
    );
    expect(ran.status).toBe(5);
  });
});

describe("powermon budget check", () => {
  const check = async (...words: readonly string[]) => {
    const roots = ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", `${tree.root}/state`];
    const ran = await call("budget", "check", "--json", ...roots, ...words);
    const { findings } = JSON.parse(ran.out) as {
      findings: { severity: string; about: string; what: string }[];
    };
    return { status: ran.status, findings };
  };

  test("names a meter that is not there, and one that does not move", async () => {
    expect(await check("--no-load")).toMatchObject({
      status: 1,
      findings: [
        { severity: "problem", what: expect.stringContaining("no zone of RAPL called package") },
        { severity: "warning", about: "backstop" },
      ],
    });
    const config = file("p.toml", `[budget]\nmeter = "file:${file("energy", "5\n")}"\n`);
    const still = await check("--no-load", "--config", config);
    expect(still.status).toBe(1);
    expect(still.findings[1]?.what).toContain("does not move: it shows the same all the time");
  });

  test("tells what a meter shows and that it follows the load, and tries RAPL's limit as it stands", async () => {
    setLoad(`${tree.root}/load`, { busy: [0.1] });
    const machine = new ModelMachine(tree.sys, tree.proc, `${tree.root}/load`, { noiseWatts: 0.1 });
    const zone = `${tree.sys}/class/powercap/intel-rapl:0`;
    writeFileSync(`${zone}/constraint_0_name`, "long_term\n");
    writeFileSync(`${zone}/constraint_0_power_limit_uw`, "250000000\n");
    let then = performance.now();
    const began = then;
    const running = setInterval(() => {
      const now = performance.now();
      // The second half of the check has its own load.
      setLoad(`${tree.root}/load`, { busy: [now - began < 2050 ? 0.1 : 1] });
      machine.step(now - then);
      then = now;
    }, 5);
    const found = await check();
    clearInterval(running);
    machine.close();
    expect(found.status).toBe(0);
    const about = (word: string) =>
      found.findings.filter(({ about: one }) => one === word).map(({ what }) => what);
    expect(about("meter")[1]).toMatch(/^rapl shows \d+\.\d W/);
    expect(about("slope")[0]).toMatch(/^With 8 CPUs at work it shows/);
    expect(about("backstop")).toEqual([`The long-term limit of ${zone}, 250 W now, can be written.`]);
    expect(readFileSync(`${zone}/constraint_0_power_limit_uw`, "utf8")).toBe("250000000\n");
  }, 20_000);
});

test("powermon restore puts RAPL's limits back that a backstop moved", async () => {
  const zone = `${tree.sys}/class/powercap/intel-rapl:0`;
  mkdirSync(zone, { recursive: true });
  const files = { name: "package-0", max_energy_range_uj: "1", energy_uj: "1", enabled: "0" };
  const limit = { constraint_0_name: "long_term", constraint_0_power_limit_uw: "250000000" };
  for (const [name, text] of Object.entries({ ...files, ...limit }))
    writeFileSync(`${zone}/${name}`, `${text}\n`);
  const before = snapshot(tree.sys);
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` };
  expect(new Backstop(roots).follow(100)).toBeUndefined();
  expect(changed(before, snapshot(tree.sys))).toEqual([
    "class/powercap/intel-rapl:0/constraint_0_power_limit_uw: 250000000 > 110000000",
    "class/powercap/intel-rapl:0/enabled: 0 > 1",
  ]);
  const flags = ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", roots.stateDir];
  expect(await call("restore", ...flags)).toEqual({
    status: 0,
    err: "",
    out: `${zone}: long-term limit restored`,
  });
  expect(changed(before, snapshot(tree.sys))).toEqual([]);
});
