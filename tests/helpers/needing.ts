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
  unshare: "util-linux",
} as const;

/** Runs `body` as a test when all `tools` are on the PATH. */
export function testNeeding(
  tools: readonly (keyof typeof PACKAGES)[],
  title: string,
  body: () => Promise<void> | void,
  timeoutMs = 10_000,
): void {
  const missing = tools.filter((tool) => Bun.which(tool) === null);
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(", ");
  test.skipIf(missing.length > 0)(
    missing.length > 0 ? `${title} (needs ${packages})` : title,
    body,
    timeoutMs,
  );
}
