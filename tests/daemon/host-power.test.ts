// The host's own power while guests have claims: who is outer, who is inner, and that everything goes back in order.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { SleepAsk } from "../../internal/api/sleep.ts";
import { HostPower, type PowerOptions } from "../../internal/daemon/host-power.ts";
import { DmaLatency } from "../../internal/power/profiles/dma-latency.ts";
import { takeLock } from "../../internal/os/lock.ts";
import { profilePath } from "../../internal/power/profiles/store.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import { DONE, err } from "../../internal/values/result.ts";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import type { QemuSocket } from "../helpers/qemu.ts";
import { message, value } from "../helpers/answer.ts";
import { until } from "../helpers/until.ts";
import { down } from "../power/sleep/down.ts";
import { changed, snapshot } from "../power/snapshot.ts";
import { TestClock } from "../rules/policy-world.ts";

const CAP = { profile: { cap: { cpus: { all: { ceiling: 2_000_000 } } } } };

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

/** Starts a host and what it does about its own power, with a file for /dev/cpu_dma_latency. */
function start(says: object = {}, more: Partial<PowerOptions> = {}) {
  writeFileSync(`${lab.tree.root}/latency`, "");
  const latency = new DmaLatency(`${lab.tree.root}/latency`);
  const power = new HostPower(lab.start({ ...STATIC, ...says }), {
    roots: lab.roots,
    latency,
    ...more,
  });
  power.start();
  return { power, asks: power.asks, latency };
}

const cpus = () => snapshot(`${lab.tree.sys}/devices/system/cpu`);
describe("HostPower on profiles", () => {
  test("applyProfile() clips claims that stand, profileOff() lets them out, and the end leaves nothing", async () => {
    const before = cpus();
    const { asks } = start(CAP);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(2_600_000);
    expect(value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }))).toMatchObject({
      profile: "cap",
      applied: true,
    });
    expect([lab.speed(2), lab.attribute(2, "scaling_max_freq")]).toEqual([2_000_000, "2000000"]);
    expect(lab.attribute(2, "scaling_governor")).toBe("userspace");
    await ask(vm1, frame({ step: "min" }));
    await ask(vm1, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(2_000_000);
    expect(value(asks.verifyProfile())).toMatchObject({
      state: "applied",
      profile: "cap",
      drift: [],
      held: [2],
    });
    expect(asks.profiles().value.find((one) => one.inForce)?.name).toBe("cap");
    value(asks.profileOff());
    expect(lab.speed(2)).toBe(2_600_000);
    expect(value(asks.verifyProfile())).toEqual({ state: "none", drift: [], held: [] });
    vm1.quit();
    await until("the machine is as it was", () => changed(before, cpus()).length === 0);
    expect(lab.log.join()).toContain("Profile in force profile=cap");
    expect(lab.log.join()).toContain("Profile off profile=cap");
  });

  test("Host.stop() and then stop() put claims and profile back", async () => {
    const before = cpus();
    const { asks, power } = start(CAP);
    const vm1 = await lab.guest("vm1.0");
    value(asks.applyProfile({ name: "powersave", cpus: undefined, dryRun: false }));
    value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }));
    await ask(vm1, frame({ step: "min" }));
    expect(lab.host.stop()).toEqual([]);
    expect(lab.attribute(2, "scaling_max_freq")).toBe("2000000");
    expect(power.stop()).toEqual([]);
    expect(changed(before, cpus())).toEqual([]);
    expect(existsSync(profilePath(lab.roots.stateDir))).toBe(false);
  });

  test("a dry run tells what would change beneath the claims, and writes nothing", async () => {
    const { asks } = start(CAP);
    const free = value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: true }));
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    const before = snapshot(lab.tree.root);
    const claim = { by: "guest", vm: "vm1", vcpu: 0 };
    const tried: object = value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: true }));
    expect(tried).toEqual({
      ...free,
      clocks: [
        { domain: 2, cpus: [2], before: { khz: 2_600_000, ...claim }, after: { khz: 2_000_000, ...claim } },
      ],
    });
    expect(free).toMatchObject({ applied: false, changes: { length: 4 } });
    expect(changed(before, snapshot(lab.tree.root))).toEqual([]);
  });

  test("a dry run does not tell what claims come to where turbo is switched", async () => {
    lab.end();
    lab = new Lab("acpi-cpufreq-4cpu-boost");
    const { asks } = start({ profile: { calm: { boost: false, cpus: { all: { ceiling: "base" } } } } });
    const tried = () => value(asks.applyProfile({ name: "calm", cpus: undefined, dryRun: true }));
    expect(tried().warnings).toEqual([]);
    await ask(await lab.guest("vm1.0"), frame({ step: "max" }));
    expect(tried()).toMatchObject({
      clocks: [],
      warnings: ["Turbo is switched with it: what claims come to then is not known before."],
    });
  });

  test("a profile that can't be had leaves the one before and the claims as they were", async () => {
    const { asks } = start({
      profile: {
        ...CAP.profile,
        wild: { cpus: { 0: { governor: "wild" } } },
        high: { cpus: { 0: { ceiling: 9_000_000 } } },
      },
    });
    const vm1 = await lab.guest("vm1.0");
    value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }));
    await ask(vm1, frame({ step: "max" }));
    const before = cpus();
    expect(message(asks.applyProfile({ name: "wild", cpus: undefined, dryRun: false }))).toMatch(
      /^unsupported: Profile wild: .*wild/,
    );
    expect(message(asks.applyProfile({ name: "high", cpus: undefined, dryRun: false }))).toMatch(
      /^failed: Profile high: .*no range/,
    );
    expect(message(asks.applyProfile({ name: "cpa", cpus: undefined, dryRun: false }))).toBe(
      'invalid: There is no profile "cpa"; did you mean cap?',
    );
    expect(message(asks.applyProfile({ name: "cap", cpus: "9", dryRun: false }))).toBe(
      'invalid: "cpus": CPU 9 is not online.',
    );
    expect(changed(before, cpus())).toEqual([]);
    expect(value(asks.verifyProfile())).toMatchObject({ profile: "cap", drift: [], held: [2] });
  });

  test("applyProfile() does nothing while a claimed clock can't be given back, or somebody else changes it", async () => {
    const { asks } = start(CAP);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    const holder = Bun.spawn(["sleep", "60"]);
    const path = `${lab.roots.stateDir}/profile.lock`;
    const release = value(takeLock(path, holder.pid) as { ok: true; value: () => void });
    expect(message(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }))).toBe(
      `busy: Profile cap: process ${holder.pid} changes the profile already.`,
    );
    release();
    holder.kill();
    expect(lab.speed(2)).toBe(2_600_000);
    const governor = lab.path(2, "scaling_governor");
    const text = readFileSync(governor, "utf8");
    rmSync(governor);
    mkdirSync(governor);
    expect(message(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }))).toMatch(
      /^failed: .*policy2\/scaling_governor/,
    );
    expect(lab.attribute(0, "scaling_max_freq")).toBe("2600000");
    rmSync(governor, { recursive: true });
    writeFileSync(governor, text);
    value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }));
    expect(lab.speed(2)).toBe(2_000_000);
  });

  test("vm:NAME means where the host knows a VM's vCPUs to be", async () => {
    const { asks } = start(CAP);
    await lab.guest("vm1.0");
    const { changes } = value(asks.applyProfile({ name: "cap", cpus: "vm:vm1", dryRun: true }));
    expect(changes.map(({ path }) => path)).toEqual([
      "cpufreq/policy2/scaling_max_freq",
      "cpufreq/policy3/scaling_max_freq",
    ]);
    expect(message(asks.applyProfile({ name: "cap", cpus: "vm:vm9", dryRun: true }))).toContain(
      'no QEMU process runs a VM called "vm9"',
    );
  });

  test("a latency of the whole machine is held while the profile is in force, and by the next powermon", () => {
    const { asks, latency } = start({ profile: { quick: { latency_us: 20 } } });
    expect(value(asks.applyProfile({ name: "quick", cpus: undefined, dryRun: true })).latencyUs).toBe(20);
    expect(latency.limitUs).toBeUndefined();
    value(asks.applyProfile({ name: "quick", cpus: undefined, dryRun: false }));
    expect(latency.limitUs).toBe(20);
    expect(new Int32Array(readFileSync(`${lab.tree.root}/latency`).buffer.slice(0, 4))[0]).toBe(20);
    const next = new DmaLatency(`${lab.tree.root}/latency`);
    new HostPower(lab.host, { roots: lab.roots, latency: next }).start();
    expect(next.limitUs).toBe(20);
    next.hold(undefined);
    value(asks.profileOff());
    expect(latency.limitUs).toBeUndefined();
  });

  test("a latency that can't be held refuses the profile, or is left out where that may be", () => {
    const says = { ceiling: 2_000_000 };
    const { asks } = start(
      {
        profile: {
          must: { latency_us: 9, cpus: { all: says } },
          may: { missing: "skip", latency_us: 9, cpus: { all: says } },
        },
      },
      { latency: new DmaLatency("/nonexistent/cpu_dma_latency") },
    );
    expect(message(asks.applyProfile({ name: "must", cpus: undefined, dryRun: false }))).toMatch(
      /^failed: .*cpu_dma_latency/,
    );
    expect(lab.attribute(0, "scaling_max_freq")).toBe("2600000");
    const { left } = value(asks.applyProfile({ name: "may", cpus: undefined, dryRun: false }));
    expect(left).toMatchObject([{ knob: "latency", where: "machine" }]);
    expect(lab.attribute(0, "scaling_max_freq")).toBe("2000000");
  });

  test("the schedule puts profiles in force by the clock, within which claims stand", async () => {
    const clock = new TestClock("2026-07-01T12:00:00Z");
    const windows = [{ from: "22:00", to: "06:00", profile: "cap" }];
    const { asks, power } = start({ ...CAP, "profile-schedule": { timezone: "UTC", windows } }, { clock });
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    clock.pass(10 * 3_600_000);
    expect(lab.speed(2)).toBe(2_000_000);
    expect(value(asks.verifyProfile())).toMatchObject({ profile: "cap", drift: [] });
    clock.pass(8 * 3_600_000);
    expect(lab.speed(2)).toBe(2_600_000);
    expect(value(asks.verifyProfile()).state).toBe("none");
    power.stop();
    expect(clock.waits).toEqual([]);
  });

  test("start() drops a profile of another boot and writes nothing", () => {
    const { asks } = start(CAP);
    value(asks.applyProfile({ name: "cap", cpus: undefined, dryRun: false }));
    const before = cpus();
    writeFileSync(`${lab.tree.proc}/sys/kernel/random/boot_id`, "00000000-0000-0000-0000-000000000000\n", {
      mode: 0o600,
    });
    new HostPower(lab.host, { roots: lab.roots }).start();
    expect(existsSync(profilePath(lab.roots.stateDir))).toBe(false);
    expect(changed(before, cpus())).toEqual([]);
  });
});

describe("HostPower.suspend()", () => {
  const mem: SleepAsk = {
    target: "mem",
    wake: { inS: 100 },
    force: true,
    dryRun: false,
    prepare: "none",
    logind: true,
  };
  /** A machine that can sleep, which the tree with clocks to set can't. */
  function withSleep(tree = "intel-server-8cpu"): void {
    lab.end();
    lab = new Lab(tree);
  }
  const ceiling = (cpu: number) => Number(lab.attribute(cpu, "scaling_max_freq"));

  test("gives claims back before and makes them again after, whatever the firmware did", async () => {
    withSleep();
    const seen: number[] = [];
    const { asks } = start(
      {},
      {
        enter: down(() => {
          seen.push(ceiling(2));
          writeFileSync(lab.path(2, "scaling_max_freq"), "800000\n");
          writeFileSync(lab.path(3, "scaling_governor"), "performance\n");
          expect(message(asks.applyProfile({ name: "balanced", cpus: undefined, dryRun: false }))).toMatch(
            /^busy: /,
          );
          expect(message(asks.profileOff())).toMatch(/^busy: /);
          return DONE;
        }),
      },
    );
    const free = ceiling(2);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "min" }));
    const claimed = ceiling(2);
    expect(claimed).toBeLessThan(free);
    const done = value(await asks.suspend(mem));
    expect(done).toMatchObject({ slept: true, target: "mem", clock: "rtc0", notRestored: [] });
    expect(done.blockers.map(({ what }) => what)).toEqual(["VM vm1 runs and has 1 claim"]);
    expect([seen, ceiling(2)]).toEqual([[free], claimed]);
    expect(lab.attribute(3, "scaling_governor")).toBe("powersave");
    const log = lab.log.join("\n");
    expect(log.indexOf("The host goes to sleep target=mem")).toBeGreaterThan(0);
    expect(log.indexOf("The host is awake")).toBeGreaterThan(log.indexOf("The host goes to sleep"));
    vm1.quit();
    await until("the clock is given back", () => ceiling(2) === free);
  });

  test("tells guests that asked for notices before and after, and no others", async () => {
    withSleep();
    const told: string[] = [];
    const notices = async (guest: QemuSocket) => {
      const said = decodeReply(await guest.take(464));
      return said.kind === "notice" ? said.notice : said.kind;
    };
    const { asks } = start(
      {},
      {
        enter: down(async () => {
          const said = await notices(listener);
          if (typeof said === "string" || said.do !== "host-sleeps") throw new Error(JSON.stringify(said));
          told.push(said.do);
          expect(Math.abs(said.wakeS - Date.now() / 1000 - 100)).toBeLessThan(20);
          return DONE;
        }),
      },
    );
    const hello = (more: object) =>
      encodeRequest(
        {
          kind: "extension",
          vcpu: 0,
          vmName: "",
          physical: false,
          sequence: 1,
          ask: { do: "hello", version: 1, leaseS: 10, ...more },
        },
        "18.11",
      );
    const listener = await lab.guest("vm1.0");
    const others = [await lab.guest("vm1.1"), await lab.guest("vm2.0"), await lab.guest("vm2.1")] as const;
    const [plain, v1, replaced] = others;
    await listener.ask(hello({ notices: true }));
    await plain.ask(hello({}));
    await ask(v1, frame({ step: "min" }));
    // Another program took its place at the port: it says CONNECT first.
    await replaced.ask(hello({ notices: true }));
    replaced.send(encodeRequest({ kind: "connect" }, "18.11"));
    await ask(replaced, frame({ step: "min" }));
    value(await asks.suspend(mem));
    expect([told, await notices(listener)]).toEqual([["host-sleeps"], { do: "host-awake", sleptS: 0 }]);
    for (const other of others) {
      // The next frame is the answer to the next request: nothing came before it.
      expect(await ask(other, frame({ step: "min" }))).toBe("ack");
      expect(other.received.length).toBe(0);
    }
  });

  test("leaves nothing of a guest that goes meanwhile", async () => {
    withSleep();
    const before = cpus();
    const { asks } = start(
      {},
      {
        enter: down(async () => {
          vm1.quit();
          await until("the loss is noticed", () => lab.log.some((line) => line.includes("Channel lost")));
          return DONE;
        }),
      },
    );
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "min" }));
    value(await asks.suspend(mem));
    expect(changed(before, cpus())).toEqual([]);
  });

  test("is refused with the VMs and their claims, and makes them again when the kernel says no", async () => {
    withSleep();
    const { asks } = start({}, { enter: down(() => err("Cannot write state: EBUSY")) });
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "min" }));
    const claimed = ceiling(2);
    expect(message(await asks.suspend({ ...mem, force: false }))).toBe(
      "refused: VM vm1 runs and has 1 claim; force sleeps in spite of it.",
    );
    expect(message(await asks.suspend(mem))).toBe("failed: Cannot write state: EBUSY.");
    expect(ceiling(2)).toBe(claimed);
    expect(message(await asks.suspend({ ...mem, wake: { at: "2001-01-01T00:00:00Z" } }))).toMatch(
      /^invalid: .*too short/,
    );
    expect(value(await asks.suspend({ ...mem, dryRun: true }))).toMatchObject({ slept: false });
  });

  test("is unsupported where the kernel can't", async () => {
    withSleep("amd-server-4cpu");
    const { asks } = start();
    expect(message(await asks.suspend({ ...mem, target: "disk" }))).toMatch(
      /^unsupported: the kernel offers no "disk"/,
    );
  });

  test("capabilities() tells what there is", async () => {
    withSleep();
    const { asks } = start();
    expect(value(await asks.capabilities())).toMatchObject({ problems: [], sleep: {}, cpufreq: {} });
  });
});
