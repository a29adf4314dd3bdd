// A guest VM and a host VM side by side, bridged.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { order } from "../helpers/monitor.ts";
import type { Outcome } from "./exec-channel.ts";
import { HostVm } from "./host-vm.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type Vm } from "./vm.ts";

const PORTS = 2;
const GUEST = `${DIST}/vmpower-guest`;

/** What a scenario with two VMs needs. */
export const TWO_VMS = {
  programs: ["qemu-system-x86_64", "iasl", "busybox", "socat", "xz"],
  lab: true,
} as const;

/** The pair: vm1 with two channels, and a host with four CPUs of independent clocks (policy0 to policy3). */
export class TwoVms {
  readonly host: HostVm;
  #guest: Vm;
  readonly #build: string;
  readonly #dir: string;

  private constructor(host: HostVm, guest: Vm, build: string, dir: string) {
    this.host = host;
    this.#guest = guest;
    this.#build = build;
    this.#dir = dir;
  }

  /** Boots both from what lab/build.sh put into `build` and bridges the channels. powermon does not run yet. */
  static async boot(build: string): Promise<TwoVms> {
    const dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const [guest, host] = await Promise.allSettled([
      bootVm({ kind: "guest", name: "vm1", ports: PORTS, build, dir }),
      bootVm({ kind: "host", name: "host", ports: PORTS, build, dir }),
    ]);
    if (guest.status === "rejected" || host.status === "rejected") {
      for (const vm of [guest, host]) if (vm.status === "fulfilled") await vm.value.kill();
      await rm(dir, { recursive: true });
      throw [guest, host].find((vm) => vm.status === "rejected")?.reason;
    }
    const pair = new TwoVms(new HostVm(host.value), guest.value, build, dir);
    try {
      // the executables come over 9p the first time: read once now, so that later timings are theirs
      await Promise.all([pair.host.prepare(), pair.ask("--version")]);
      await pair.host.openChannels(PORTS);
    } catch (error) {
      await pair.end();
      throw error;
    }
    return pair;
  }

  /** The guest VM as it is now. */
  get guest(): Vm {
    return this.#guest;
  }

  /** Has QEMU pause the guest VM (stop), let it go on (cont), or reset it as a reboot does. */
  async qmp(command: "stop" | "cont" | "system_reset"): Promise<void> {
    // it was started with -no-reboot, which would make an end of a reset
    const first = { execute: "set-action", arguments: { reboot: "reset" } };
    await order(join(this.#dir, "vm1.qmp"), [first, { execute: command }]);
  }

  /** Runs vmpower-guest in the guest with `words`. */
  ask(words: string): Promise<Outcome> {
    return this.#guest.exec(`${GUEST} ${words}`);
  }

  /** Runs vmpower-guest in the guest and returns its stdout; throws unless its status is 0, that is ACK. */
  answered(words: string): Promise<string> {
    return this.#guest.sh(`${GUEST} ${words}`);
  }

  /** Asks for a scale of one vCPU; emulated CPUs get 10 s for what takes 10 ms on real ones. */
  scale(unit: string, vcpu: number): Promise<Outcome> {
    return this.ask(`scale ${unit} --vcpu ${vcpu} --timeout-ms 10000`);
  }

  /** Waits until a scale of that vCPU is answered with ACK, as it is once powermon has found the channel. */
  async scaleWhenConnected(unit: string, vcpu: number): Promise<void> {
    await until(`ACK for scale ${unit} of vCPU ${vcpu}`, 30_000, async () => {
      const { status, stdout, stderr } = await this.scale(unit, vcpu);
      if (status !== 0) {
        throw new Error(`status ${status}: ${stdout}${stderr}powermon says: ${await this.host.log()}`);
      }
      return true;
    });
  }

  /** Kills the guest VM; for the host VM its sockets then refuse, as those of a crashed QEMU do. */
  async killGuest(): Promise<void> {
    await this.#guest.kill();
    await this.host.dropChannels(PORTS);
  }

  /** Resets the guest VM and resolves once it is up again; QEMU and its sockets stay. */
  async rebootGuest(): Promise<void> {
    await this.qmp("system_reset");
    await this.#guest.reach();
    await this.answered("--version");
  }

  /** Boots the guest VM again under its name and sockets. */
  async restartGuest(): Promise<void> {
    this.#guest = await bootVm({
      kind: "guest",
      name: "vm1",
      ports: PORTS,
      build: this.#build,
      dir: this.#dir,
    });
    await this.answered("--version");
    await this.host.openChannels(PORTS);
  }

  /** Ends both VMs and removes their folder. */
  async end(): Promise<void> {
    await Promise.all([this.#guest.kill(), this.host.vm.kill()]);
    await rm(this.#dir, { recursive: true });
  }
}
