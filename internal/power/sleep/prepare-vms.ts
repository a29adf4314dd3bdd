// libvirt's VMs before and after the host sleeps: paused or shut down, and as before.

import { DONE, err, ok, type Result } from "../../values/result.ts";
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

/** One of libvirt's VMs. */
export interface LibvirtVm {
  /** What virsh is told: a name might be the number of another, or look like a flag. */
  readonly uuid: string;
  readonly name: string;
}

/** VMs that were paused or shut down. */
export interface PreparedVms {
  readonly how: Exclude<Preparation, "none">;
  readonly uri: string;
  readonly vms: readonly LibvirtVm[];
}

const CALL_MS = 15_000;
const SLOW = `virsh did not answer within ${CALL_MS / 1000} s`;
const SHUTDOWN_MS = 120_000;
const LOOK_MS = 1000;
/** pause keeps the guest's memory; shutdown asks the guest, as a power button does. */
const VERB = { pause: "suspend", shutdown: "shutdown" } as const;
/** What brings a VM back, by its state. Source: virsh(1), domstate. */
const BACK: Readonly<Record<string, string>> = { paused: "resume", "shut off": "start" };
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Prepares `vms`, all that run. Errors: a sentence, for the first that can't be prepared or when `signal` aborts; what was done by then
 * is what was noted, and bringBack() undoes it.
 * @param note writes down, before one is touched, which have been and will be
 */
export async function prepareVms(
  how: PreparedVms["how"],
  vms: readonly LibvirtVm[],
  libvirt: Libvirt,
  note: (prepared: PreparedVms) => Result<void, string>,
  signal?: AbortSignal,
): Promise<Result<void, string>> {
  const { uri, run = runCommand } = libvirt;
  for (const [at, { uuid, name }] of vms.entries()) {
    if (signal?.aborted) return err(INTERRUPTED);
    const noted = note({ how, uri, vms: vms.slice(0, at + 1) });
    if (!noted.ok) return noted;
    // It is not cut short: libvirt might do it all the same, a moment after it was undone.
    const asked = await virsh(uri, run, VERB[how], uuid);
    if (!asked.ok) return err(`VM ${name}: ${asked.error}`);
  }
  return how === "shutdown" ? await untilGone(vms, libvirt, signal) : DONE;
}

/** What ends a preparation that is not wanted any more. */
export const INTERRUPTED = "it was interrupted before the host slept";

/** Why libvirt did not say which VMs run. */
interface NoList {
  /** A sentence. */
  readonly why: string;
  /** It is not there at all, rather than slow. */
  readonly isAbsent: boolean;
}

/** Returns libvirt's running VMs. */
export async function runningVms({ uri, run = runCommand }: Libvirt): Promise<Result<LibvirtVm[], NoList>> {
  const listed = await virsh(uri, run, "list", "--uuid", "--name", "--state-running");
  if (!listed.ok) return err({ why: listed.error, isAbsent: listed.error !== SLOW });
  const vms: LibvirtVm[] = [];
  for (const line of listed.value.split("\n")) {
    const [, uuid = "", name = ""] = /^\s*([0-9a-f-]{36})\s+(.+)$/.exec(line) ?? [];
    if (UUID.test(uuid)) vms.push({ uuid, name: name.trimEnd() });
  }
  return ok(vms);
}

/**
 * Brings back VMs that were prepared: who is paused goes on, who is off is started, and who was asked to shut down and still runs is
 * waited for. Whatever else somebody has made of one since stays. Returns what failed, a sentence each, and whom to try again.
 * @param limitMs how long a guest that still shuts down is waited for
 */
export async function bringBack(
  { how, uri, vms }: PreparedVms,
  { run = runCommand, limitMs = SHUTDOWN_MS, everyMs = LOOK_MS }: Omit<Libvirt, "uri"> = {},
): Promise<{ readonly failed: readonly string[]; readonly left: readonly LibvirtVm[] }> {
  const failed: string[] = [];
  const left: LibvirtVm[] = [];
  const end = performance.now() + limitMs;
  for (const vm of vms) {
    let state = await virsh(uri, run, "domstate", vm.uuid);
    while (how === "shutdown" && state.ok && isUp(state.value) && performance.now() < end) {
      await Bun.sleep(everyMs);
      state = await virsh(uri, run, "domstate", vm.uuid);
    }
    const verb = state.ok ? BACK[state.value.trim()] : undefined;
    const done = verb === undefined ? state : await virsh(uri, run, verb, vm.uuid);
    if (!done.ok) {
      failed.push(`VM ${vm.name}: ${done.error}`);
      left.push(vm);
    } else if (how === "shutdown" && verb === undefined) {
      failed.push(`VM ${vm.name} was asked to shut down and runs on; should it go off, start it`);
    }
  }
  return { failed, left };
}

/** QEMU's VMs say that they run until they are off. */
const isUp = (state: string): boolean => ["running", "in shutdown"].includes(state.trim());

/** Waits until none of `vms` runs any more; starting one that still shuts down would fail. */
async function untilGone(
  vms: readonly LibvirtVm[],
  libvirt: Libvirt,
  signal: AbortSignal | undefined,
): Promise<Result<void, string>> {
  const { limitMs = SHUTDOWN_MS, everyMs = LOOK_MS } = libvirt;
  const end = performance.now() + limitMs;
  for (;;) {
    const running = await runningVms(libvirt);
    if (!running.ok) return err(running.error.why);
    const left = vms.filter(({ uuid }) => running.value.some((one) => one.uuid === uuid));
    if (left.length === 0) return DONE;
    if (signal?.aborted) return err(INTERRUPTED);
    if (performance.now() >= end) {
      const names = left.map(({ name }) => name).join(", ");
      return err(`${names} did not shut down within ${limitMs / 1000} s`);
    }
    await Bun.sleep(everyMs);
  }
}

async function virsh(uri: string, run: Run, ...words: string[]): Promise<Result<string, string>> {
  const ended = await run(["virsh", "--quiet", "--connect", uri, ...words], { limitMs: CALL_MS });
  if (!ended.ok)
    return err(ended.error.code === "ETIMEDOUT" ? SLOW : `libvirt can't be asked: ${ended.error.says}`);
  if (ended.value.status === 0) return ok(ended.value.stdout);
  return err(`virsh ${words[0]}: ${complaint("virsh", ended.value)}`);
}

/** Returns whether `raw`, from a file, names prepared VMs. */
export function isPreparedVms(raw: unknown): raw is PreparedVms {
  if (typeof raw !== "object" || raw === null) return false;
  const { how, uri, vms } = raw as Partial<Record<keyof PreparedVms, unknown>>;
  return (
    (how === "pause" || how === "shutdown") &&
    typeof uri === "string" &&
    Array.isArray(vms) &&
    vms.every(isVm)
  );
}

function isVm(raw: unknown): raw is LibvirtVm {
  if (typeof raw !== "object" || raw === null) return false;
  const { uuid, name } = raw as Partial<Record<keyof LibvirtVm, unknown>>;
  return typeof uuid === "string" && UUID.test(uuid) && typeof name === "string";
}
