import { afterEach, expect, test } from "bun:test";
import { AttrDir } from "../../internal/sysfs/attr.ts";
import { isClockAlone, LEFT_ALONE, leaveAlone, markCalls, scopeOf } from "../../internal/sysfs/calls.ts";
import { makeTree } from "../helpers/tree.ts";

afterEach(() => {
  leaveAlone([]);
  markCalls(undefined);
});

const CPU = "/sys/devices/system/cpu";
test.each([
  [`${CPU}/cpufreq/policy2/scaling_max_freq`, `${CPU}/cpufreq/policy2/`],
  [`${CPU}/cpufreq/policy12/a`, `${CPU}/cpufreq/policy12/`],
  [`${CPU}/cpufreq/boost`, `${CPU}/cpufreq/boost`],
  [`${CPU}/cpu3/power/energy_perf_bias`, `${CPU}/cpu3/power/energy_perf_bias`],
])("scopeOf() of %s is %s", (path, scope) => expect(scopeOf(path)).toBe(scope));

test("a clock that is left alone is neither read nor written, and its neighbours are", () => {
  const tree = makeTree("acpi-cpufreq-4cpu-independent");
  const root = `${tree.sys}/devices/system/cpu`;
  const dir = (policy: string) => new AttrDir(`${root}/cpufreq/${policy}`);
  const called: string[] = [];
  markCalls({ begin: (path) => void called.push(path), end: () => void called.push("end") });
  leaveAlone([
    { scope: `${root}/cpufreq/policy1/`, cpus: [1] },
    { scope: `${root}/online`, cpus: [] },
  ]);
  try {
    const path = `${root}/cpufreq/policy1/scaling_max_freq`;
    const alone = { kind: "sysfs", path, code: LEFT_ALONE } as const;
    expect(dir("policy1").read("scaling_max_freq")).toEqual({ ok: false, error: { ...alone, op: "read" } });
    const written = dir("policy1").write("scaling_max_freq", "1200000");
    expect(written).toEqual({ ok: false, error: { ...alone, op: "write", value: "1200000" } });
    expect(new AttrDir(root).read("online")).toMatchObject({ ok: false, error: { code: LEFT_ALONE } });
    // The kernel would write to the clock that hangs.
    expect(new AttrDir(root).write("cpufreq/boost", "1")).toMatchObject({ error: { code: LEFT_ALONE } });
    expect(called).toEqual([]);
    expect([0, 1, 2].map((cpu) => isClockAlone(root, cpu))).toEqual([false, true, false]);

    expect(dir("policy0").write("scaling_max_freq", "1200000").ok).toBe(true);
    expect(dir("policy0").peek("scaling_max_freq")).toBe("1200000");
    const file = `${root}/cpufreq/policy0/scaling_max_freq`;
    expect(called).toEqual([file, "end", file, "end"]);
    expect(new AttrDir(root).read("nothing")).toEqual({ ok: true, value: undefined });
    expect(called.at(-1)).toBe("end");
  } finally {
    tree.remove();
  }
});
