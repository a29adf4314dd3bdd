// A bug is no lost connection: whatever breaks while a guest is served, the machine is put back and the end is told.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { makeMachine } from "../../helpers/daemon.ts";
import { frame } from "../../helpers/lab.ts";
import { QemuSocket } from "../../helpers/qemu.ts";

test("powermon run ends with status 1, its stack and everything put back when serving a guest throws", async () => {
  const machine = makeMachine("acpi-cpufreq-4cpu-independent");
  const vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  const was = ["scaling_governor", "scaling_setspeed"].map((file) => machine.policy(2, file));
  const daemon = Bun.spawn([process.execPath, join(import.meta.dir, "broken.ts"), machine.tree.root], {
    stderr: "pipe",
    timeout: 20_000,
  });
  try {
    await vm1.hosted();
    await vm1.ask(frame({ step: "max" }));
    expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
    vm1.send(frame({ step: "max", vcpu: 7 }));
    const told = await daemon.stderr.text();
    expect(await daemon.exited).toBe(1);
    expect(daemon.signalCode).toBeNull();
    expect(told).toContain("Stopping after a bug: TypeError: a bug in the middle");
    expect(told).toContain("broken.ts:");
    expect(["scaling_governor", "scaling_setspeed"].map((file) => machine.policy(2, file))).toEqual(was);
  } finally {
    daemon.kill("SIGKILL");
    vm1.quit();
    machine.remove();
  }
});
