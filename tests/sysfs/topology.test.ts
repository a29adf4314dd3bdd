// Cores and their threads.

import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { Topology } from "../../internal/sysfs/topology.ts";
import { pcpu } from "../../internal/values/units.ts";
import { error, machine, value } from "./machine.ts";

describe("Topology", () => {
  test("online(), present() and possible() return what the kernel lists", () => {
    const host = machine("acpi-cpufreq-8cpu-independent");
    host.put("online", "0-2,5");
    const topology = new Topology(host.tree.sys);
    expect(value(topology.online())).toEqual([0, 1, 2, 5].map(pcpu));
    expect(value(topology.present())).toHaveLength(8);
    expect(value(topology.possible())).toHaveLength(8);
  });

  test("siblings() returns both threads of a core", () => {
    const topology = new Topology(machine("intel-pstate-8cpu-smt").tree.sys);
    expect(value(topology.siblings(pcpu(5)))).toEqual([1, 5].map(pcpu));
  });

  test("siblings() returns the CPU itself when it is offline and shows no topology", () => {
    const host = machine("intel-pstate-8cpu-smt");
    rmSync(host.path("cpu5/topology"), { recursive: true });
    expect(value(new Topology(host.tree.sys).siblings(pcpu(5)))).toEqual([pcpu(5)]);
  });

  test("online() names the file when it can't be understood", () => {
    const host = machine("intel-pstate-8cpu-smt");
    host.put("online", "0-x");
    expect(error(new Topology(host.tree.sys).online())).toMatchObject({
      op: "parse",
      path: host.path("online"),
      value: "0-x",
    });
  });
});
