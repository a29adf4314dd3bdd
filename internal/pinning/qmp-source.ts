// QEMU's monitor as a source of vCPU threads and pauses: for VMs whose threads have no names, and those that nobody else tells of.

import { pcpu } from "../values/units.ts";
import { readAffinity } from "../os/libc.ts";
import type { Pins, PinSource, PinSubject } from "./pins.ts";
import { type MonitoredVm, queryVm } from "./qmp.ts";

/** A monitor's answer is good for this long, in ms: so late a pause is seen; pins are read anew each time. */
const GOOD_MS = 5000;
/** VMs remembered at a time: more than a host has. */
const MAX_VMS = 4096;

interface Known extends MonitoredVm {
  readonly why: string | undefined;
  readonly at: number;
}

/**
 * Returns the source that asks the monitor socket which `socketOf` names, in the background: the first question about a VM is
 * answered with "not yet".
 * @param onPaused told when a VM stands still, and when it runs again or can't be asked
 * @param now a clock that never goes back, in ms
 */
export function qmpPins(
  socketOf: (vm: string) => string | undefined,
  onPaused: (vm: string, paused: boolean) => void,
  now: () => number = () => performance.now(),
): PinSource {
  const known = new Map<string, Known>();
  const asking = new Set<string>();
  const ask = async (vm: string, socket: string): Promise<void> => {
    asking.add(vm);
    const answer = await queryVm(socket);
    asking.delete(vm);
    const wasPaused = known.get(vm)?.paused ?? false;
    if (known.size >= MAX_VMS) known.clear();
    const said = answer.ok
      ? { ...answer.value, why: undefined, at: now() }
      : { threads: [], paused: false, why: answer.error, at: now() };
    known.set(vm, said);
    if (said.paused !== wasPaused) onPaused(vm, said.paused);
  };
  return {
    name: "qmp",
    live: true,
    pins({ vm }: PinSubject, vcpu: number): Pins {
      const socket = socketOf(vm);
      if (socket === undefined)
        return { kind: "unknown", why: `no monitor socket is configured for VM ${JSON.stringify(vm)}` };
      const said = known.get(vm);
      if ((said === undefined || now() - said.at >= GOOD_MS) && !asking.has(vm)) void ask(vm, socket);
      if (said === undefined) return { kind: "unknown", why: "QEMU's monitor has not answered yet" };
      if (said.why !== undefined) return { kind: "unknown", why: said.why };
      const thread = said.threads.find((one) => one.vcpu === vcpu);
      if (thread === undefined) return { kind: "absent", count: said.threads.length };
      const cpus = readAffinity(thread.threadId);
      return cpus === undefined
        ? { kind: "unknown", why: `the thread of vCPU ${vcpu} has ended` }
        : { kind: "known", pcpus: cpus.map(pcpu) };
    },
  };
}
