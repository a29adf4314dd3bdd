// virsh as a child with a time limit: libvirt's own library would stop the whole daemon with a stuck libvirtd.

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
/** Hundreds of VMs' XML, of 10 kB each, with room. */
const MAX_BYTES = 32 << 20;
/** Of what virsh complains, this much is told, in characters. */
const MAX_COMPLAINT = 300;

/**
 * Runs virsh once with `words` and returns what it printed.
 * The child gets no terminal, no input and an environment of two variables.
 * Errors: one sentence with virsh's own complaint; that it is missing; that it took too long or said too much.
 */
export async function runVirsh(virsh: Virsh, words: readonly string[]): Promise<Result<string, string>> {
  const { uri, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, program = "virsh" } = virsh;
  const failed = (why: string) => err(`Cannot ask libvirt at ${uri}: ${why}`);
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn([program, "--quiet", "--connect", uri, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // Its own session: whatever it started is killed with it, and nobody is left holding the pipes.
      detached: true,
      env: { LC_ALL: "C", PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return failed(code === "ENOENT" ? `there is no ${program}; install libvirt's clients` : code);
  }
  let why: string | undefined;
  const stop = (reason: string) => {
    why ??= reason;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => stop(`virsh took longer than ${timeoutMs} ms`), timeoutMs);
  const aborted = () => stop("it is not wanted any more");
  virsh.signal?.addEventListener("abort", aborted);
  const tooMuch = () => stop(`virsh printed more than ${maxBytes} bytes`);
  const [printed, complained, status] = await Promise.all([
    readAll(child.stdout, maxBytes, tooMuch),
    readAll(child.stderr, maxBytes, tooMuch),
    child.exited,
  ]);
  clearTimeout(timer);
  virsh.signal?.removeEventListener("abort", aborted);
  if (why !== undefined) return failed(why);
  if (status === 0) return ok(printed);
  const complaint = complained
    .replaceAll(/^error:\s*/gm, "")
    .trim()
    .replaceAll(/\s*\n\s*/g, "; ");
  return failed(complaint.slice(0, MAX_COMPLAINT) || `virsh ended with status ${status}`);
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  tooMuch: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let taken = 0;
  for await (const bytes of stream) {
    taken += bytes.length;
    if (taken > maxBytes) {
      tooMuch();
      break;
    }
    text += decoder.decode(bytes, { stream: true });
  }
  return text + decoder.decode();
}

/** Ends every process of the group that `pid` leads. */
export function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
