// A Debian machine whose process 1 is systemd: host and guest in one, with our packages on its second disk.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { makePackages, ownTarget, packageEpoch } from "../../scripts/package.ts";
import { order } from "../helpers/monitor.ts";
import { readDomains } from "./domains.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

/** What a scenario with this machine needs. */
export const DEBIAN = {
  programs: ["qemu-system-x86_64", "iasl", "busybox", "xz", "mmdebstrap", "dpkg-deb", "mkfs.ext4", "etcd"],
  root: true,
  lab: { script: "build-debian.sh" },
} as const;

const PORTS = 2;
/** Where the packages, and etcd, are in the VM. */
export const PACKAGES = "/mnt";
/** Room on the second disk beside the packages, which are not compressed. */
const DISK_MB = 400;

/** What systemd says of a unit. */
export type UnitState = Readonly<Record<"ActiveState" | "SubState" | "Result" | "StatusText", string>> & {
  readonly NRestarts: number;
  readonly MainPID: number;
};

/** Makes the Debian packages of dist/ once for all machines of a scenario; they lie, beside this machine's etcd, on a disk in the folder that is returned. */
export async function packDisk(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "powermon-debian-"));
  const files = join(dir, "packages");
  await makePackages({
    target: ownTarget(),
    formats: ["deb"],
    out: files,
    executable: (name) => join(DIST, name),
    version,
    epoch: packageEpoch(),
    maintainer: "The powermon authors <powermon@localhost>",
    isPlain: true,
  });
  copyFileSync(Bun.which("etcd") ?? "etcd", join(files, "etcd"));
  const disk = ["mkfs.ext4", "-q", "-d", files, "-O", "^has_journal", join(dir, "packages.ext4")];
  const made = Bun.spawnSync([...disk, `${DISK_MB}M`]);
  rmSync(files, { recursive: true });
  if (!made.success) throw new Error(`mkfs.ext4: ${made.stderr}`);
  return dir;
}

/** The machine, two CPUs of independent clocks (policy0 and policy1), two channels of VM vm1 that lead back to itself. */
export class Debian {
  readonly vm: Vm;
  readonly #monitor: string;

  private constructor(vm: Vm, monitor: string) {
    this.vm = vm;
    this.#monitor = monitor;
  }

  /**
   * Boots it from what lab/build-debian.sh put into `build`.
   * @param dir packDisk()'s
   * @param env of lab/boot-debian.sh, as LAB_CPU
   */
  static async boot(
    build: string,
    dir: string,
    name: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Debian> {
    await mkdir(dir, { recursive: true });
    const vm = await bootVm({ kind: "debian", name, ports: PORTS, build, dir, env });
    await vm.sh(`mount -o ro /dev/vdb ${PACKAGES}`);
    return new Debian(vm, join(dir, `${name}.qmp`));
  }

  /** Runs apt-get with the package `name`, from the second disk where `verb` installs, and returns all that was said. */
  apt(verb: "install" | "install --reinstall" | "purge", ...names: readonly string[]): Promise<string> {
    const words = names.map((name) => (verb === "purge" ? name : `${PACKAGES}/${name}_*.deb`));
    return this.vm.sh(
      `DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -y ${verb} ${words.join(" ")} 2>&1`,
      150,
    );
  }

  /** Has both channels of vm1 lead to the ports, as QEMU's sockets would. */
  async bridge(): Promise<void> {
    for (let n = 0; n < PORTS; n++) {
      const socket = `/run/powermon/channels/vm1.${n}`;
      await this.vm.sh(`
        systemd-run -q --unit=bridge${n} socat UNIX-LISTEN:${socket},fork OPEN:/dev/virtio-ports/lab.bridge.${n}
        until [ -S ${socket} ]; do sleep 0.05; done`);
    }
  }

  /** Writes `text` to `path`. */
  async write(path: string, text: string): Promise<void> {
    await this.vm.sh(`mkdir -p "$(dirname ${path})" && base64 -d > ${path} <<< ${btoa(text)}`);
  }

  /** What systemd says of `unit` now. */
  async unit(unit = "powermon"): Promise<UnitState> {
    const keys = ["ActiveState", "SubState", "Result", "StatusText", "NRestarts", "MainPID"];
    const said = await this.vm.sh(`systemctl show ${unit} ${keys.map((key) => `-p ${key}`).join(" ")}`);
    const values: Record<string, string> = Object.fromEntries(
      said
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const { ActiveState = "", SubState = "", Result = "", StatusText = "" } = values;
    const [NRestarts, MainPID] = [Number(values["NRestarts"]), Number(values["MainPID"])];
    return { ActiveState, SubState, Result, StatusText, NRestarts, MainPID };
  }

  /** Waits until `unit` satisfies `condition` and returns its state. */
  unitWhen(what: string, condition: (state: UnitState) => boolean, unit = "powermon"): Promise<UnitState> {
    return until(what, 60_000, async () => {
      const state = await this.unit(unit);
      return condition(state) && state;
    });
  }

  /** The lines of `unit` in the journal. @param words more of journalctl's, such as -p err */
  journal(unit: string, words = ""): Promise<string> {
    return this.vm.sh(`journalctl -q --no-pager -o cat -u ${unit} ${words}`);
  }

  /** What the clocks of vm1's two vCPUs are set to, such as `userspace 2600000`; a governor alone where nobody has set one. */
  async clocks(): Promise<readonly string[]> {
    const { policy0, policy1 } = await readDomains((command) => this.vm.sh(command));
    return [policy0, policy1].map((domain) =>
      domain?.governor === "userspace" ? `userspace ${domain.setspeed}` : (domain?.governor ?? ""),
    );
  }

  /** Waits until both clocks are as `wanted`. */
  async clocksWhen(what: string, wanted: readonly string[]): Promise<void> {
    await until(what, 60_000, async () => Bun.deepEquals(await this.clocks(), wanted));
  }

  /** Takes the port of a vCPU out of the machine. */
  async unplug(vcpu: number): Promise<void> {
    await order(this.#monitor, [{ execute: "device_del", arguments: { id: `pa.${vcpu}` } }]);
  }

  /** Puts it back. */
  async plug(vcpu: number): Promise<void> {
    const name = `virtio.serial.port.poweragent.${vcpu}`;
    const place = { bus: "vser.0", nr: vcpu + 2, chardev: `pa${vcpu}`, id: `pa.${vcpu}` };
    await order(this.#monitor, [
      { execute: "device_add", arguments: { driver: "virtserialport", name, ...place } },
    ]);
  }
}
