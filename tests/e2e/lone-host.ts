// A host VM alone, for what a host does by itself.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostVm } from "./host-vm.ts";
import { bootVm } from "./vm.ts";

/** What a scenario with a host VM alone needs. */
export const LONE_HOST = {
  programs: ["qemu-system-x86_64", "iasl", "busybox", "xz"],
  lab: true,
} as const;

/** The host VM, four CPUs of independent clocks (policy0 to policy3), and how it ends. */
export interface LoneHost {
  readonly host: HostVm;
  end(): Promise<void>;
}

/** Boots it from what lab/build.sh put into `build`. powermon does not run yet. */
export async function bootLoneHost(build: string): Promise<LoneHost> {
  const dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
  try {
    const host = new HostVm(await bootVm({ kind: "host", name: "host", ports: 0, build, dir }));
    const end = async () => {
      await host.vm.kill();
      await rm(dir, { recursive: true });
    };
    try {
      await host.prepare();
    } catch (error) {
      await host.vm.kill();
      throw error;
    }
    return { host, end };
  } catch (error) {
    await rm(dir, { recursive: true });
    throw error;
  }
}
