import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { checkMachine } from "../../../cmd/powermon/check/machine.ts";
import { checkRivals } from "../../../cmd/powermon/check/rivals.ts";
import { Cpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { serve } from "../../control/serve.ts";
import { makeTree, type Tree } from "../../helpers/tree.ts";
import { QemuSocket } from "../../helpers/qemu.ts";
import { call } from "./call.ts";

let tree: Tree;
let dir = "";
let toml = "";
beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-independent");
  dir = `${tree.root}/channels`;
  toml = `${tree.root}/powermon.toml`;
  mkdirSync(dir, { mode: 0o750 });
  mkdirSync(`${tree.root}/run`);
});
afterEach(() => tree.remove());

/** Writes the configuration: folders of this test's own, then `more`. */
function configure(more = ""): void {
  writeFileSync(
    toml,
    `state_dir = "${tree.root}/state"
[channels]
dirs = ["${dir}"]
[control]
socket = "${tree.root}/run/control.sock"
group = ""
${more}`,
  );
}

interface Report {
  readonly files: readonly string[];
  readonly findings: readonly { severity: string; about: string; what: string; todo?: string }[];
}

const look = (...words: readonly string[]) =>
  call("check", "--config", toml, "--sysfs-root", tree.sys, "--proc-root", tree.proc, ...words);

async function check() {
  const { status, out, err } = await look("--json");
  expect(err).toBe("");
  const report: Report = JSON.parse(out);
  // Only root can be told about permissions: that is looked at below.
  const serious = report.findings.filter(
    ({ severity, about }) => severity !== "note" && about !== "permissions",
  );
  for (const { todo } of serious) expect(todo?.length).toBeGreaterThan(5);
  return { status, files: report.files, all: report.findings, serious: serious.map(({ what }) => what) };
}

/** Every file below `path`, so that "changes nothing" can be seen. */
const below = (path: string) => readdirSync(path, { recursive: true }).length;

describe("powermon check", () => {
  test("says when a budget's meter can't be read, and what a running powermon tells of its budget", async () => {
    configure("[budget]\nwatts = 110\n");
    const none = `The meter rapl can't be read: no zone of RAPL called package is in ${tree.sys}/class/powercap.`;
    const stopped = await check();
    expect(stopped.status).toBe(1);
    expect(stopped.serious).toContain(none);
    expect(stopped.all.map(({ what }) => what)).toContain(
      "A budget of 110 W is configured; powermon does not tell of it now.",
    );
    using it = await serve();
    const ask = (...words: readonly string[]) => call("budget", ...words, "--socket", it.socket);
    await ask("set", "50");
    const meter = `${tree.root}/energy`;
    writeFileSync(meter, "5\n");
    configure(`[budget]\nwatts = 110\nmeter = "file:${meter}"\n`);
    const asked = await look("--json", "--socket", it.socket);
    const { findings } = JSON.parse(asked.out) as Report;
    expect(findings.filter(({ about }) => about === "budget").map(({ what }) => what)).toEqual([
      expect.stringContaining("The meter is lost: no zone of RAPL called package is in"),
    ]);
  });

  test("finds nothing wrong with a machine that is right, and changes nothing", async () => {
    configure();
    const before = below(tree.root);
    const { status, files, all, serious } = await check();
    expect({ status, serious }).toEqual({ status: 0, serious: [] });
    expect(files).toEqual([toml]);
    expect(all.map(({ what }) => what)).toContain(
      "CPUs 0-3: driver acpi-cpufreq, 4 domains, 800000 to 2600000 kHz, without turbo.",
    );
    expect(below(tree.root)).toBe(before);
  });

  test("tells in text, with what to do below each finding", async () => {
    configure("[vm.vm1]\nqueries = true");
    chmodSync(dir, 0o777);
    const { status, out } = await look();
    expect(status).toBe(1);
    expect(out).toStartWith(`Configuration: ${toml}\nnote: cpufreq: CPUs 0-3: driver acpi-cpufreq`);
    expect(out).toContain(
      `problem: channel folder: ${dir} belongs to user ${process.getuid?.()} and group ${process.getgid?.()}, mode 0777: anybody on this host may make a socket there and speak for a VM.\n  Take that away with \`chmod o-w ${dir}\`.`,
    );
    expect(out).toContain("\n  Start that VM, or correct the name.");
    expect(out).toEndWith("\n1 problem, 1 warning.");
  });

  test("ends with 2 for a bad configuration, naming file, line, key and the nearest right key", async () => {
    configure("[pinning]\nflaoting = 1");
    const { status, all } = await check();
    expect(status).toBe(2);
    expect(all).toEqual([
      {
        severity: "problem",
        about: "configuration",
        what: expect.stringContaining(`${toml}:8: pinning.flaoting`),
        todo: expect.stringContaining("floating"),
      },
    ]);
  });

  test("ends with 2 when the named file is not there", async () => {
    const { status, all } = await check();
    expect(status).toBe(2);
    expect(all[0]?.what).toContain(toml);
  });

  test("finds pins and limits that meet nothing", async () => {
    configure(`[pinning]
sources = ["static"]
[limits."2-5"]
ceiling = "base"
[vm.vm1.pins]
0 = 1
1 = 9
[vm.ghost.pins]
0 = 2`);
    const vm1 = new QemuSocket(`${dir}/vm1.0`);
    try {
      const { status, serious, all } = await check();
      expect(status).toBe(0);
      expect(serious).toEqual([
        "The limit on CPUs 2-5 names CPUs 4-5, which have no cpufreq domain here.",
        "vCPU 1 of vm1 is pinned to CPU 9, which has no cpufreq domain here.",
        "vm1 has pins for vCPU 1, and no channel vm1.1.",
        "The configuration has a section for VM ghost with pins, and no channel is called ghost.N.",
      ]);
      expect(all.map(({ what }) => what)).toContain(`vm1 has channels 0 in ${dir}.`);
    } finally {
      vm1.quit();
    }
  });

  test("finds folders that are absent, no folders, or full of other things", async () => {
    configure();
    writeFileSync(`${dir}/notes.txt`, "");
    rmSync(`${tree.root}/run`, { recursive: true });
    writeFileSync(`${tree.root}/state`, "a file");
    const first = await check();
    expect(first.status).toBe(1);
    expect(first.serious).toEqual([
      `${tree.root}/state is no folder.`,
      `${tree.root}/run is not there: powermon would run without its control socket.`,
      `Cannot read "${tree.root}/state/originals": ENOTDIR.`,
    ]);
    expect(first.all.map(({ what }) => what)).toContain(
      `${dir}/notes.txt is no channel; channels are sockets called VM.N.`,
    );
    rmSync(dir, { recursive: true });
    expect((await check()).serious[0]).toBe(`${dir} is not there.`);
  });

  test("tells a running powermon from an ended one that left its settings", async () => {
    using it = await serve();
    configure();
    writeFileSync(toml, `[channels]\ndirs = ["${dir}"]\n[control]\nsocket = "${it.socket}"\ngroup = ""\n`);
    const running = await check();
    expect(running.all.at(-1)?.what).toBe(`powermon 1.2.3 runs as process ${process.pid}.`);
    configure();
    mkdirSync(`${tree.root}/state/originals`, { recursive: true });
    writeFileSync(`${tree.root}/state/originals/policy2.json`, "{}");
    const ended = await check();
    expect(ended.serious).toEqual(["An ended powermon has left domains 2 as it had set them."]);
  });

  test("--nagios is critical when none runs or something is wrong, and one line has all figures", async () => {
    using it = await serve();
    configure();
    const ended = await look("--nagios");
    expect(ended.status).toBe(2);
    const [line = "", ...told] = ended.out.split("\n");
    const socket = `${tree.root}/run/control.sock`;
    expect(line).toStartWith(`POWERMON CRITICAL - powermon does not run, or not on ${socket}.`);
    expect(line).toMatch(/ \| problems=1;;0;0 warnings=\d+;0;;0$/);
    expect(told[0]).toBe(
      `problem: service: powermon does not run, or not on ${socket}. See \`powermon status\`.`,
    );
    // Only root can be told about permissions: then there is a warning less.
    const running = await look("--nagios", "--socket", it.socket);
    const isRoot = process.getuid?.() === 0;
    expect({ status: running.status, out: running.out.split(" - ")[0] }).toEqual(
      isRoot ? { status: 0, out: "POWERMON OK" } : { status: 1, out: "POWERMON WARNING" },
    );
    configure("[vm.ghost.pins]\n0 = 2");
    const warned = await look("--nagios", "--socket", it.socket);
    expect(warned.status).toBe(1);
    expect(warned.out).toContain("no channel is called ghost.N.");
    configure("[pinning]\nflaoting = 1");
    expect((await look("--nagios")).status).toBe(2);
    const both = await look("--nagios", "--json");
    expect({ status: both.status, error: JSON.parse(both.out).error.code }).toEqual({
      status: 2,
      error: "invalid",
    });
  });

  test("says that a machine without cpufreq can't be served", async () => {
    configure();
    rmSync(`${tree.sys}/devices/system/cpu/cpufreq`, { recursive: true });
    const { status, serious } = await check();
    expect({ status, serious }).toEqual({ status: 1, serious: ["This machine has no cpufreq domains."] });
  });

  test("warns of a group that is not there", async () => {
    configure();
    writeFileSync(
      toml,
      `[channels]\ndirs = ["${dir}"]\n[control]\nsocket = "${tree.root}/run/c"\ngroup = "no-such-group"\n`,
    );
    expect((await check()).serious).toContain(
      'There is no group "no-such-group": only root may use the control socket.',
    );
  });
});

describe("checkMachine()", () => {
  const findings = (isRoot = true) => {
    const cpufreq = new Cpufreq({ sysfsRoot: tree.sys, procRoot: tree.proc, stateDir: `${tree.root}/state` });
    cpufreq.refresh();
    return checkMachine(cpufreq, tree.sys, isRoot).filter(({ severity }) => severity !== "note");
  };
  const policy = (n: number) => `${tree.sys}/devices/system/cpu/cpufreq/policy${n}`;

  test("names the file that can't be written", () => {
    chmodSync(`${policy(1)}/scaling_max_freq`, 0o444);
    expect(findings()).toMatchObject([
      { severity: "problem", what: `${policy(1)}/scaling_max_freq can't be written (read-only).` },
    ]);
  });

  test("does not judge permissions for somebody who is not root", () => {
    chmodSync(`${policy(1)}/scaling_max_freq`, 0o444);
    expect(findings(false)).toMatchObject([{ severity: "warning", about: "permissions" }]);
  });

  test("warns where governor userspace is absent, and of a driver nobody knows", () => {
    writeFileSync(`${policy(2)}/scaling_available_governors`, "performance schedutil\n");
    writeFileSync(`${policy(3)}/scaling_driver`, "quantum-cpufreq\n");
    expect(findings()).toMatchObject([
      { about: "driver", what: expect.stringContaining('"quantum-cpufreq" is not known') },
      { about: "governor", what: expect.stringContaining("Domains 2 offer no governor userspace") },
    ]);
  });

  test("tells of a policy that can't be understood", () => {
    writeFileSync(`${policy(0)}/related_cpus`, "all of them\n");
    expect(findings()).toMatchObject([
      { severity: "problem", what: expect.stringContaining("policy0/related_cpus") },
    ]);
  });
});

describe("checkRivals()", () => {
  const runs = (pid: number, comm: string) => {
    mkdirSync(`${tree.proc}/${pid}`);
    writeFileSync(`${tree.proc}/${pid}/comm`, `${comm}\n`);
  };

  test("finds none on a quiet machine, also without units", () => {
    runs(12, "bash");
    expect(checkRivals(tree.proc, `${tree.root}/none`)).toEqual([]);
  });

  test("finds those that run or start at boot, each once", () => {
    const wants = `${tree.root}/units/multi-user.target.wants`;
    mkdirSync(wants, { recursive: true });
    for (const unit of ["tlp.service", "tuned.service", "ssh.service"]) {
      symlinkSync(`/usr/lib/systemd/system/${unit}`, `${wants}/${unit}`);
    }
    runs(10, "tuned");
    runs(11, "power-profiles-");
    runs(12, "thermald");
    runs(13, "dpdk-vm_power_m");
    const found = checkRivals(tree.proc, `${tree.root}/units`);
    expect(found.map(({ severity, what }) => `${severity}: ${what.split(";")[0]}`)).toEqual([
      "problem: tuned runs",
      "problem: power-profiles-daemon runs",
      "problem: tlp starts at boot",
      "problem: DPDK's vm_power_manager runs",
      "note: thermald runs",
    ]);
    expect(found[0]?.todo).toBe("Stop it for good with `systemctl disable --now tuned.service`.");
  });
});
