// A running powermon while CPUs come and go under its profile and a guest's claim.

import { expect, onTestFinished } from "bun:test";
import { HostPower } from "../../../internal/daemon/host-power.ts";
import { DmaLatency } from "../../../internal/power/profiles/dma-latency.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";
import { value } from "../../helpers/answer.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { until } from "../../helpers/until.ts";
import { mountMachine } from "../../kernel/machine.ts";

const CONFIG = { pinning: { sources: ["static"] }, vm: { vm1: { pins: { 0: 0 } } } };
const P1 = "cpufreq/policy1";

async function serve() {
  const at = await mountMachine("intel_pstate-hwp");
  const lab = new Lab(at);
  const host = lab.start(CONFIG);
  const power = new HostPower(host, { roots: at.roots, latency: new DmaLatency(`${at.root}/latency`) });
  power.start();
  onTestFinished(() => {
    power.stop();
    return lab.end();
  });
  const apply = (name: string) => value(power.asks.applyProfile({ name, cpus: undefined, dryRun: false }));
  return { at, lab, host, power, apply };
}

testNeeding(
  ["root and FUSE"],
  "a CPU that comes gets its part of the profile, and the claim stands",
  async () => {
    const { at, lab, host, apply } = await serve();
    const vm1 = await lab.guest("vm1.0");
    at.write("cpu1/online", 0);
    host.upkeep.lookAtMachine();
    apply("latency");
    expect(await ask(vm1, frame({ step: "max" }))).toBe("ack");
    const target = host.cpufreq.domains[0]?.target;
    at.write("cpu1/online", 1);
    expect(at.read(`${P1}/scaling_governor`)).toBe("powersave");
    host.upkeep.lookAtMachine();
    expect(at.read(`${P1}/scaling_governor`)).toBe("performance");
    expect(lab.log.join()).toContain("The profile followed the machine");
    expect(host.cpufreq.domains[0]?.target).toBe(target as never);
    expect(at.read("cpufreq/policy0/scaling_max_freq")).toBe(`${target}`);
  },
);

testNeeding(
  ["root and FUSE"],
  "profileOff() with a CPU offline is done, and what is its goes back when it comes",
  async () => {
    const { at, lab, host, power, apply } = await serve();
    const before = at.read(`${P1}/scaling_min_freq`);
    apply("latency");
    expect(at.read(`${P1}/scaling_min_freq`)).not.toBe(before);
    at.write("cpu1/online", 0);
    host.upkeep.lookAtMachine();
    expect(value(power.asks.profileOff()).later.length).toBeGreaterThan(0);
    expect(value(power.asks.verifyProfile()).state).toBe("none");
    at.write("cpu1/online", 1);
    host.upkeep.lookAtMachine();
    await until("it is put back", () => at.read(`${P1}/scaling_min_freq`) === before);
    expect(at.read(`${P1}/scaling_governor`)).toBe("powersave");
    expect(lab.log.join()).toContain("What was left of a profile that is off was put back");
  },
);

testNeeding(["root and FUSE"], "max_perf_pct that falls under a profile takes its floor along", async () => {
  const { at, host, apply } = await serve();
  apply("latency");
  const floor = () => Number(at.read(`${P1}/scaling_min_freq`));
  const whole = floor();
  at.write("intel_pstate/max_perf_pct", 50);
  host.upkeep.lookAtMachine();
  expect(floor()).toBeLessThan(whole);
  at.write("intel_pstate/max_perf_pct", 100);
  host.upkeep.lookAtMachine();
  expect(floor()).toBe(whole);
});
