// The machine's architecture as the kernel and libvirt call it.

const NAMES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** Returns what uname -m says. */
export const machineArch = (): string => NAMES[process.arch] ?? process.arch;
