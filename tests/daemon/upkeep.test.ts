import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import { pcpu } from "../../internal/values/units.ts";
import { until } from "../helpers/until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

describe("Upkeep", () => {
  test("sets a frequency again when another tool changed it, and counts it", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    writeFileSync(lab.path(2, "scaling_setspeed"), "1400000\n");
    await until("it is set again", () => lab.speed(2) === 2600000);
    expect(lab.host.upkeep.drifts).toBe(1);
    expect(lab.log.join()).toContain("Another tool changed a claimed frequency; set again");
  });

  test("makes room again when another tool narrowed the limits of a claimed domain", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    writeFileSync(lab.path(2, "scaling_max_freq"), "1000000\n");
    await until("the limit is as before", () => lab.attribute(2, "scaling_max_freq") === "2600000");
    expect(lab.host.upkeep.corrections).toBe(1);
  });

  test("only reports drift when configured so", async () => {
    lab.start({ ...STATIC, cpufreq: { drift: "report" } });
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    writeFileSync(lab.path(2, "scaling_setspeed"), "1400000\n");
    await until("it is seen", () => lab.host.upkeep.drifts > 0);
    expect(lab.speed(2)).toBe(1400000);
  });

  test("takes the governor again when another tool took it", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    writeFileSync(lab.path(2, "scaling_governor"), "ondemand\n");
    await until("it is ours again", () => lab.attribute(2, "scaling_governor") === "userspace");
  });

  test("withdraws the claims of a guest that is silent for longer than its lease", async () => {
    lab.start({ ...STATIC, "vm-defaults": { lease_s: 1 } });
    const original = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    expect(lab.speed(2)).toBe(2600000);
    await until("the lease ran out", () => lab.speed(2) === original);
    expect(lab.log.join()).toContain("the guest was silent for 1 s");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    expect(lab.speed(2)).toBe(2600000);
  });

  test("lets claims follow written pins that a reload changed, whoever has looked at them since", async () => {
    const policy = { type: "workload", workload: "low", vcpus: [0] };
    lab.start({ ...STATIC, vm: { vm1: { pins: { 0: 2, 1: 3 }, policy } } });
    const [before] = [lab.speed(3)];
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max", vcpu: 1 }));
    expect(lab.speed(3)).toBe(2600000);
    const other = (pins: object) => {
      const config = lab.load({ ...STATIC, vm: { vm1: { pins, policy } } });
      if (!config.ok) throw new Error("it can't be read");
      lab.host.configure(config.value);
      expect(lab.host.channels.vm("vm1")?.knownVcpus()).toBe(Object.keys(pins).length);
      lab.host.upkeep.look();
    };
    other({ 0: 2, 1: 1 });
    expect([lab.speed(1), lab.speed(3)]).toEqual([2600000, before]);
    other({ 0: 2 });
    expect(lab.host.ledger.claim("guest", "vm1", 1)).toBeUndefined();
  });

  test("writes a claim again when its CPU comes back", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    const online = `${lab.tree.sys}/devices/system/cpu/online`;
    writeFileSync(online, "0-1,3\n");
    await until("the CPU's going is seen", () => lab.log.join().includes("CPUs online changed"));
    // What the kernel forgets while a CPU is away.
    rmSync(lab.path(2, "scaling_setspeed"));
    writeFileSync(lab.path(2, "scaling_setspeed"), "800000\n");
    writeFileSync(online, "0-3\n");
    await until("its claim is written again", () => lab.speed(2) === 2600000);
  }, 20_000);

  test("keeps a claim waiting while its clock is gone, as between two drivers", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    const clock = dirname(lab.path(2, "scaling_setspeed"));
    const away = `${lab.tree.sys}/away`;
    renameSync(clock, away);
    lab.host.upkeep.look();
    lab.host.upkeep.look();
    expect(lab.log.join()).toContain("Clocks of the machine changed");
    expect(await ask(vm1, frame({ step: "down" }))).toBe("nack");
    writeFileSync(`${away}/scaling_setspeed`, "1400000\n");
    renameSync(away, clock);
    lab.host.upkeep.look();
    expect(lab.speed(2)).toBe(2600000);
  });

  test("gives a domain back when its CPU comes back and the claim ended meanwhile", async () => {
    lab.start();
    const original = lab.speed(2);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    const online = `${lab.tree.sys}/devices/system/cpu/online`;
    const governor = lab.path(2, "scaling_governor");
    writeFileSync(online, "0-1,3\n");
    rmSync(governor);
    mkdirSync(governor);
    await until("the CPU's going is seen", () => lab.log.join().includes("CPUs online changed"));
    vm1.quit();
    await until("it can't be given back", () => lab.log.join().includes("EISDIR"));
    await until("the guest is gone", () => lab.host.ledger.empty);
    rmSync(governor, { recursive: true });
    writeFileSync(governor, "userspace\n");
    writeFileSync(online, "0-3\n");
    await until("it is given back", () => lab.host.cpufreq.domainOf(pcpu(2))?.target === undefined);
    expect(lab.speed(2)).toBe(original);
  }, 20_000);

  test("keeps a claim waiting while its file can't be written, and says so once", async () => {
    lab.start();
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "max" }));
    rmSync(lab.path(2, "scaling_governor"));
    mkdirSync(lab.path(2, "scaling_governor"));
    lab.host.upkeep.reapply();
    lab.host.upkeep.reapply();
    expect(lab.log.filter((line) => line.includes("scaling_governor")).length).toBe(1);
    expect(lab.host.ledger.claim("guest", "vm1", 0)?.level.khz as number).toBe(2600000);
  });
});

test("Upkeep.resumed() writes again what the kernel forgot while it slept", async () => {
  lab.start();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  writeFileSync(lab.path(2, "scaling_setspeed"), "1400000\n");
  lab.host.upkeep.resumed();
  expect(lab.speed(2)).toBe(2600000);
});
