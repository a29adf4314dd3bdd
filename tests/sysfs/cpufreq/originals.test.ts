// The way back after a stop, a crash or a reboot.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { restoreAll } from "../../../internal/sysfs/cpufreq/originals.ts";
import { domainId, khz } from "../../../internal/values/units.ts";
import { domain, error, machine, value } from "../machine.ts";

const FILES = ["scaling_governor", "scaling_min_freq", "scaling_max_freq", "scaling_setspeed"];
const OTHER = "0b0e6f5e-0000-4000-8000-000000000000";
const BOOT = "sys/kernel/random/boot_id";

/** A tree whose domains 0 and 1 were set and never given back. */
function crashed(tree: string) {
  const host = machine(tree);
  const read = (id: number) => FILES.map((file) => host.line(`cpufreq/policy${id}/${file}`));
  const before = [read(0), read(1)];
  const cpufreq = host.open();
  value(domain(cpufreq, 0).set(khz(1_000_000)));
  value(domain(cpufreq, 1).set(khz(1_400_000)));
  cpufreq.close();
  return { ...host, read, before };
}

describe("restoreAll()", () => {
  test.each(["acpi-cpufreq-4cpu-independent", "intel-pstate-8cpu-smt"])(
    "puts every saved domain of %s back once",
    (tree) => {
      const { roots, read, before, saved } = crashed(tree);
      expect([read(0), read(1)]).not.toEqual(before);
      expect(restoreAll(roots)).toEqual({ restored: [0, 1].map(domainId), failed: [], stale: [] });
      expect([read(0), read(1)]).toEqual(before);
      expect(existsSync(saved(0))).toBe(false);
      expect(restoreAll(roots)).toEqual({ restored: [], failed: [], stale: [] });
    },
  );

  test("gives governor userspace its speed back even when another governor took over since", () => {
    const host = crashed("acpi-cpufreq-4cpu-independent");
    host.put("cpufreq/policy0/scaling_governor", "performance");
    restoreAll(host.roots);
    expect(host.read(0)).toEqual(["userspace", "800000", "2600000", "1200000"]);
  });

  test("restores what a restarted powermon would have found before the crash, not what the crash left", () => {
    const { roots, read, before, open } = crashed("acpi-cpufreq-4cpu-independent");
    value(domain(open(), 0).set(khz(2_000_000)));
    restoreAll(roots);
    expect([read(0), read(1)]).toEqual(before);
  });

  test("undoes what a process did that was killed in the middle", async () => {
    const host = machine("acpi-cpufreq-4cpu-independent");
    const module = (path: string) => JSON.stringify(join(import.meta.dir, "../../../internal", path));
    const script = `
      import { openCpufreq } from ${module("sysfs/cpufreq/cpufreq.ts")};
      for (const domain of openCpufreq(${JSON.stringify(host.roots)}).value.domains) domain.set(1000000);
      process.kill(process.pid, "SIGKILL");`;
    const child = Bun.spawn([process.execPath, "-e", script]);
    await child.exited;
    expect(child.signalCode).toBe("SIGKILL");
    expect(host.line("cpufreq/policy3/scaling_setspeed")).toBe("1000000");
    expect(restoreAll(host.roots)).toEqual({ restored: [0, 1, 2, 3].map(domainId), failed: [], stale: [] });
    expect(host.line("cpufreq/policy3/scaling_setspeed")).toBe("800000");
  });

  test("forgets another boot's originals without writing them", () => {
    const { roots, tree, read, saved } = crashed("acpi-cpufreq-4cpu-independent");
    const left = read(0);
    writeFileSync(`${tree.proc}/${BOOT}`, `${OTHER}\n`);
    expect(restoreAll(roots)).toEqual({ restored: [], failed: [], stale: [0, 1].map(domainId) });
    expect([read(0), existsSync(saved(0))]).toEqual([left, false]);
  });

  test("restores the others when one can't be, and keeps that one's file", () => {
    const { roots, path, read, before, saved, tree } = crashed("acpi-cpufreq-4cpu-independent");
    renameSync(path("cpufreq/policy0"), `${tree.root}/policy0`);
    const { restored, failed } = restoreAll(roots);
    expect([restored, failed[0]?.path, failed[0]?.code]).toEqual([
      [domainId(1)],
      path("cpufreq/policy0/scaling_max_freq"),
      "ENOENT",
    ]);
    expect([existsSync(saved(0)), existsSync(saved(1))]).toEqual([true, false]);
    renameSync(`${tree.root}/policy0`, path("cpufreq/policy0"));
    expect(restoreAll(roots).restored).toEqual([domainId(0)]);
    expect([read(0), read(1)]).toEqual(before);
  });

  test("says so when there is no boot id, and writes nothing", () => {
    const { roots, tree, read } = crashed("acpi-cpufreq-4cpu-independent");
    const left = read(0);
    const { restored, failed, stale } = restoreAll({ ...roots, procRoot: `${tree.root}/nowhere` });
    expect([restored, stale, failed.map(({ code }) => code)]).toEqual([[], [], ["ENOENT", "ENOENT"]]);
    expect(read(0)).toEqual(left);
  });
});

describe("saved originals", () => {
  test("of another boot are forgotten and named when the host is opened", () => {
    const { tree, open, saved } = crashed("acpi-cpufreq-4cpu-independent");
    writeFileSync(`${tree.proc}/${BOOT}`, `${OTHER}\n`);
    expect(open().stale).toEqual([0, 1].map(domainId));
    expect([existsSync(saved(0)), open().stale]).toEqual([false, []]);
  });

  test("survive a half-written file of a crash while saving", () => {
    const host = machine("acpi-cpufreq-4cpu-independent");
    mkdirSync(`${host.roots.stateDir}/originals`, { recursive: true });
    writeFileSync(`${host.saved(0)}.tmp`, '{"bootId":"5f');
    value(domain(host.open(), 0).set(khz(1_000_000)));
    expect(JSON.parse(readFileSync(host.saved(0), "utf8"))).toMatchObject({
      governor: "userspace",
      setspeed: 1_200_000,
    });
    expect(existsSync(`${host.saved(0)}.tmp`)).toBe(false);
    expect(restoreAll(host.roots).restored).toEqual([domainId(0)]);
  });

  test.each([
    ["empty", () => ""],
    ["of zeros", (text: string) => "\0".repeat(text.length)],
    [
      "of another boot and without an end",
      (text: string) => text.replace(/"[0-9a-f-]{36}"/, `"${OTHER}"`).slice(0, 60),
    ],
  ])("that a power cut has left %s are of another boot", (_, spoil) => {
    const { roots, saved, open, read } = crashed("acpi-cpufreq-4cpu-independent");
    writeFileSync(saved(0), spoil(readFileSync(saved(0), "utf8")));
    const left = read(0);
    expect(restoreAll(roots)).toEqual({ restored: [domainId(1)], failed: [], stale: [domainId(0)] });
    expect(read(0)).toEqual(left);
    value(domain(open(), 0).set(khz(2_000_000)));
  });

  test("that are larger than any record are not read, and are named", () => {
    const { roots, saved } = crashed("acpi-cpufreq-4cpu-independent");
    truncateSync(saved(0), 2 ** 30);
    const { restored, failed } = restoreAll(roots);
    expect([restored, failed]).toMatchObject([
      [domainId(1)],
      [{ op: "parse", path: saved(0), code: "EINVAL", value: "more than 67108864 bytes" }],
    ]);
  });

  test("that are a FIFO make nobody wait, and are named", () => {
    const { roots, saved } = crashed("acpi-cpufreq-4cpu-independent");
    rmSync(saved(0));
    expect(Bun.spawnSync(["mkfifo", saved(0)]).success).toBe(true);
    const { restored, failed } = restoreAll(roots);
    expect([restored, failed]).toMatchObject([
      [domainId(1)],
      [{ op: "parse", path: saved(0), code: "EINVAL" }],
    ]);
  });

  test("are kept from claim to claim, and never undo what the operator did between two", () => {
    const host = crashed("acpi-cpufreq-4cpu-independent");
    const cpufreq = host.open();
    const one = domain(cpufreq, 0);
    value(one.restore());
    const claim = (freq: number) => value(one.set(khz(freq)));
    claim(1_000_000);
    const { ino } = statSync(host.saved(0));
    value(one.restore());
    expect([host.read(0), existsSync(host.saved(0))]).toEqual([host.before[0] ?? [], false]);
    claim(1_400_000);
    expect(statSync(host.saved(0)).ino).toBe(ino);
    value(one.restore());

    // Killed while nobody claims: there is nothing to put back.
    host.put("cpufreq/policy0/scaling_max_freq", "1800000");
    expect(restoreAll(host.roots).restored).toEqual([domainId(1)]);
    expect(host.line("cpufreq/policy0/scaling_max_freq")).toBe("1800000");

    // Killed in the next claim: what the operator set goes back, not what was before.
    claim(1_000_000);
    expect(JSON.parse(readFileSync(host.saved(0), "utf8"))).toMatchObject({ max: 1_800_000 });
    host.put("cpufreq/policy0/scaling_max_freq", "2600000");
    expect(restoreAll(host.roots).restored).toEqual([domainId(0)]);
    expect(host.line("cpufreq/policy0/scaling_max_freq")).toBe("1800000");

    // The record of the claim that stands is gone by now: an older one does not come back in its place.
    value(one.restore());
    claim(1_000_000);
    expect(JSON.parse(readFileSync(host.saved(0), "utf8"))).toMatchObject({ max: 1_800_000 });
  });

  test.each([
    ["cut", (text: string) => text.slice(0, 20)],
    ["another thing", () => "[1]"],
    ["without a speed", (text: string) => text.replace(/,"setspeed":\d+/, "")],
    ["with min above max", (text: string) => text.replace('"min":800000', '"min":9800000')],
    ["with words for a governor", (text: string) => text.replace("userspace", "user space\\n")],
  ])("that are %s stop every write of their domain, and are named", (_, spoil) => {
    const { roots, open, saved, read } = crashed("acpi-cpufreq-4cpu-independent");
    const text = spoil(readFileSync(saved(0), "utf8"));
    writeFileSync(saved(0), text);
    const left = read(0);
    const cpufreq = open();
    expect(cpufreq.problems).toMatchObject([{ op: "parse", path: saved(0), code: "EINVAL" }]);
    expect(error(domain(cpufreq, 0).set(khz(2_000_000)))).toMatchObject({ op: "parse", path: saved(0) });
    expect(error(domain(cpufreq, 0).restore())).toMatchObject({ op: "parse", path: saved(0) });
    expect(restoreAll(roots).failed).toMatchObject([{ path: saved(0) }]);
    expect([read(0), readFileSync(saved(0), "utf8")]).toEqual([left, text]);
    value(domain(cpufreq, 1).set(khz(2_000_000)));
  });
});
