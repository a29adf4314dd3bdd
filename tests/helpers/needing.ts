// Tests against real tools: where one is absent the test is skipped, and its title says what to install.

import { test } from "bun:test";
import { canMountFuse } from "../kernel/libc.ts";

/** Debian's packages of the tools. */
const PACKAGES = {
  virsh: "libvirt-clients",
  "virt-xml-validate": "libvirt-clients",
  libvirtd: "libvirt-daemon",
  "qemu-system-x86_64": "qemu-system-x86",
  "systemd-analyze": "systemd",
  "systemd-notify": "systemd",
  "systemd-sysusers": "systemd",
  "systemd-tmpfiles": "systemd",
  socat: "socat",
  python3: "python3",
  xmllint: "libxml2-utils",
  groff: "groff",
  mandoc: "mandoc",
  zsh: "zsh",
  fish: "fish",
  "dpkg-deb": "dpkg",
  lintian: "lintian",
  promtool: "prometheus",
  prometheus: "prometheus",
  tmux: "tmux",
  chromium: "chromium",
  rpmbuild: "rpm",
  shellcheck: "shellcheck",
  prlimit: "util-linux",
  "ansible-lint": "ansible-lint",
  "ansible-playbook": "ansible-core",
  gcc: "gcc",
  "g++": "g++",
  clang: "clang",
  "clang++": "clang",
  etcd: "etcd-server",
  etcdctl: "etcd-client",
  openssl: "openssl",
} as const;

/** What no package brings. */
const RIGHTS = {
  root: () => process.getuid?.() === 0,
  "strace that may trace": () =>
    Bun.which("strace") !== null && Bun.spawnSync(["strace", "-o", "/dev/null", "true"]).success,
  "root and FUSE": () => canMountFuse(),
  "root and namespaces": () =>
    RIGHTS.root() &&
    Bun.which("unshare") !== null &&
    Bun.spawnSync(["unshare", "-m", "-p", "-n", "-f", "true"]).success,
} as const;

type Need = keyof typeof PACKAGES | keyof typeof RIGHTS;

/** Returns what would bring `need`; undefined when it is here. */
function lackOf(need: Need): string | undefined {
  if (need in RIGHTS) return RIGHTS[need as keyof typeof RIGHTS]() ? undefined : need;
  return Bun.which(need) === null ? PACKAGES[need as keyof typeof PACKAGES] : undefined;
}

/** Runs `body` as a test when everything that it needs is here. */
export function testNeeding(
  needs: readonly Need[],
  title: string,
  body: () => Promise<void> | void,
  timeoutMs = 10_000,
): void {
  const missing = new Set(needs.map(lackOf).filter((lack) => lack !== undefined));
  const why = missing.size > 0 ? ` (needs ${[...missing].join(", ")})` : "";
  test.skipIf(missing.size > 0)(title + why, body, timeoutMs);
}
