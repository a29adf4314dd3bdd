// Says what a scenario needs and skips it with the reason when that is absent.
import { describe, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** The folder of the executables under test: dist/ of this checkout, or POWERMON_E2E_DIST. */
export const DIST = process.env["POWERMON_E2E_DIST"] ?? join(import.meta.dir, "../../dist");

/** Debian package by program. */
const PACKAGES = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-system-aarch64": "qemu-system-arm",
  iasl: "acpica-tools",
  busybox: "busybox-static",
  socat: "socat",
  xz: "xz-utils",
  zstd: "zstd",
  gcc: "gcc",
  "pkg-config": "pkg-config",
  taskset: "util-linux",
  strace: "strace",
  virsh: "libvirt-clients",
  libvirtd: "libvirt-daemon-system",
  ip: "iproute2",
  npm: "npm",
  mmdebstrap: "mmdebstrap",
  "dpkg-deb": "dpkg",
  "mkfs.ext4": "e2fsprogs",
  etcd: "etcd-server",
} as const;

/** What builds a lab: a script of lab/ and its words. `true` is build.sh, which has Debian's own kernel. */
interface Lab {
  readonly script: string;
  readonly words?: readonly string[];
}

/** What a scenario needs besides the executables: programs, a built lab, DPDK's library, root's rights, so many CPUs. */
export interface Needs {
  readonly programs: readonly (keyof typeof PACKAGES)[];
  readonly lab?: boolean | Lab;
  readonly dpdk?: boolean;
  readonly root?: boolean;
  readonly cpus?: number;
}

/** Each test and each hook is given up after this: two boots that hang, and the steps around them. */
const LIMIT_MS = 180_000;

/** What a script of lab/ made, or why it made nothing. */
type Built = { readonly dir: string } | { readonly missing: string };

const built = new Map<string, Built>();

/** Returns the folder or file that lab/SCRIPT made (it downloads what it needs the first time), or why there is none. */
export function buildPart(script: string, ...words: readonly string[]): Built {
  const key = [script, ...words].join(" ");
  const before = built.get(key);
  if (before) return before;
  const { exitCode, stdout, stderr } = Bun.spawnSync([
    "bash",
    join(import.meta.dir, "lab", script),
    ...words,
  ]);
  const said = stderr.toString().trim().split("\n").at(-1) ?? "";
  const now = exitCode === 0 ? { dir: stdout.toString().trim() } : { missing: `cannot be built: ${said}` };
  built.set(key, now);
  return now;
}

function buildLab(lab: true | Lab): Built {
  return lab === true ? buildPart("build.sh") : buildPart(lab.script, ...(lab.words ?? []));
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
    const lab = buildLab(needs.lab);
    if ("missing" in lab) return `the lab ${lab.missing}`;
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
    const lab = needs.lab ? buildLab(needs.lab) : undefined;
    describe(title, () => body(lab && "dir" in lab ? lab.dir : ""));
    return;
  }
  test.skipIf(process.env["CI"] !== "true")(`${title} (not run: ${missing})`, () => {
    throw new Error(`CI must run every scenario, but: ${missing}`);
  });
}
