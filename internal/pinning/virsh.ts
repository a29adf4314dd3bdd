// virsh as a child with limits: libvirt's own library would stop the whole daemon with a stuck libvirtd.

import { complaint, runCommand } from "../os/spawn.ts";
import { err, ok, type Result } from "../values/result.ts";

/** How virsh is run. */
export interface Virsh {
  /** Connection URI, such as qemu:///system. */
  readonly uri: string;
  /** After this the whole process group is killed. */
  readonly timeoutMs?: number;
  /** Most bytes of output that are taken. */
  readonly maxBytes?: number;
  /** The program, virsh on the PATH unless given. */
  readonly program?: string;
  /** Ends what runs when nobody wants its answer any more. */
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 5000;
/** How long somebody waits who asks once by a command, in ms: a libvirtd that just started tries out every QEMU before it answers. */
export const PATIENCE_MS = 30_000;
/** Hundreds of VMs' XML, of 10 kB each, with room. */
const MAX_BYTES = 32 << 20;

/**
 * Runs virsh once with `words` and returns what it printed.
 * Errors: one sentence with virsh's own complaint; that it is missing; that it took too long or said too much.
 */
export async function runVirsh(virsh: Virsh, words: readonly string[]): Promise<Result<string, string>> {
  const { uri, timeoutMs: limitMs = TIMEOUT_MS, maxBytes = MAX_BYTES, program = "virsh" } = virsh;
  const failed = (why: string) => err(`Cannot ask libvirt at ${uri}: ${why}`);
  const ended = await runCommand([program, "--quiet", "--connect", uri, ...words], {
    limitMs,
    maxBytes,
    signal: virsh.signal,
  });
  if (!ended.ok) {
    const { code, says } = ended.error;
    return failed(code === "ENOENT" ? `${says}; install libvirt's clients` : says);
  }
  return ended.value.status === 0 ? ok(ended.value.stdout) : failed(complaint(program, ended.value));
}
