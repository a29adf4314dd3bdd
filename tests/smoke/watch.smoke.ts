// A kernel that tells of no changes in folders, as when another program has used up all that it gives.

import { expect } from "bun:test";
import { DIST, makeMachine } from "../helpers/daemon.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

for (const limit of ["instances", "watches"]) {
  testNeeding(
    ["root and namespaces"],
    `VMs come and go without inotify's ${limit}, and one warning tells of it`,
    async () => {
      const machine = makeMachine("acpi-cpufreq-4cpu-independent");
      const vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
      const none = `echo 0 > /proc/sys/user/max_inotify_${limit} && exec "$@"`;
      const run = [`${DIST}/powermon`, "run", "--dir", machine.dir, ...machine.roots, "--pin", "vm1:0=2"];
      const child = Bun.spawn(["unshare", "-U", "-r", "bash", "-c", none, "bash", ...run], {
        stderr: "pipe",
      });
      let log = "";
      const reading = (async () => {
        const decoder = new TextDecoder();
        for await (const bytes of child.stderr) log += decoder.decode(bytes, { stream: true });
      })();
      try {
        await vm1.hosted();
        const vm2 = new QemuSocket(`${machine.dir}/vm2.0`);
        await vm2.hosted();
        expect(vm1.connections).toBe(1);
        vm2.quit();
        await until("vm2 is gone", () => log.includes("Channel removed"));
        expect(vm1.connections).toBe(1);
        expect(log.match(/Cannot watch the channel folder/g)).toHaveLength(1);
      } finally {
        child.kill("SIGTERM");
        expect(await child.exited).toBe(0);
        await reading;
        vm1.quit();
        machine.remove();
      }
    },
    20_000,
  );
}
