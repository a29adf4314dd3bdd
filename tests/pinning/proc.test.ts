import { afterEach, beforeEach, expect, test } from "bun:test";
import { procPins, readVcpuThreads } from "../../internal/pinning/proc.ts";
import { makeProc } from "../helpers/proc.ts";

let proc: ReturnType<typeof makeProc>;
beforeEach(() => {
  proc = makeProc();
  proc.thread(100, 100, "qemu-system-x86", "0-7");
  proc.thread(100, 101, "CPU 0/KVM", "2");
  proc.thread(100, 102, "CPU 1/KVM", "3,5-6");
});
afterEach(() => proc.remove());

const vm = { vm: "vm1", pid: 100 };

test("readVcpuThreads() tells vCPU threads from others", () => {
  expect([...readVcpuThreads(proc.root, 100)].sort()).toEqual([
    [0, 101],
    [1, 102],
  ]);
});

test("procPins() answers with the CPUs a vCPU's thread may run on", () => {
  const source = procPins(proc.root);
  expect(source.pins(vm, 0) as unknown).toEqual({ kind: "known", pcpus: [2] });
  expect(source.pins(vm, 1) as unknown).toEqual({ kind: "known", pcpus: [3, 5, 6] });
});

test("procPins() follows a thread that is pinned anew", () => {
  const source = procPins(proc.root);
  source.pins(vm, 0);
  proc.thread(100, 101, "CPU 0/KVM", "7");
  expect(source.pins(vm, 0) as unknown).toEqual({ kind: "known", pcpus: [7] });
});

test("procPins() does not take another thread for the vCPU's when its number is used again", () => {
  const source = procPins(proc.root);
  source.pins(vm, 0);
  proc.thread(100, 101, "worker", "4");
  expect(source.pins(vm, 0).kind).not.toBe("known");
});

test("procPins() tells a vCPU that the VM has not from a VM it knows nothing of", () => {
  const source = procPins(proc.root);
  expect(source.pins(vm, 2)).toEqual({ kind: "absent", count: 2 });
  expect(source.pins({ vm: "vm2", pid: 999 }, 0).kind).toBe("unknown");
  expect(source.pins({ vm: "vm2", pid: undefined }, 0).kind).toBe("unknown");
});

test("procPins() answers unknown once the process has ended", () => {
  let now = 0;
  const source = procPins(proc.root, () => now);
  source.pins(vm, 0);
  proc.end(100);
  now = 1000;
  expect(source.pins(vm, 0).kind).toBe("unknown");
});

test("procPins() lists the threads once a second however many vCPUs are asked for, and then sees a plugged one", () => {
  let now = 0;
  const source = procPins(proc.root, () => now);
  expect(source.pins(vm, 2).kind).toBe("absent");
  proc.thread(100, 103, "CPU 2/KVM", "4");
  expect(source.pins(vm, 2).kind).toBe("absent");
  now = 1000;
  expect(source.pins(vm, 2).kind).toBe("known");
});
