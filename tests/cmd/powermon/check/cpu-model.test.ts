// The models that make vmpower-guest end with SIGILL are told, whoever names them, and no others.

import { expect, test } from "bun:test";
import { checkDefinedCpu, checkStartedCpu } from "../../../../cmd/powermon/check/cpu-model.ts";
import { parseDefinition } from "../../../../internal/pinning/domain-definition.ts";

const domain = (cpu: string, arch = "x86_64") =>
  parseDefinition(`<domain><os><type arch='${arch}'>hvm</type></os>${cpu}</domain>`);
const severity = (findings: readonly { readonly severity: string }[]) =>
  findings.map((one) => one.severity).join();

test.each([
  ["", "warning"],
  ["<cpu mode='custom'><model fallback='forbid'>qemu64</model></cpu>", "warning"],
  ["<cpu><model>core2duo</model></cpu>", "warning"],
  ["<cpu mode='custom'><model>Penryn</model><feature policy='require' name='sse4.2'/></cpu>", "warning"],
  [
    "<cpu><model>qemu64</model><feature policy='require' name='sse4.2'/><feature policy='force' name='popcnt'/></cpu>",
    "note",
  ],
  ["<cpu mode='host-passthrough'/>", "note"],
  ["<cpu mode='custom'><model>Nehalem</model></cpu>", "note"],
])("checkDefinedCpu() of %p is a %s", (cpu, wanted) => {
  expect(severity(checkDefinedCpu(domain(cpu)))).toBe(wanted);
});

test("checkDefinedCpu() says nothing of other machines", () => {
  expect(checkDefinedCpu(domain("", "aarch64"))).toEqual([]);
});

test.each([
  [["qemu-system-x86_64"], "warning"],
  [["/usr/bin/qemu-system-x86_64", "-cpu", "kvm64,+sse4.1"], "warning"],
  [["qemu-system-x86_64", "-cpu", "qemu64,+sse4.2,popcnt=on"], "note"],
  [["qemu-system-x86_64", "-cpu", "qemu64", "-cpu", "host"], "note"],
  [["qemu-system-x86_64", "-cpu", "max,vendor=GenuineIntel"], "note"],
  [["qemu-system-aarch64"], ""],
])("checkStartedCpu() of %p is a %p", (words, wanted) => {
  expect(severity(checkStartedCpu(words))).toBe(wanted);
});
