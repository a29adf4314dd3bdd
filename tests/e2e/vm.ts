// Boots the lab's VMs and ends them; without it every scenario would carry its own QEMU handling.
import { openSync, closeSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { ExecChannel, type Outcome } from "./exec-channel.ts";
import { until } from "./until.ts";

const BOOT_LIMIT_MS = 60_000;

/** A running VM. */
export class Vm {
  readonly #qemu: Subprocess;
  readonly #name: string;
  readonly #path: string;
  #channel: ExecChannel;

  /** @param path QEMU's socket of the port lab.exec */
  constructor(qemu: Subprocess, name: string, path: string) {
    this.#qemu = qemu;
    this.#name = name;
    this.#path = path;
    this.#channel = new ExecChannel(name);
  }

  /** Pid of the QEMU process. */
  get pid(): number {
    return this.#qemu.pid;
  }

  /** Runs `command` in the VM's bash as root and returns its outcome, whatever the status. */
  exec(command: string, limitSeconds = 30): Promise<Outcome> {
    return this.#channel.run(command, limitSeconds);
  }

  /** Runs `command` in the VM and returns its stdout; throws with all it said unless its status is 0. */
  async sh(command: string, limitSeconds = 30): Promise<string> {
    const { status, stdout, stderr } = await this.exec(command, limitSeconds);
    if (status !== 0) throw new Error(`In the VM: ${command}\nstatus ${status}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Connects, anew after a reset, and resolves once the VM's shell answers. */
  async reach(): Promise<void> {
    this.#channel.end();
    this.#channel = new ExecChannel(this.#name);
    await until(`the command socket of VM ${this.#name}`, 10_000, async () => {
      if (this.#qemu.exitCode !== null) throw new Error(`QEMU ended with status ${this.#qemu.exitCode}`);
      await this.#channel.connect(this.#path);
      return true;
    });
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`VM ${this.#name} did not boot within ${BOOT_LIMIT_MS} ms`)),
      BOOT_LIMIT_MS,
    );
    await Promise.race([this.#channel.ready, late.promise]).finally(() => clearTimeout(timer));
  }

  /** Ends QEMU by SIGKILL, as a crash would: its socket files stay behind. */
  async kill(): Promise<void> {
    this.#qemu.kill("SIGKILL");
    await this.#qemu.exited;
  }
}

/** What to boot: `kind` picks lab/boot-KIND.sh, `ports` is the number of channels, sockets go to `dir`. */
export interface VmSpec {
  readonly kind: "guest" | "host" | "power";
  readonly name: string;
  readonly ports: number;
  readonly build: string;
  readonly dir: string;
}

/** Boots a VM and returns it once its shell answers; a boot that hangs (seen once in 140) is tried a second time. */
export async function bootVm(spec: VmSpec): Promise<Vm> {
  try {
    return await bootOnce(spec);
  } catch {
    return await bootOnce(spec);
  }
}

async function bootOnce({ kind, name, ports, build, dir }: VmSpec): Promise<Vm> {
  const consolePath = join(dir, `${name}.console`);
  const log = openSync(consolePath, "a");
  const qemu = Bun.spawn(
    ["bash", join(import.meta.dir, `lab/boot-${kind}.sh`), build, dir, name, `${ports}`],
    {
      stdin: "ignore",
      stdout: log,
      stderr: log,
    },
  );
  closeSync(log);
  const vm = new Vm(qemu, name, join(dir, `${name}.exec`));
  try {
    await vm.reach();
    return vm;
  } catch (cause) {
    qemu.kill("SIGKILL");
    await qemu.exited;
    const said = (await Bun.file(consolePath).text()).slice(-2000);
    throw new Error(`VM ${name} does not come up. Its console: ${said}`, { cause });
  }
}
