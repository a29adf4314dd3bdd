// A real QEMU's monitor as a source: threads without names, and a pause that nobody else would tell of.

import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { qmpPins } from "../../internal/pinning/qmp-source.ts";
import { order } from "../helpers/monitor.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

testNeeding(
  ["qemu-system-x86_64"],
  "qmpPins() answers in the background, and tells of a pause, a resume and an end",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "powermon-qmp-"));
    const path = join(dir, "q");
    const words = "qemu-system-x86_64 -display none -nodefaults -machine pc,accel=tcg -m 32 -smp 2";
    const qemu = Bun.spawn([...words.split(" "), "-qmp", `unix:${path},server=on,wait=off`], {
      stdout: "ignore",
      stderr: "ignore",
      timeout: 15_000,
    });
    let now = 0;
    const told: [string, boolean][] = [];
    const source = qmpPins(
      (vm) => (vm === "vm1" ? path : undefined),
      (vm, paused) => void told.push([vm, paused]),
      () => (now += 5000), // each answer is old at the next question
    );
    const pins = (vcpu: number) => source.pins({ vm: "vm1", pid: undefined }, vcpu);
    const toldOf = (changes: number) => {
      pins(0);
      return told.length === changes;
    };
    try {
      expect(pins(0)).toEqual({ kind: "unknown", why: "QEMU's monitor has not answered yet" });
      await until("the threads are known", () => pins(1).kind === "known");
      expect(pins(2)).toEqual({ kind: "absent", count: 2 });
      const give = async (execute: string) => {
        // the monitor serves one client at a time
        await until(`QEMU takes ${execute}`, () =>
          order(path, [{ execute }]).then(
            () => true,
            () => false,
          ),
        );
      };
      await give("stop");
      await until("the pause is told", () => toldOf(1));
      await give("cont");
      await until("the resume is told", () => toldOf(2));
      await give("stop");
      await until("the pause is told again", () => toldOf(3));
      qemu.kill("SIGKILL");
      await until("the end is told", () => toldOf(4));
      expect(told).toEqual([
        ["vm1", true],
        ["vm1", false],
        ["vm1", true],
        ["vm1", false],
      ]);
    } finally {
      qemu.kill("SIGKILL");
      await qemu.exited;
      rmSync(dir, { recursive: true });
    }
  },
  20_000,
);
