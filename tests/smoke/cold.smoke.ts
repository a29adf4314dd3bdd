// 50 starts of the built powermon with its state on a busy disk, each with one request of every kind from a DPDK guest: a host whose first
// answers come late or twice is read off by one for good, since such a guest gives up after 10 ms and takes what comes next for the next answer.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { GuestPolicy, Request } from "../../internal/values/request.ts";
import { keepDiskBusy } from "../helpers/busy-disk.ts";
import { makeMachine, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";

const STARTS = 50;
/** A stock guest's patience, in ms. Source: DPDK lib/power/guest_channel.c, TIMEOUT. */
const PATIENCE_MS = 10;
const stated = { vcpu: 0, vmName: "vm1", physical: false };
const policy: GuestPolicy = {
  type: "workload",
  vcpus: [0],
  macs: [],
  traffic: { min: 0, avg: 0, max: 0 },
  busyHours: [],
  quietHours: [],
  trafficHours: [],
  workload: "low",
  turbo: false,
};
/** Each request, the bytes of its answer and its kind. */
const ASKED: readonly (readonly [Request, number, string])[] = [
  [{ kind: "scale", step: "max", ...stated }, 464, "ack"],
  [{ kind: "query-freq", all: true, ...stated }, 88, "freq-list"],
  [{ kind: "query-caps", all: true, ...stated }, 184, "caps-list"],
  [{ kind: "policy", policy, ...stated }, 464, "ack"],
];

const disk = mkdtempSync(join(tmpdir(), "powermon-cold-"));
const rest = keepDiskBusy(disk);
afterAll(async () => {
  await rest();
  rmSync(disk, { recursive: true });
});

test("each first request of every kind is answered once and in its turn, start after start", async () => {
  let late = 0;
  for (let start = 0; start < STARTS; start++) {
    const made = makeMachine("acpi-cpufreq-4cpu-independent");
    const { tree } = made;
    const stateDir = `${disk}/state-${start}`;
    const machine = {
      ...made,
      roots: ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", stateDir],
    };
    const vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
    const daemon = await startDaemon(machine, ["--pin", "vm1:0=2", "--allow-query", "vm1"]);
    await vm1.hosted();
    vm1.send(encodeRequest({ kind: "connect" }, "18.11"));
    for (const [request, size, kind] of ASKED) {
      const asked = performance.now();
      const reply = await vm1.ask(encodeRequest(request, "18.11"), size);
      if (performance.now() - asked > PATIENCE_MS) late++;
      expect(decodeReply(reply).kind).toBe(kind as never);
      expect(vm1.received.length).toBe(0);
    }
    daemon.kill("SIGKILL");
    await daemon.exited;
    vm1.quit();
    machine.remove();
  }
  // How many were late is this machine's own affair, with all that runs on it.
  console.log(`${late} of ${STARTS * ASKED.length} first answers took longer than ${PATIENCE_MS} ms here`);
}, 300_000);
