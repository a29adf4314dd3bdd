// All domains of a host: a broken one stops no other, and threads of a core are decided together.

import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { domainId, khz, pcpu } from "../../../internal/values/units.ts";
import { domain, error, machine, value } from "../machine.ts";

const idsOf = (domains: readonly { readonly id: number }[]) => domains.map(({ id }) => id);

describe("openCpufreq()", () => {
  test("finds the domain of every CPU where two share a clock", () => {
    const cpufreq = machine("acpi-cpufreq-4cpu-2domains").open();
    expect([0, 1, 2, 3, 4].map((cpu) => cpufreq.domainOf(pcpu(cpu))?.id)).toEqual(
      [0, 0, 2, 2, undefined].map((id) => (id === undefined ? id : domainId(id))),
    );
    expect(idsOf(cpufreq.domains)).toEqual([0, 2]);
    expect(cpufreq.problems).toEqual([]);
  });

  test("finds no domains, and no fault, on a machine without cpufreq", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    rmSync(host.path("cpufreq"), { recursive: true });
    expect([host.open().domains, host.open().problems]).toEqual([[], []]);
  });

  test("fails when the root holds no CPUs at all", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const roots = { ...host.roots, sysfsRoot: `${host.tree.root}/nowhere` };
    expect(error(openCpufreq(roots))).toMatchObject({
      op: "read",
      code: "ENOENT",
      path: `${roots.sysfsRoot}/devices/system/cpu`,
    });
  });

  test.each([
    ["scaling_driver", undefined, "ENOENT"],
    ["scaling_driver", "folder", "EISDIR"],
    ["cpuinfo_min_freq", "fast", "EINVAL"],
    ["cpuinfo_max_freq", "1", "EINVAL"],
    ["related_cpus", "", "EINVAL"],
    ["scaling_available_frequencies", "2600000 fast", "EINVAL"],
  ])("leaves out only the domain whose %s is %j and says so", (file, text, code) => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const at = `cpufreq/policy1/${file}`;
    rmSync(host.path(at));
    if (text === "folder") mkdirSync(host.path(at));
    else if (text !== undefined) host.put(at, text);
    const cpufreq = host.open();
    expect(idsOf(cpufreq.domains)).toEqual([0, 2, 3]);
    expect(cpufreq.problems).toMatchObject([{ path: host.path(at), code }]);
    expect(cpufreq.domainOf(pcpu(1))).toBeUndefined();
    value(domain(cpufreq, 2).set(khz(1_000_000)));
    expect(host.line("cpufreq/policy2/scaling_setspeed")).toBe("1000000");
  });
});

describe("group()", () => {
  test("joins the policies of a core's threads", () => {
    const cpufreq = machine("intel-pstate-8cpu-smt").open();
    expect(cpufreq.domains.map(({ id }) => idsOf(cpufreq.group(id)))).toEqual([
      [0, 4],
      [1, 5],
      [2, 6],
      [3, 7],
      [0, 4],
      [1, 5],
      [2, 6],
      [3, 7],
    ]);
    expect(cpufreq.group(domainId(0))[1]).toBe(domain(cpufreq, 4));
  });

  test("joins domains that touch through a third", () => {
    const host = machine("intel-pstate-8cpu-smt");
    host.put("cpufreq/policy4/related_cpus", "4 5");
    rmSync(host.path("cpufreq/policy5"), { recursive: true });
    const cpufreq = host.open();
    expect([0, 1, 4].map((id) => idsOf(cpufreq.group(domainId(id))))).toEqual([
      [0, 1, 4],
      [0, 1, 4],
      [0, 1, 4],
    ]);
    expect(idsOf(cpufreq.group(domainId(2)))).toEqual([2, 6]);
  });

  test("is the domain alone where threads share nothing, and empty for one that isn't there", () => {
    const cpufreq = machine("acpi-cpufreq-4cpu-boost").open();
    expect(idsOf(cpufreq.group(domainId(3)))).toEqual([3]);
    expect(cpufreq.group(domainId(9))).toEqual([]);
  });
});

describe("refresh()", () => {
  test("keeps domains as they are, with their targets, drops those gone and finds those back", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const cpufreq = host.open();
    const before = domain(cpufreq, 0);
    value(before.set(khz(1_000_000)));
    renameSync(host.path("cpufreq/policy3"), `${host.tree.root}/policy3`);
    value(cpufreq.refresh());
    expect([idsOf(cpufreq.domains), cpufreq.domainOf(pcpu(3))]).toEqual([[0, 1, 2], undefined]);
    renameSync(`${host.tree.root}/policy3`, host.path("cpufreq/policy3"));
    value(cpufreq.refresh());
    expect(idsOf(cpufreq.domains)).toEqual([0, 1, 2, 3]);
    expect(domain(cpufreq, 0)).toBe(before);
    expect(before.target).toBe(khz(1_000_000));
  });

  test("keeps a domain that can't be read for now and names the file", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const cpufreq = host.open();
    const before = domain(cpufreq, 1);
    renameSync(host.path("cpufreq/policy1/related_cpus"), host.path("cpufreq/policy1/aside"));
    mkdirSync(host.path("cpufreq/policy1/related_cpus"));
    value(cpufreq.refresh());
    expect(domain(cpufreq, 1)).toBe(before);
    expect(cpufreq.problems).toMatchObject([
      { path: host.path("cpufreq/policy1/related_cpus"), code: "EISDIR" },
    ]);
  });

  test("makes a new domain when the driver changed under it", () => {
    const host = machine("acpi-cpufreq-4cpu-boost");
    const cpufreq = host.open();
    const before = domain(cpufreq, 1);
    host.put("cpufreq/policy1/scaling_driver", "another-cpufreq");
    value(cpufreq.refresh());
    expect(domain(cpufreq, 1)).not.toBe(before);
    expect(domain(cpufreq, 1).driver).toBe("another-cpufreq");
  });
});
