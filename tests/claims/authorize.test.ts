import { describe, expect, test } from "bun:test";
import {
  authorize,
  authorizeVcpu,
  isSamePlace,
  type Placement,
  refuseQuery,
  type Standing,
} from "../../internal/claims/authorize.ts";
import { domainId, pcpu } from "../../internal/values/units.ts";

const placed: Placement = { kind: "placed", pcpus: [pcpu(17)], domains: [domainId(17)] };
const places: readonly Placement[] = [
  placed,
  { kind: "floating", pcpus: "1,2" },
  { kind: "unpinned", why: "nobody knows" },
  { kind: "no-cpufreq", pcpu: pcpu(5) },
];
const standing: Standing = {
  vm: "vm0",
  wireName: "vm0",
  queries: false,
  turbo: true,
  commands: new Set(["up", "turbo-on", "query"]),
  granted: (index) => authorizeVcpu("vm0", index, places[index] ?? { kind: "absent", count: places.length }),
};
const up = { kind: "scale", step: "up", vcpu: 0, vmName: "vm0", physical: false } as const;

describe("authorize()", () => {
  test.each([
    ["its own vCPU", up],
    ["its own vCPU without a name", { ...up, vmName: "" }],
  ])("grants %s", (_, request) => {
    const grant = authorize(standing, request);
    expect(grant.ok && ([grant.value.vm, grant.value.vcpu, grant.value.domains] as unknown)).toEqual([
      "vm0",
      0,
      [17],
    ]);
  });

  test.each([
    ["another VM's name", { ...up, vmName: "vm1" }, "name-mismatch"],
    ["a name that only starts alike", { ...up, vmName: "vm00" }, "name-mismatch"],
    ["a physical CPU", { ...up, physical: true }, "names-pcpu"],
    ["a vCPU that floats", { ...up, vcpu: 1 }, "floating"],
    ["a vCPU without pins", { ...up, vcpu: 2 }, "not-pinned"],
    ["a pCPU without cpufreq", { ...up, vcpu: 3 }, "no-cpufreq"],
    ["a vCPU it has not", { ...up, vcpu: 4 }, "no-such-vcpu"],
    ["a step that the VM may not ask", { ...up, step: "max" as const }, "command-off"],
    ["a vCPU past all numbers", { ...up, vcpu: 2 ** 64 }, "no-such-vcpu"],
  ])("refuses %s", (_, request, kind) => {
    const grant = authorize(standing, request);
    expect(grant.ok ? "granted" : (grant.error.kind as string)).toBe(kind);
  });
});

test("refuseQuery() refuses a VM whose queries are off, and says so before all else that is right", () => {
  expect(refuseQuery(standing, up)?.kind).toBe("queries-off");
  expect(refuseQuery({ ...standing, queries: true }, up)).toBeUndefined();
  expect(refuseQuery({ ...standing, queries: true }, { ...up, vmName: "vm1" })?.kind).toBe("name-mismatch");
});

test("authorize() refuses turbo to a VM that may not use it", () => {
  const grant = authorize({ ...standing, turbo: false }, { ...up, step: "turbo-on" });
  expect(grant.ok ? "granted" : grant.error.kind).toBe("turbo-off");
});

test("isSamePlace() is true for the same CPUs and domains, whichever objects tell them", () => {
  const place = (pcpus: number[], domains: number[]) => ({
    pcpus: pcpus.map(pcpu),
    domains: domains.map(domainId),
  });
  const here = place([2, 3], [2]);
  const others = [here, place([2, 3], [2]), place([2], [2]), place([2, 4], [2]), place([2, 3], [3])];
  expect(others.map((other) => isSamePlace(here, other))).toEqual([true, true, false, false, false]);
});
