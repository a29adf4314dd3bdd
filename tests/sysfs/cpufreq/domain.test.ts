// A domain from first write to last: save, take, write, give back.

import { describe, expect, test } from "bun:test";
import { existsSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { khz } from "../../../internal/values/units.ts";
import { domain, error, machine, value } from "../machine.ts";

const POLICY = "cpufreq/policy0";
const SPEED = `${POLICY}/scaling_setspeed`;
const GOVERNOR = `${POLICY}/scaling_governor`;

/** A classic host under schedutil, limits 0.8-2.6 GHz in steps of 200 MHz. */
function classic() {
  const host = machine("acpi-cpufreq-4cpu-independent");
  host.put(GOVERNOR, "schedutil");
  host.put(SPEED, "<unsupported>");
  const cpufreq = host.open();
  return { ...host, cpufreq, policy0: domain(cpufreq, 0) };
}

describe("set()", () => {
  test("saves the originals, takes the governor and writes the speed on the first call", () => {
    const { policy0, line, saved } = classic();
    expect(existsSync(saved(0))).toBe(false);
    expect(value(policy0.set(khz(1_000_000)))).toBe(khz(1_000_000));
    expect([line(GOVERNOR), line(SPEED), policy0.target]).toEqual(["userspace", "1000000", khz(1_000_000)]);
    expect(statSync(saved(0)).mode & 0o777).toBe(0o600);
  });

  test.each([
    [1, 800_000],
    [800_000, 800_000],
    [800_001, 1_000_000],
    [2_500_000, 2_600_000],
    [9_000_000, 2_600_000],
  ])("rounds %d kHz as the kernel does, to %d", (wanted, effective) => {
    const { policy0, line } = classic();
    expect(value(policy0.set(khz(wanted)))).toBe(khz(effective));
    expect(line(SPEED)).toBe(`${effective}`);
  });

  test.each([
    ["1000000", "2000000", 2_600_000, 2_000_000],
    ["1000000", "2000000", 800_000, 1_000_000],
    ["800000", "1900000", 1_850_000, 1_800_000],
    ["1250000", "1350000", 2_600_000, 1_200_000],
    ["700000", "750000", 2_600_000, 800_000],
  ])("keeps within the operator's limits %s-%s when asked for %d", (min, max, wanted, effective) => {
    const { policy0, put } = classic();
    put(`${POLICY}/scaling_min_freq`, min);
    put(`${POLICY}/scaling_max_freq`, max);
    expect(value(policy0.set(khz(wanted)))).toBe(khz(effective));
  });

  test("keeps to the saved originals' limits when a crash left min = max behind", () => {
    const host = machine("intel-pstate-8cpu-smt");
    value(domain(host.open(), 0).set(khz(800_000)));
    expect(host.line(`${POLICY}/scaling_max_freq`)).toBe("800000");
    expect(value(domain(host.open(), 0).set(khz(2_400_000)))).toBe(khz(2_400_000));
  });

  test("gives the same answer object for the same step, so that a change allocates nothing", () => {
    const { policy0 } = classic();
    const first = policy0.set(khz(1_000_000));
    expect(policy0.set(khz(900_000))).toBe(first);
  });

  test("writes nothing else and saves nothing when the governor can't be taken", () => {
    const { policy0, path, line, saved } = classic();
    rmSync(path(GOVERNOR));
    // A kernel file that reads "Linux" and that even root can't open for writing.
    symlinkSync("/proc/sys/kernel/ostype", path(GOVERNOR));
    const failed = error(policy0.set(khz(1_000_000)));
    expect(failed).toMatchObject({ op: "open", path: path(GOVERNOR), value: "userspace" });
    expect(failed.code).toMatch(/^(EACCES|EROFS)$/);
    expect([line(SPEED), policy0.target, existsSync(saved(0))]).toEqual(["<unsupported>", undefined, false]);
  });

  test("gives the governor back when the very first speed can't be written", () => {
    const { policy0, path, line, saved } = classic();
    rmSync(path(SPEED));
    symlinkSync("/dev/full", path(SPEED));
    expect(error(policy0.set(khz(1_000_000)))).toMatchObject({
      op: "write",
      path: path(SPEED),
      code: "ENOSPC",
      value: "1000000",
    });
    expect([line(GOVERNOR), policy0.target, existsSync(saved(0))]).toEqual(["schedutil", undefined, false]);
  });

  test("keeps the last target when a later write fails", () => {
    const { policy0, path, line } = classic();
    value(policy0.set(khz(1_000_000)));
    policy0.close();
    rmSync(path(SPEED));
    expect(error(policy0.set(khz(1_200_000)))).toMatchObject({ op: "open", code: "ENOENT" });
    expect([policy0.target, line(GOVERNOR)]).toEqual([khz(1_000_000), "userspace"]);
  });

  test("writes nothing when the originals can't be saved", () => {
    const { policy0, tree, line } = classic();
    writeFileSync(`${tree.root}/state`, "a file where the folder should be");
    expect(error(policy0.set(khz(1_000_000)))).toMatchObject({ code: "ENOTDIR" });
    expect([line(GOVERNOR), line(SPEED)]).toEqual(["schedutil", "<unsupported>"]);
  });

  test("writes nothing when there is no boot id to save with", () => {
    const { policy0, tree, line } = classic();
    rmSync(`${tree.proc}/sys/kernel/random/boot_id`);
    expect(error(policy0.set(khz(1_000_000)))).toMatchObject({
      code: "ENOENT",
      path: `${tree.proc}/sys/kernel/random/boot_id`,
    });
    expect(line(GOVERNOR)).toBe("schedutil");
  });
});

describe("reapply()", () => {
  test.each([
    ["scaling_max_freq", "1000000"],
    ["scaling_min_freq", "2600000"],
  ])("widens %s to the operator's own limit when another tool put it at %s", (file, narrow) => {
    const { policy0, line, put } = classic();
    const before = line(`${POLICY}/${file}`);
    value(policy0.set(khz(2_000_000)));
    put(`${POLICY}/${file}`, narrow);
    expect(value(policy0.drifted())).toBe(true);
    value(policy0.reapply());
    expect([line(`${POLICY}/${file}`), value(policy0.drifted())]).toEqual([before, false]);
  });

  test("leaves limits alone that the operator had, or that let the target through", () => {
    const { policy0, line, put } = classic();
    put(`${POLICY}/scaling_min_freq`, "1250000");
    put(`${POLICY}/scaling_max_freq`, "1350000");
    value(policy0.set(khz(2_600_000)));
    expect(value(policy0.drifted())).toBe(false);
    value(policy0.restore());
    put(`${POLICY}/scaling_min_freq`, "800000");
    put(`${POLICY}/scaling_max_freq`, "2600000");
    value(policy0.set(khz(1_000_000)));
    put(`${POLICY}/scaling_max_freq`, "2000000");
    expect(value(policy0.drifted())).toBe(false);
    value(policy0.reapply());
    expect(line(`${POLICY}/scaling_max_freq`)).toBe("2000000");
  });

  test("takes the governor and writes the target to the files that are there now", () => {
    const { policy0, path, line, put } = classic();
    value(policy0.set(khz(1_000_000)));
    rmSync(path(SPEED));
    put(SPEED, "800000");
    put(GOVERNOR, "performance");
    expect(value(policy0.drifted())).toBe(true);
    expect(value(policy0.reapply())).toBe(khz(1_000_000));
    expect([line(GOVERNOR), line(SPEED), value(policy0.drifted())]).toEqual(["userspace", "1000000", false]);
  });

  test("does nothing when nothing was set", () => {
    const { policy0, line } = classic();
    expect(value(policy0.reapply())).toBeUndefined();
    expect([line(GOVERNOR), value(policy0.drifted())]).toEqual(["schedutil", false]);
  });
});

describe("restore()", () => {
  test("does nothing when nothing was set", () => {
    const { policy0, line } = classic();
    value(policy0.restore());
    expect(line(GOVERNOR)).toBe("schedutil");
  });

  test("keeps the originals for another try when a file refuses, and restores the rest", () => {
    const { policy0, path, line, saved, put } = classic();
    value(policy0.set(khz(1_000_000)));
    put(`${POLICY}/scaling_max_freq`, "1400000");
    renameSync(path(GOVERNOR), path(`${GOVERNOR}.aside`));
    symlinkSync("/dev/full", path(GOVERNOR));
    expect(error(policy0.restore())).toMatchObject({ path: path(GOVERNOR), code: "ENOSPC" });
    expect([line(`${POLICY}/scaling_max_freq`), existsSync(saved(0))]).toEqual(["2600000", true]);
    rmSync(path(GOVERNOR));
    renameSync(path(`${GOVERNOR}.aside`), path(GOVERNOR));
    value(policy0.restore());
    expect([line(GOVERNOR), existsSync(saved(0))]).toEqual(["schedutil", false]);
  });

  test("saves anew when the domain is set again, so that what the operator did in between counts", () => {
    const { policy0, line, put } = classic();
    value(policy0.set(khz(1_000_000)));
    value(policy0.restore());
    put(GOVERNOR, "performance");
    value(policy0.set(khz(1_200_000)));
    value(policy0.restore());
    expect(line(GOVERNOR)).toBe("performance");
  });
});

test("observed() reads scaling_cur_freq, and is undefined where the driver has none", () => {
  const { policy0, path } = classic();
  expect(value(policy0.observed())).toBe(khz(1_200_000));
  rmSync(path(`${POLICY}/scaling_cur_freq`));
  expect(value(policy0.observed())).toBeUndefined();
});
