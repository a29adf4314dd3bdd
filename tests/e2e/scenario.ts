// Says what a scenario needs and skips it with the reason when that is absent; without it a bare machine would just fail.
import { describe, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** The folder of the executables under test: dist/ of this checkout, or POWERMON_E2E_DIST. */
export const DIST = process.env["POWERMON_E2E_DIST"] ?? join(import.meta.dir, "../../dist");

/** Debian package by program. */
const PACKAGES = {
  "qemu-system-x86_64": "qemu-system-x86",
  iasl: "acpica-tools",
  busybox: "busybox-static",
  socat: "socat",
  xz: "xz-utils",
  gcc: "gcc",
  "pkg-config": "pkg-config",
  taskset: "util-linux",
  virsh: "libvirt-clients",
  libvirtd: "libvirt-daemon-system",
  ip: "iproute2",
} as const;

/** What a scenario needs besides the executables: programs, the built lab, DPDK's library, root's rights, so many CPUs. */
export interface Needs {
  readonly programs: readonly (keyof typeof PACKAGES)[];
  readonly lab?: boolean;
  readonly dpdk?: boolean;
  readonly root?: boolean;
  readonly cpus?: number;
}

/** Each test and each hook is given up after this: two boots that hang, and the steps around them. */
const LIMIT_MS = 180_000;

let built: { readonly dir: string } | { readonly missing: string } | undefined;

/** Returns the folder that lab/build.sh made (it downloads Debian's kernel the first time), or why there is none. */
function buildLab(): { readonly dir: string } | { readonly missing: string } {
  if (built) return built;
  const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", join(import.meta.dir, "lab/build.sh")]);
  const said = stderr.toString().trim().split("\n").at(-1) ?? "";
  built =
    exitCode === 0 ? { dir: stdout.toString().trim() } : { missing: `the lab cannot be built: ${said}` };
  return built;
}

function whatIsMissing(needs: Needs): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "runs on x86-64 Linux only";
  if (needs.root && process.getuid?.() !== 0) return "runs as root only";
  const cpus = availableParallelism();
  if (needs.cpus !== undefined && cpus < needs.cpus)
    return `runs on ${needs.cpus} CPUs or more, here are ${cpus}`;
  for (const program of ["powermon", "vmpower-guest"]) {
    if (!existsSync(join(DIST, program))) return `no ${join(DIST, program)}: run bun run build`;
  }
  for (const program of needs.programs) {
    if (Bun.which(program) === null) return `no ${program}: install Debian's ${PACKAGES[program]}`;
  }
  if (needs.dpdk && Bun.spawnSync(["pkg-config", "--exists", "libdpdk"]).exitCode !== 0) {
    return "no librte_power: install Debian's libdpdk-dev";
  }
  if (needs.lab) {
    const lab = buildLab();
    if ("missing" in lab) return lab.missing;
  }
  return undefined;
}

/**
 * Describes a scenario. If something it needs is missing it is one skipped test with the reason in its title, or with
 * CI=true one failed test.
 * @param body gets the lab's build folder ("" without `lab`).
 */
export function scenario(title: string, needs: Needs, body: (build: string) => void): void {
  const missing = whatIsMissing(needs);
  if (missing === undefined) {
    setDefaultTimeout(LIMIT_MS);
    const lab = needs.lab ? buildLab() : undefined;
    describe(title, () => body(lab && "dir" in lab ? lab.dir : ""));
    return;
  }
  test.skipIf(process.env["CI"] !== "true")(`${title} (not run: ${missing})`, () => {
    throw new Error(`CI must run every scenario, but: ${missing}`);
  });
}
