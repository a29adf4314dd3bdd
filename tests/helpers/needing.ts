// Tests against real tools: where one is absent the test is skipped, and its title says what to install.

import { test } from "bun:test";

/** Debian's packages of the tools. */
const PACKAGES = {
  virsh: "libvirt-clients",
  "virt-xml-validate": "libvirt-clients",
  libvirtd: "libvirt-daemon",
  "qemu-system-x86_64": "qemu-system-x86",
  "systemd-analyze": "systemd",
  "systemd-notify": "systemd",
  socat: "socat",
  python3: "python3",
} as const;

const canUnshare = () =>
  process.getuid?.() === 0 &&
  Bun.which("unshare") !== null &&
  Bun.spawnSync(["unshare", "-m", "-p", "-n", "-f", "true"]).success;

type Need = keyof typeof PACKAGES | "root and namespaces";

function isMissing(need: Need): boolean {
  return need === "root and namespaces" ? !canUnshare() : Bun.which(need) === null;
}

/** Runs `body` as a test when everything that it needs is here. */
export function testNeeding(
  needs: readonly Need[],
  title: string,
  body: () => Promise<void> | void,
  timeoutMs = 10_000,
): void {
  const missing = needs
    .filter(isMissing)
    .map((need) => (need === "root and namespaces" ? need : PACKAGES[need]));
  const why = missing.length > 0 ? ` (needs ${[...new Set(missing)].join(", ")})` : "";
  test.skipIf(missing.length > 0)(title + why, body, timeoutMs);
}
