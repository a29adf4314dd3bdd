// What an operator reads when a kernel file says no.

import { describe, expect, test } from "bun:test";
import { explainSysfs, notUnderstood, sysfsError } from "../../internal/values/sysfs-error.ts";

describe("explainSysfs()", () => {
  test("names verb, path, value and errno when a write fails", () => {
    const thrown = Object.assign(new Error("EINVAL"), { code: "EINVAL" });
    const error = sysfsError("write", "/sys/a/scaling_max_freq", thrown, "800000");
    expect(explainSysfs(error)).toBe('Cannot write "/sys/a/scaling_max_freq" (value 800000): EINVAL');
  });

  test("quotes what it can't understand and leaves out a value that isn't there", () => {
    expect(explainSysfs(notUnderstood("/p", "a\nb"))).toBe('Cannot parse "/p" (value "a\\nb"): EINVAL');
    expect(explainSysfs({ kind: "sysfs", op: "read", path: "/p", code: "EBUSY" })).toBe(
      'Cannot read "/p": EBUSY',
    );
  });
});

test("sysfsError() throws on when what was caught is a bug and no errno", () => {
  const bug = new TypeError("undefined is not a function");
  expect(() => sysfsError("read", "/p", bug)).toThrow(bug);
});
