// What powermon check says of clocks: of several kinds on one machine, limited in per cent, offline, or told wrong by the firmware.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { testNeeding } from "../../../helpers/needing.ts";
import type { Tree } from "../../../helpers/tree.ts";
import { mountMachine } from "../../../kernel/machine.ts";
import { machine } from "../../../sysfs/machine.ts";
import { call } from "../call.ts";

type Finding = Readonly<Record<"severity" | "about" | "what", string>>;

/** Runs check on `tree`, and returns what it found but for what only root can be told. @param more of the configuration */
async function look({ root, sys, proc }: Tree, more = "") {
  const toml = `${root}/powermon.toml`;
  mkdirSync(`${root}/channels`);
  writeFileSync(
    toml,
    `state_dir = "${root}/state"\n[channels]\ndirs = ["${root}/channels"]\n[control]\nsocket = "${root}/control"\ngroup = ""\n${more}`,
  );
  const words = ["check", "--config", toml, "--sysfs-root", sys, "--proc-root", proc, "--json"];
  const { status, out } = await call(...words);
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return { status, findings: findings.filter(({ about }) => about !== "permissions") };
}

/** What check says of machine `name` after `change`. */
async function told(name: string, change: (m: ReturnType<typeof machine>) => void = () => {}, more = "") {
  const m = machine(name);
  change(m);
  const { status, findings } = await look(m.tree, more);
  const say = (severity: string) =>
    findings.flatMap((one) => (one.severity === severity && one.about !== "VM" ? [one.what] : []));
  return { status, notes: say("note"), warnings: say("warning"), problems: say("problem") };
}

const OFFLINE = "CPU 1 is offline; its clock can be set when it is online.";

describe("checkMachine()", () => {
  test.each<[string, ...string[]]>([
    [
      "field-arm-clusters-scmi",
      "CPUs 0-3: driver scmi, 1 domain, 408000 to 1800000 kHz, without turbo.",
      "CPUs 4-5: driver scmi, 1 domain, 408000 to 2304000 kHz, turbo is off.",
    ],
    [
      "field-hybrid-i5-13500",
      "CPUs 0-3: driver intel_pstate, 4 domains, 800000 to 2500000 kHz, 5400000 kHz with turbo.",
      "CPUs 4-5: driver intel_pstate, 2 domains, 800000 to 1800000 kHz, 4100000 kHz with turbo.",
    ],
    [
      "field-xeon-sst-bf-2s-psys",
      "CPUs 0,2-4,6-7: driver intel_pstate, 6 domains, 800000 to 2100000 kHz, 3900000 kHz with turbo.",
      "CPUs 1,5: driver intel_pstate, 2 domains, 800000 to 2700000 kHz, 3900000 kHz with turbo.",
    ],
    [
      "field-epyc7502p-acpi",
      "CPUs 0-3: driver acpi-cpufreq, 4 domains, 1500000 to 2500000 kHz, the highest being P0 and above, by hardware.",
    ],
    [
      "field-epyc9654-epp-no-boost-file",
      "CPUs 0-3: driver amd-pstate-epp, 4 domains, 400000 to 2400000 kHz, 3707812 kHz with turbo.",
    ],
    [
      "intel_pstate-turbo-off-bios-6.12",
      "CPUs 0-1: driver intel_pstate, 2 domains, 800000 to 2400000 kHz, turbo is off.",
    ],
    ["cppc-cpufreq-6.12", "CPUs 0-1: driver cppc_cpufreq, 2 domains, 520000 to 2600000 kHz, turbo is off."],
  ])("of %s tells each kind by itself", async (name, ...kinds) => {
    const { status, notes } = await told(name);
    expect(status).toBe(0);
    expect(notes.filter((one) => one.includes(": driver "))).toEqual(kinds);
  });

  test("tells limits in per cent, and none where they limit nothing", async () => {
    expect((await told("field-tlp703-max-perf-pct-30")).warnings).toEqual([
      "intel_pstate/max_perf_pct holds CPUs 0-3 to at most 30 % of their highest clock with turbo, whatever their own limits say.",
    ]);
    const raised = await told("field-tlp703-max-perf-pct-30", ({ put }) => {
      put("intel_pstate/max_perf_pct", "100");
      put("intel_pstate/min_perf_pct", "50");
    });
    expect(raised.warnings).toEqual([]);
    expect(raised.notes).toContain(
      "intel_pstate/min_perf_pct holds CPUs 0-3 to at least 50 % of their highest clock with turbo, whatever their own limits say.",
    );
    // 22 % of 3700000 kHz is the least clock, rounded up.
    const usual = await told("intel_pstate-active-hwp-6.12");
    expect([...usual.notes, ...usual.warnings].join()).not.toContain("perf_pct");
  });

  test("takes neither a maximum that can't be nor a base of 0 for what they are not", async () => {
    const odd = await told("amd-pstate-passive-6.12", ({ put }) => {
      put("cpufreq/policy0/cpuinfo_max_freq", "7000000");
      put("cpu1/acpi_cppc/nominal_freq", "0");
      put("cpufreq/policy0/scaling_cur_freq", "<unknown>");
    });
    expect(odd.status).toBe(0);
    expect(odd.notes.slice(0, 2)).toEqual([
      "CPU 0: driver amd-pstate, 1 domain, 520000 to 2600000 kHz, 7000000 kHz with turbo (out of the believable range).",
      "CPU 1: driver amd-pstate, 1 domain, 520000 to 4313000 kHz, no base frequency, so what of it is turbo can't be told.",
    ]);
    expect(odd.warnings).toEqual([
      "The kernel says that the highest clock of CPU 0 is 7000000 kHz, which is out of the believable range: the firmware's tables, or what the driver makes of them, are wrong.",
    ]);
  });

  test("calls a CPU that shares its clock with others offline, and pins to it, notes", async () => {
    const { status, notes, problems, warnings } = await told(
      "acpi-cpufreq-4cpu-2domains",
      ({ put }) => put("online", "0,2-3"),
      '[limits."0-1"]\nceiling = "base"\n[vm.vm1.pins]\n0 = 1\n',
    );
    expect({ status, problems }).toEqual({ status: 0, problems: [] });
    expect(notes).toContain(OFFLINE);
    expect(notes).toContain("vCPU 0 of vm1 is pinned to CPU 1, which is offline.");
    expect(warnings.filter((one) => one.includes("cpufreq domain"))).toEqual([]);
  });

  testNeeding(["root and FUSE"], "calls a CPU that is alone on its clock and offline a note", async () => {
    const m = await mountMachine("acpi-cpufreq-boost");
    m.write("cpu1/online", 0);
    const { status, findings } = await look(m);
    expect(findings).toContainEqual({ severity: "note", about: "cpufreq", what: OFFLINE });
    expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
    expect(status).toBe(0);
  });
});
