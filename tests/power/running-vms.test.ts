// VMs told by their QEMU processes in a /proc of files.

import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { findRunningVms, nameIn, pinnedCpus } from "../../internal/power/running-vms.ts";
import { pcpu } from "../../internal/values/units.ts";
import { makeProc } from "../helpers/proc.ts";

const made: { remove(): void }[] = [];
afterEach(() => {
  for (const proc of made.splice(0)) proc.remove();
});

test("findRunningVms() tells names and where each vCPU may run; other processes are none", () => {
  const proc = makeProc();
  made.push(proc);
  const qemu = (pid: number, comm: string, words: string[]) => {
    proc.thread(pid, pid, comm, "0-7");
    writeFileSync(`${proc.root}/${pid}/comm`, `${comm}\n`);
    writeFileSync(`${proc.root}/${pid}/cmdline`, `${words.join("\0")}\0`);
  };
  qemu(40, "qemu-system-x86", ["qemu-system-x86_64", "-name", "guest=web,debug-threads=on", "-smp", "2"]);
  proc.thread(40, 41, "CPU 0/KVM", "2");
  proc.thread(40, 42, "CPU 1/KVM", "3,6");
  proc.thread(40, 43, "worker", "1");
  qemu(50, "qemu-kvm", ["qemu-kvm", "-name", "db"]);
  proc.thread(50, 51, "CPU 0/KVM", "0-7");
  qemu(60, "qemu-img", ["qemu-img", "convert"]);
  qemu(70, "bash", ["bash", "-name", "guest=fake"]);
  const vms = findRunningVms(proc.root);
  expect(vms.map((vm) => [vm.vm, vm.pid])).toEqual([
    ["db", 50],
    ["web", 40],
  ]);
  const online = [0, 1, 2, 3, 4, 5, 6, 7].map(pcpu);
  expect(vms.map((vm) => pinnedCpus(vm, online))).toEqual([[], [2, 3, 6].map(pcpu)]);
  expect(findRunningVms("/nonexistent")).toEqual([]);
});

test.each([
  [["-name", "a,b"], "a"],
  [["-name", "guest=a,,b,process=x"], "a,b"],
  [["-name", "process=x"], undefined],
  [["-name"], undefined],
  [["name", "x"], undefined],
] as const)("nameIn() of %p is %p", (words, name) => {
  expect(nameIn(words)).toBe(name);
});
