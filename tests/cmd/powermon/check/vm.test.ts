// Each link between a guest and its clocks, seen on a machine and a /proc of files, with libvirt's own test driver.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { makeProc } from "../../../helpers/proc.ts";
import { QemuSocket } from "../../../helpers/qemu.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { makeTree, type Tree } from "../../../helpers/tree.ts";
import { call } from "../call.ts";

let tree: Tree;
let proc: ReturnType<typeof makeProc>;
let toml = "";
beforeEach(() => {
  tree = makeTree("acpi-cpufreq-4cpu-independent");
  proc = makeProc();
  toml = `${tree.root}/powermon.toml`;
  mkdirSync(`${tree.root}/channels`, { mode: 0o755 });
  configure();
});
afterEach(() => {
  tree.remove();
  proc.remove();
});

function configure(more = ""): void {
  writeFileSync(
    toml,
    `state_dir = "${tree.root}/state"
[channels]
dirs = ["${tree.root}/channels"]
[control]
socket = "${tree.root}/control.sock"
[pinning]
libvirt_uri = "test:///default"
${more}`,
  );
}

/** Writes a running QEMU of the name `vm`. */
function qemu(vm: string, words: string, label = "unconfined"): void {
  proc.thread(77, 77, "qemu-system-x86", "0-3");
  writeFileSync(`${proc.root}/77/comm`, "qemu-system-x86\n");
  const line = `qemu-system-x86_64 -name guest=${vm},debug-threads=on ${words}`;
  writeFileSync(`${proc.root}/77/cmdline`, line.replaceAll(" ", "\0"));
  mkdirSync(`${proc.root}/77/attr`);
  writeFileSync(`${proc.root}/77/attr/current`, `${label}\0`);
}

interface Finding {
  readonly severity: string;
  readonly about: string;
  readonly what: string;
  readonly todo?: string;
}

async function check(vm: string) {
  const words = ["--config", toml, "--sysfs-root", tree.sys, "--proc-root", proc.root, "--json"];
  const { status, out, err } = await call("check", vm, ...words);
  expect(err).toBe("");
  const findings: readonly Finding[] = JSON.parse(out).findings;
  for (const { severity, todo } of findings) expect(todo !== undefined).toBe(severity !== "note");
  return { status, said: findings.map(({ severity, about, what }) => `${severity}: ${about}: ${what}`) };
}

test("powermon check VM says that there is no such VM", async () => {
  const { status, said } = await check("ghost");
  expect(status).toBe(1);
  expect(said).toHaveLength(1);
  expect(said[0]).toStartWith('problem: VM: No VM "ghost" runs here, and libvirt has none (');
});

test("powermon check VM follows a QEMU that was started by hand", async () => {
  qemu("vm1", "-m 64", "system_u:system_r:svirt_t:s0:c1,c2");
  proc.thread(77, 78, "CPU 0/KVM", "2");
  proc.thread(77, 79, "CPU 1/KVM", "0-3");
  const socket = new QemuSocket(`${tree.root}/channels/vm1.0`);
  try {
    const { status, said } = await check("vm1");
    expect(status).toBe(0);
    expect(said).toContain("note: VM: vm1 runs as process 77.");
    expect(said).toContain("note: sockets: vm1 has sockets 0.");
    expect(said).toContain("note: pins: vCPU 0 runs on CPU 2.");
    expect(said).toContain(
      "warning: pins: vCPU 1 may run on CPUs 0-3, so no clock is its own and its requests are refused.",
    );
    expect(said).toContain(
      "warning: CPU model: Its CPU model qemu64 lacks SSE4.2 or POPCNT: vmpower-guest can't run in it.",
    );
    expect(said.join("\n")).toContain(
      "note: SELinux: QEMU is confined as system_u:system_r:svirt_t:s0:c1,c2;",
    );
    expect(said.at(-1)).toStartWith("note: round trip: powermon does not run on ");
  } finally {
    socket.quit();
  }
});

test("powermon check VM names what is missing of one without sockets and thread names", async () => {
  qemu("vm1", "-cpu host", "libvirt-c7a5fdbd-cdaf-9455-926a-d65c16db1809 (enforce)");
  const { status, said } = await check("vm1");
  expect(status).toBe(1);
  expect(said).toContain(`problem: sockets: vm1 runs and has no socket in ${tree.root}/channels.`);
  expect(said).toContain(
    'warning: threads: Process 77 has no threads called "CPU N/KVM": pins can\'t be read from it.',
  );
  expect(said).toContain("note: CPU model: Its CPU model is host.");
  expect(said.join("\n")).toContain("note: AppArmor: QEMU is confined as libvirt-c7a5fdbd");
});

testNeeding(["virsh"], "powermon check VM reads libvirt's definition", async () => {
  const { status, said } = await check("test");
  expect(status).toBe(0);
  expect(said).toContain("warning: channels: test has, now, no channel for vCPU 0-1.");
  expect(said).toContain("warning: channels: test has, from its next start, no channel for vCPU 0-1.");
});
