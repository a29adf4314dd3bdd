// libvirt's VMs before and after the host sleeps: paused or shut down, and as before.

import { err, ok, type Result } from "../../values/result.ts";
import { complaint, type Run, runCommand } from "../../os/spawn.ts";

export const PREPARATIONS = ["none", "pause", "shutdown"] as const;
/** What is done to libvirt's running VMs before the host sleeps; undone after. */
export type Preparation = (typeof PREPARATIONS)[number];

/** How virsh is asked. */
export interface Libvirt {
  readonly uri: string;
  readonly run?: Run;
  /** How long guests get to shut down, in ms. */
  readonly limitMs?: number;
  /** Between two looks, in ms. */
  readonly everyMs?: number;
}

/** VMs that were prepared. */
export interface Prepared {
  readonly vms: readonly string[];
  /** Undoes it; returns what could not be undone, a sentence each. */
  undo(): Promise<readonly string[]>;
}

const CALL_MS = 15_000;
const SLOW = `virsh did not answer within ${CALL_MS / 1000} s`;
/** pause keeps the guest's memory; shutdown asks the guest, as a power button does. */
const VERBS = { pause: ["suspend", "resume"], shutdown: ["shutdown", "start"] } as const;

/** Prepares every running VM; when one can't be, those before it are undone. Errors: a sentence. */
export async function prepareVms(
  how: "pause" | "shutdown",
  libvirt: Libvirt,
): Promise<Result<Prepared, string>> {
  const running = await runningVms(libvirt);
  if (!running.ok) return err(running.error.why);
  const [verb, back] = VERBS[how];
  const done: string[] = [];
  const undo = async (): Promise<readonly string[]> => {
    const failed: string[] = [];
    for (const vm of done) {
      const undone = await virsh(libvirt, back, vm);
      if (!undone.ok) failed.push(undone.error);
    }
    return failed;
  };
  const give = async (why: string) => err([why, ...(await undo())].join("; "));
  for (const vm of running.value) {
    const asked = await virsh(libvirt, verb, vm);
    if (!asked.ok) return await give(asked.error);
    done.push(vm);
  }
  if (how === "shutdown") {
    const late = await untilGone(libvirt, done);
    if (!late.ok) return await give(late.error);
  }
  return ok({ vms: done, undo });
}

/** Why libvirt did not say which VMs run. */
interface NoList {
  /** A sentence. */
  readonly why: string;
  /** It is not there at all, rather than slow. */
  readonly isAbsent: boolean;
}

/** Returns the names of libvirt's running VMs. */
export async function runningVms(libvirt: Libvirt): Promise<Result<string[], NoList>> {
  const listed = await virsh(libvirt, "list", "--name", "--state-running");
  if (listed.ok) return ok(listed.value.split("\n").filter((name) => name !== ""));
  return err({ why: listed.error, isAbsent: listed.error !== SLOW });
}

/** Waits until none of `vms` runs any more; starting one that still shuts down would fail. */
async function untilGone(libvirt: Libvirt, vms: readonly string[]): Promise<Result<void, string>> {
  const { limitMs = 120_000, everyMs = 1000 } = libvirt;
  const end = performance.now() + limitMs;
  for (;;) {
    const running = await runningVms(libvirt);
    if (!running.ok) return err(running.error.why);
    const left = vms.filter((vm) => running.value.includes(vm));
    if (left.length === 0) return ok(undefined);
    if (performance.now() >= end)
      return err(`${left.join(", ")} did not shut down within ${limitMs / 1000} s`);
    await Bun.sleep(everyMs);
  }
}

async function virsh(
  { uri, run = runCommand }: Libvirt,
  ...words: string[]
): Promise<Result<string, string>> {
  const ended = await run(["virsh", "--quiet", "--connect", uri, ...words], { limitMs: CALL_MS });
  if (!ended.ok)
    return err(ended.error.code === "ETIMEDOUT" ? SLOW : `libvirt can't be asked: ${ended.error.says}`);
  if (ended.value.status === 0) return ok(ended.value.stdout);
  return err(`virsh ${words.join(" ")}: ${complaint("virsh", ended.value)}`);
}
