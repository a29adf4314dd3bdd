// Boots the lab's VMs and ends them.
import { openSync, closeSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { ExecChannel, type Outcome } from "./exec-channel.ts";
import { until } from "./until.ts";

const BOOT_LIMIT_MS = 60_000;
/** The same where systemd boots. */
const SYSTEMD_LIMIT_MS = 120_000;

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

  /** Connects to the command socket, anew where it was; what runs in the VM is not looked at. */
  async connect(): Promise<void> {
    this.#channel.end();
    this.#channel = new ExecChannel(this.#name);
    await until(`the command socket of VM ${this.#name}`, 10_000, async () => {
      if (this.#qemu.exitCode !== null) throw new Error(`QEMU ended with status ${this.#qemu.exitCode}`);
      await this.#channel.connect(this.#path);
      return true;
    });
  }

  /** Connects, anew after a reset, and resolves once the VM's shell answers. */
  async reach(limitMs = BOOT_LIMIT_MS): Promise<void> {
    await this.connect();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`VM ${this.#name} did not boot within ${limitMs} ms`)),
      limitMs,
    );
    await Promise.race([this.#channel.ready, late.promise]).finally(() => clearTimeout(timer));
  }

  /** Resolves when QEMU has ended by itself, as when its machine turned off; throws after `limitMs`. */
  async ended(limitMs: number): Promise<void> {
    await until("QEMU ends", limitMs, () => Promise.resolve(this.#qemu.exitCode !== null));
    this.#channel.end();
  }

  /** Ends QEMU by SIGKILL, as a crash would: its socket files stay behind. */
  async kill(): Promise<void> {
    this.#qemu.kill("SIGKILL");
    await this.#qemu.exited;
  }
}

/** A CPU of lab/boot-driver.sh. */
export type DriverCpu = "intel" | "amd" | "amd-no-boost";

/** What to boot: `kind` picks lab/boot-KIND.sh, `ports` is the number of channels, sockets go to `dir`; `cpu` is for kind driver, `env` for the script. */
export interface VmSpec {
  readonly kind: "guest" | "host" | "power" | "migrant" | "driver" | "arm64" | "debian";
  readonly cpu?: DriverCpu;
  readonly env?: Readonly<Record<string, string>>;
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

async function bootOnce(spec: VmSpec): Promise<Vm> {
  const vm = startVm(spec, spec.env);
  try {
    await vm.reach(spec.kind === "debian" ? SYSTEMD_LIMIT_MS : BOOT_LIMIT_MS);
    return vm;
  } catch (cause) {
    await vm.kill();
    const said = (await Bun.file(consoleOf(spec)).text()).slice(-2000);
    throw new Error(`VM ${spec.name} does not come up. Its console: ${said}`, { cause });
  }
}

const consoleOf = ({ dir, name }: VmSpec): string => join(dir, `${name}.console`);

/** Starts QEMU and waits for nothing. @param env more environment of the boot script */
export function startVm(spec: VmSpec, env: Readonly<Record<string, string>> = {}): Vm {
  const { kind, name, ports, build, dir, cpu = "" } = spec;
  const log = openSync(consoleOf(spec), "a");
  const qemu = Bun.spawn(
    ["bash", join(import.meta.dir, `lab/boot-${kind}.sh`), build, dir, name, `${ports}`, cpu],
    {
      stdin: "ignore",
      env: { ...process.env, ...env },
      stdout: log,
      stderr: log,
    },
  );
  closeSync(log);
  return new Vm(qemu, name, join(dir, `${name}.exec`));
}
