// The model of the kernel's files against the contract that the real drivers pass in the lab.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { testNeeding } from "../helpers/needing.ts";
import { CASES, type Step } from "./contract.ts";
import { type KernelMachine, startMachine } from "./machine.ts";
import { canMountFuse } from "./libc.ts";

/** Returns what `ask` gives, or the errno that it fails with. */
function answer(ask: () => unknown): unknown {
  try {
    return ask();
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code;
  }
}

function check(machine: KernelMachine, { write, read, hw }: Step): void {
  if (write) expect(answer(() => machine.write(write.path, write.text))).toBe(write.errno);
  if (read) expect(answer(() => machine.read(read.path).trimEnd())).toBe(read.errno ?? read.is);
  if (hw) expect(machine.hw(hw.cpu)).toMatchObject({ min: hw.min, max: hw.max });
}

for (const name of new Set(CASES.map(({ machine }) => machine))) {
  describe(name, () => {
    let machine: KernelMachine;
    beforeAll(async () => {
      if (canMountFuse()) machine = await startMachine(name);
    });
    afterAll(async () => machine?.remove());
    for (const { name: title, steps } of CASES.filter((one) => one.machine === name))
      testNeeding(["root and FUSE"], title, () => {
        for (const [index, step] of steps.entries())
          try {
            check(machine, step);
          } catch (cause) {
            throw new Error(
              `step ${index}, ${JSON.stringify(step)}: ${cause instanceof Error ? cause.message : cause}`,
            );
          }
      });
  });
}
