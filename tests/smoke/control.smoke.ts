// Every control command of the built powermon against the built daemon, a fixture machine and guests on real sockets.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { ControlClient } from "../../internal/control/client.ts";
import type { ChannelReport } from "../../internal/api/channels.ts";
import type { ExplainReport } from "../../internal/api/freq.ts";
import type { PolicyReport } from "../../internal/api/policies.ts";
import type { StatusReport } from "../../internal/api/status.ts";
import type { VmReport } from "../../internal/api/vms.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { Step } from "../../internal/values/frequency.ts";
import type { Workload } from "../../internal/values/request.ts";
import { type Daemon, DIST, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

const scale = (step: Step, vcpu = 0) =>
  encodeRequest({ kind: "scale", step, vcpu, vmName: "", physical: false }, "18.11");
const query = () =>
  encodeRequest({ kind: "query-freq", all: false, vcpu: 0, vmName: "vm1", physical: false }, "18.11");

const policy = (workload: Workload) =>
  encodeRequest(
    {
      kind: "policy",
      vcpu: 0,
      vmName: "",
      physical: false,
      policy: {
        type: "workload",
        vcpus: [0],
        macs: [],
        traffic: { min: 0, avg: 0, max: 0 },
        busyHours: [],
        quietHours: [],
        trafficHours: [],
        workload,
        turbo: false,
      },
    },
    "18.11",
  );

/** The command field of a reply. Source: DPDK rte_power_guest_channel.h, ACK 1, NACK 2, FREQ_LIST 3. */
const kindOf = (reply: Uint8Array) => reply[12];

let machine: Machine;
let vm1: QemuSocket;
let vm2: QemuSocket;
let daemon: Daemon;
let config = "";

beforeEach(async () => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  vm2 = new QemuSocket(`${machine.dir}/vm2.0`);
  config = `${machine.tree.root}/powermon.toml`;
  configure("");
  daemon = await start();
});
afterEach(async () => {
  daemon.kill("SIGTERM");
  await daemon.exited;
  vm1.quit();
  vm2.quit();
  machine.remove();
});

function configure(more: string): void {
  writeFileSync(
    config,
    `[pinning]\nsources = ["static"]\n[vm.vm1.pins]\n0 = 2\n[vm.vm2.pins]\n0 = 2\n[control]\nwatch_group = "nogroup"\n${more}`,
  );
}

async function start(): Promise<Daemon> {
  const started = await startDaemon(machine, ["--config", config]);
  await vm1.hosted();
  await vm2.hosted();
  return started;
}

const socket = () => `${machine.stateDir}/control.sock`;
const ask = (...words: readonly string[]) => runBinary("powermon", [...words, "--socket", socket()]);
const speed = (cpu: number) => machine.policy(cpu, "scaling_setspeed");

/** Runs a command that must do its work, and returns its JSON. */
async function json<T>(...words: readonly string[]): Promise<T> {
  const { out, err, status } = await ask(...words, "--json");
  expect({ err, status }).toEqual({ err: "", status: 0 });
  return JSON.parse(out) as T;
}

describe("powermon's control socket", () => {
  test("is the operators' alone, answers a second daemon away, and goes with the daemon", async () => {
    expect(statSync(socket()).mode & 0o777).toBe(0o660);
    const second = await runBinary("powermon", ["run", "--dir", machine.dir, ...machine.roots]);
    expect(second.status).toBe(1);
    expect((await ask("status")).status).toBe(0);
    daemon.kill("SIGTERM");
    await daemon.exited;
    expect(existsSync(socket())).toBe(false);
    const nobody = await ask("status");
    expect(nobody).toEqual({
      status: 4,
      out: "",
      err: `powermon does not answer on ${socket()} (ENOENT); is it running?\n`,
    });
  });

  test("is taken over from a daemon that was killed", async () => {
    daemon.kill("SIGKILL");
    await daemon.exited;
    expect(existsSync(socket())).toBe(true);
    for (const qemu of [vm1, vm2]) qemu.quit();
    for (const qemu of [vm1, vm2]) qemu.restart();
    daemon = await start();
    expect((await ask("status")).status).toBe(0);
  });
});

describe("powermon's commands", () => {
  test("status, vm list and vm show tell how things are", async () => {
    const status = await json<StatusReport>("status");
    expect(status).toMatchObject({
      pid: daemon.pid,
      domains: 4,
      drivers: ["acpi-cpufreq"],
      vms: 2,
      claims: 0,
    });
    expect(status.channels).toEqual({ total: 2, connected: 2 });
    expect(status.configFiles).toContain(config);
    await vm1.ask(scale("max"));
    expect((await json<readonly VmReport[]>("vm", "list")).map(({ vm }) => vm).sort()).toEqual([
      "vm1",
      "vm2",
    ]);
    const vm = await json<VmReport>("vm", "show", "vm1");
    expect(vm.vcpus[0]).toMatchObject({ vcpu: 0, pcpus: [2], source: "static", targetKhz: 2600000 });
    expect(vm.settings.queries).toEqual({ value: false, from: "default" });
    expect((await ask("vm", "show", "vm3")).status).toBe(2);
  });

  test("explain tells who claims, who wins and what was refused", async () => {
    await vm1.ask(scale("max"));
    await vm2.ask(scale("min"));
    expect(kindOf(await vm2.ask(scale("max", 7)))).toBe(2);
    const explained = await json<ExplainReport>("explain", "2");
    expect(explained.claims.map(({ vm }) => vm).sort()).toEqual(["vm1", "vm2"]);
    expect(explained.winner).toMatchObject({ by: "guest", vm: "vm1", wishKhz: 2600000 });
    expect(explained).toMatchObject({ targetKhz: 2600000, currentKhz: 2600000 });
    const { out } = await ask("explain", "2");
    expect(out).toContain("VM vm1 claims 2600000 kHz");
    expect(out).toContain(": it wins.");
  });

  test("vm limits clips what a VM has already claimed, until restart or with --save for good", async () => {
    await vm1.ask(scale("max"));
    const changed = await json<VmReport>("vm", "limits", "vm1", "--ceiling", "1800000");
    expect(changed.settings.ceiling).toEqual({ value: 1800000, from: "runtime" });
    expect(speed(2)).toBe("1800000");
    await json("vm", "limits", "vm1", "--ceiling", "2000000", "--save");
    daemon.kill("SIGTERM");
    await daemon.exited;
    for (const qemu of [vm1, vm2]) await until("the host is gone", () => !qemu.connected);
    daemon = await start();
    const { settings } = await json<VmReport>("vm", "show", "vm1");
    expect(settings.ceiling.value).toBe(2000000);
    expect(settings.ceiling.from).toContain(`${machine.stateDir}/powermon.d/`);
    await vm1.ask(scale("max"));
    expect(speed(2)).toBe("2000000");
  });

  test("vm query lets a guest ask, and ask no longer", async () => {
    await json("vm", "query", "vm1", "on");
    expect(kindOf(await vm1.ask(query(), 88))).toBe(3);
    await json("vm", "query", "vm1", "off");
    vm1.send(query());
    // Not answered, as DPDK's host: the next reply is that of the scale request.
    expect(kindOf(await vm1.ask(scale("up")))).toBe(1);
  });

  test("channel disable reads and ignores, channel enable serves again", async () => {
    await vm1.ask(scale("min"));
    const min = speed(2);
    await json("channel", "disable", "vm1", "all");
    vm1.send(scale("max"));
    await until("it was read and ignored", async () => {
      const channels = await json<readonly ChannelReport[]>("channel", "list");
      return channels.find(({ vm }) => vm === "vm1")?.counts["ignored"] === 1;
    });
    expect(speed(2)).toBe(min);
    await json("channel", "enable", "vm1", "0");
    await vm1.ask(scale("max"));
    expect(speed(2)).toBe("2600000");
    expect(vm1.received.length).toBe(0);
  });

  test("channel remove and vm remove end the claims, add serves again", async () => {
    const before = speed(2);
    await vm1.ask(scale("max"));
    await json("channel", "remove", "vm1", "0");
    await until("the claim has ended", () => speed(2) === before);
    await json("channel", "add", "vm1", "all");
    await until("vm1 is served again", () => vm1.connected);
    await vm1.ask(scale("max"));
    expect(speed(2)).toBe("2600000");
    await json("vm", "remove", "vm1");
    await until("the claim has ended", () => speed(2) === before);
    await until("vm1 is let go", () => !vm1.connected);
    await json("vm", "add", "vm1");
    await until("vm1 is served again", () => vm1.connected);
    await vm1.ask(scale("max"));
    expect(speed(2)).toBe("2600000");
  });

  test("freq set is a claim beside the guests', freq release ends it", async () => {
    const before = speed(2);
    await vm1.ask(scale("min"));
    const min = speed(2);
    const set = await json<readonly { cpu: number; operatorClaim: boolean }[]>("freq", "set", "2-3", "max");
    expect(set).toMatchObject([
      { cpu: 2, operatorClaim: true, targetKhz: 2600000 },
      { cpu: 3, operatorClaim: true },
    ]);
    expect([speed(2), speed(3)]).toEqual(["2600000", "2600000"]);
    await json("freq", "release", "all");
    expect(speed(2)).toBe(min);
    expect(await json<readonly object[]>("freq", "show", "3")).toMatchObject([{ operatorClaim: false }]);
    vm1.quit();
    await until("the machine is as it was", () => speed(2) === before && speed(3) === before);
    vm1.restart();
  });

  test("policy set stands before the guest's own, from a file or standard input, until restart or with --save for good", async () => {
    const before = speed(2);
    const file = `${machine.tree.root}/policy.toml`;
    writeFileSync(file, 'type = "workload"\nworkload = "low"\n');
    const [set] = await json<readonly PolicyReport[]>("policy", "set", "vm1", "--file", file);
    expect(set).toMatchObject({ vm: "vm1", origin: "operator", inForce: true, wishes: [{ level: "min" }] });
    expect(speed(2)).toBe("800000");
    expect(kindOf(await vm1.ask(policy("high")))).toBe(1);
    expect(speed(2)).toBe("800000");
    expect(await json<readonly PolicyReport[]>("policy", "list")).toMatchObject([
      { origin: "operator", inForce: true },
      { origin: "guest", inForce: false, type: "workload" },
    ]);
    expect((await ask("explain", "2")).out).toContain("policy");
    expect(await json<object>("policy", "remove", "vm1")).toEqual({ done: true });
    expect(speed(2)).toBe("2600000");
    vm1.send(encodeRequest({ kind: "policy-remove", vcpu: 0, vmName: "", physical: false }, "18.11"));
    await until("the machine is as it was", () => speed(2) === before);
    expect((await ask("policy", "show", "vm1")).status).toBe(2);

    const windows = '{"type": "time", "windows": [{"from": "00:00", "to": "24:00", "level": "medium"}]}';
    const words = ["policy", "set", "vm1", "--file", "-", "--save", "--socket", socket()];
    const piped = Bun.spawn([`${DIST}/powermon`, ...words], { stdin: new Blob([windows]), stdout: "ignore" });
    expect(await piped.exited).toBe(0);
    expect(speed(2)).toBe("1600000");
    await json("vm", "query", "vm1", "on", "--save");
    daemon.kill("SIGTERM");
    await daemon.exited;
    for (const qemu of [vm1, vm2]) await until("the host is gone", () => !qemu.connected);
    daemon = await start();
    await until("it is in force again", () => speed(2) === "1600000");
    await json("policy", "remove", "vm1", "--save");
    expect(await json<readonly object[]>("policy", "list")).toEqual([]);
    await json("reload");
    expect(await json<readonly object[]>("policy", "list")).toEqual([]);
  });

  test("policy set says what is wrong, by line, by key, or what this host can't", async () => {
    const file = `${machine.tree.root}/policy.toml`;
    writeFileSync(file, 'type = "workload"\nworklod = "low"\n');
    const typo = await ask("policy", "set", "vm1", "--file", file);
    expect(typo).toMatchObject({ status: 2, out: "" });
    expect(typo.err).toContain(`${file}:2: worklod is not a key that powermon knows. Did you mean workload?`);
    writeFileSync(file, 'type = "traffic"\nmacs = ["52:54:00:00:00:99"]\nmedium_pps = 1\nmax_pps = 2\n');
    const nowhere = await ask("policy", "set", "vm1", "--file", file);
    expect(nowhere).toMatchObject({ status: 3, out: "" });
    expect(nowhere.err).toContain("52:54:00:00:00:99");
    expect(await json<readonly object[]>("policy", "list")).toEqual([]);
    // A VM that is not there may have one: it waits.
    writeFileSync(file, 'type = "workload"\nworkload = "low"\n');
    await json("policy", "set", "later", "--file", file);
    expect(await json<readonly object[]>("policy", "show", "later")).toMatchObject([{ wishes: [] }]);
  });

  test("POST /v1/resumed writes again what the kernel forgot", async () => {
    await vm1.ask(scale("max"));
    writeFileSync(`${machine.tree.sys}/devices/system/cpu/cpufreq/policy2/scaling_setspeed`, "800000\n");
    expect(await new ControlClient(socket()).ask("resumed")).toEqual({ ok: true, value: { done: true } });
    expect(speed(2)).toBe("2600000");
  });

  test("vm pin says why a vCPU without a thread can't be pinned", async () => {
    const { status, err } = await ask("vm", "pin", "vm1", "0", "3");
    expect(status).toBe(1);
    expect(err).toContain("vCPU 0");
  });

  test("reload applies a good file, and refuses a bad one whole", async () => {
    await vm1.ask(scale("max"));
    configure('[limits."2"]\nceiling = 2000000\n');
    const line = "+ limits.2.ceiling = 2000000\n";
    const guest = "(guest of vCPU 0 of VM vm1";
    expect((await ask("reload", "--dry-run")).out).toBe(
      `Would reload: ${config}\n${line}clock 2 (CPU 2): 2600000 kHz ${guest}) -> 2000000 kHz ${guest}, cut by the site's limits)\n`,
    );
    expect(speed(2)).toBe("2600000");
    expect((await ask("reload")).out).toBe(`Reloaded: ${config}\n${line}`);
    expect(speed(2)).toBe("2000000");
    expect((await ask("reload")).out).toEndWith("No setting differs from those in force.\n");
    configure('[limits."2"]\nceiling = 1200000\ncieling = 1\n');
    const { status, err } = await ask("reload");
    expect(status).toBe(2);
    expect(err).toContain("cieling");
    expect(err).toContain("ceiling");
    expect(speed(2)).toBe("2000000");
    await until("the log says it too", () => daemon.log().includes("cieling"));
  });

  test("events tells what happens while it happens", async () => {
    const following = Bun.spawn([`${DIST}/powermon`, "events", "--follow", "--json", "--socket", socket()], {
      stdout: "pipe",
      stderr: "ignore",
    });
    let told = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of following.stdout) told += decoder.decode(bytes, { stream: true });
    })();
    await until("a frequency is told", async () => {
      await vm1.ask(scale("max"));
      await vm1.ask(scale("min"));
      return told.includes('"frequency-set"');
    });
    await vm1.ask(scale("max", 9));
    await until("a refusal is told", () => told.includes('"request-refused"'));
    daemon.kill("SIGTERM");
    await daemon.exited;
    expect(await following.exited).toBe(4);
    await reading;
    const lines = told
      .trim()
      .split("\n")
      .map((line): object => JSON.parse(line));
    expect(lines.pop()).toMatchObject({ error: { code: "no-answer" } });
    for (const line of lines)
      expect(line).toMatchObject({ at: expect.any(String), event: expect.any(String) });
    daemon = await start();
  });

  test("shell runs a DPDK script against the daemon and stops where it fails", async () => {
    const script = `${machine.tree.root}/script`;
    writeFileSync(
      script,
      "# as for vm_power_manager\nadd_vm vm1\nadd_channels vm1 all\nset_channel_status vm1 all enabled\nset_query vm1 enable\nset_cpu_freq 3 max\nshow_cpu_freq 3\nshow_vm vm9\nquit\n",
    );
    const shell = Bun.spawn([`${DIST}/powermon`, "shell", "--socket", socket()], {
      stdin: Bun.file(script),
      stdout: "pipe",
      stderr: "pipe",
    });
    const err = await shell.stderr.text();
    expect(await shell.exited).toBe(1);
    expect(err).toContain("Line 8 failed with status 2: show_vm vm9");
    expect(speed(3)).toBe("2600000");
    expect((await json<VmReport>("vm", "show", "vm1")).settings.queries.value).toBe(true);
  });

  test("check knows that powermon runs, setup and channel xml need none", async () => {
    const report = await runBinary("powermon", [
      "check",
      "--config",
      config,
      "--sysfs-root",
      machine.tree.sys,
      "--proc-root",
      machine.tree.proc,
      "--json",
    ]);
    expect([0, 1]).toContain(report.status);
    expect(JSON.parse(report.out).files).toEqual([config]);
    const roots = ["--sysfs-root", machine.tree.sys, "--proc-root", machine.tree.proc];
    const here = `${machine.tree.root}/here.toml`;
    writeFileSync(here, `[channels]\ndirs = ["${machine.dir}"]\n[control]\nsocket = "${socket()}"\n`);
    const one = async () => {
      const { status, out } = await runBinary("powermon", ["check", "vm1", "--config", here, ...roots]);
      expect(status).toBe(0);
      return out;
    };
    expect(await one()).toContain("note: round trip: vm1 has asked for nothing yet; ");
    expect(kindOf(await vm1.ask(scale("max", 7)))).toBe(2);
    expect(await one()).toContain(
      "warning: round trip: vm1 asked on channels 0, and got nothing that it asked for.",
    );
    expect(kindOf(await vm1.ask(scale("max")))).toBe(1);
    expect(await one()).toContain("note: round trip: vm1 was served on channels 0 since powermon started.");
    expect((await runBinary("powermon", ["channel", "xml", "vm1", "--vcpus", "2"])).out).toContain("vm1.1");
    const setup = await runBinary("powermon", ["setup", "--root", "/nonexistent", "--dry-run"]);
    expect(setup.status).toBe(0);
    expect(setup.out).toContain("would be done: /nonexistent/run/powermon/channels: folder of root (0:0)");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "the socket that only shows has its group and changes nothing",
    async () => {
      const watch = `${machine.stateDir}/watch.sock`;
      const { gid, mode } = statSync(watch);
      expect([gid, mode & 0o777]).toEqual([65534, 0o660]);
      expect((await runBinary("powermon", ["status", "--socket", watch])).status).toBe(0);
      expect((await runBinary("powermon", ["explain", "2", "--socket", watch])).status).toBe(0);
      const no = await runBinary("powermon", ["vm", "query", "vm1", "on", "--socket", watch]);
      expect(no).toMatchObject({ status: 3, err: expect.stringContaining("shows and changes nothing") });
    },
  );

  test("a change is logged with the one who asked", async () => {
    await json("vm", "query", "vm1", "on");
    await until("it is logged", () => daemon.log().includes("Control request done"));
    expect(daemon.log()).toContain(`request="PATCH /v1/vms/vm1"`);
    expect(daemon.log()).toContain(`uid=${process.getuid?.()} pid=`);
  });
});
