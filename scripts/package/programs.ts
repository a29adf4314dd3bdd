// What is packaged: one package a program, described once for .deb, .rpm and tarball.

export interface Packaged {
  readonly name: "powermon" | "vmpower-guest";
  readonly summary: string;
  /** Paragraphs, no line longer than 78 columns. */
  readonly description: readonly string[];
  readonly suggests: readonly string[];
  /** Where its configuration goes; delivered where packaging/ has NAME.toml.example. */
  readonly config: string;
  readonly manuals: readonly string[];
  /** Documents and pictures that are installed beside the licence, as they lie in docs/. */
  readonly documents: readonly string[];
  /** Folders of packaging/ that are installed whole beside the documents. */
  readonly examples: readonly string[];
  /** What else is installed: from where in the repository, to where, without the first slash. */
  readonly others: Readonly<Record<string, string>>;
  /** Made by the program while it ran: goes when the package is purged. Absolute paths. */
  readonly leftovers: readonly string[];
}

export const PACKAGED: readonly Packaged[] = [
  {
    name: "powermon",
    summary: "lets virtual machines manage the clock of their CPUs (host)",
    description: [
      "powermon takes requests of guests over virtio-serial ports, checks which VM is",
      "asking, and sets the frequency of the physical CPUs that its vCPUs are pinned",
      "to. It speaks the protocol of DPDK's vm_power_manager and librte_power, so",
      "stock DPDK guests need no change. What it changed is restored when it stops.",
      "On x86 it needs a CPU with SSE4.2 and POPCNT (x86-64-v2).",
    ],
    suggests: ["libvirt-clients"],
    config: "etc/powermon/powermon.toml",
    manuals: ["powermon.1", "powermon.toml.5", "powermon-control.7"],
    documents: [
      "operators.md",
      "troubleshooting.md",
      "migrating-from-dpdk.md",
      "watching.md",
      "images/page.webp",
      "images/top.svg",
      "metrics.md",
      "energy.md",
      "tuned.md",
      "control.md",
      "guest.md",
      "agent-socket.md",
      "libvmpower.md",
      "protocol.md",
      "protocol-extension.md",
      "reliability.md",
      "threat-model.md",
      "glossary.md",
    ],
    examples: ["grafana", "prometheus", "ansible", "kubernetes"],
    others: {
      "internal/api/openapi.json": "usr/share/doc/powermon/openapi.json",
      "packaging/examples/powermon_client.py": "usr/share/doc/powermon/examples/powermon_client.py",
      "packaging/examples/fleet.conf": "usr/share/doc/powermon/examples/fleet.conf",
    },
    leftovers: ["/var/lib/powermon", "/run/powermon", "/etc/tmpfiles.d/powermon.conf"],
  },
  {
    name: "vmpower-guest",
    summary: "asks the host to change the clock of a VM's vCPUs (guest)",
    description: [
      "vmpower-guest runs inside a virtual machine and asks its host, over a",
      "virtio-serial port for each vCPU, for more or less clock. On the host powermon",
      "answers, or DPDK's vm_power_manager. On x86 the VM's CPU model must have",
      "SSE4.2 and POPCNT (x86-64-v2), which QEMU's default, qemu64, lacks.",
    ],
    suggests: [],
    config: "etc/vmpower-guest.toml",
    manuals: ["vmpower-guest.1", "libvmpower.3"],
    documents: [
      "guest.md",
      "agent-socket.md",
      "libvmpower.md",
      "troubleshooting.md",
      "protocol.md",
      "protocol-extension.md",
      "glossary.md",
    ],
    examples: [],
    others: {
      "packaging/c/libvmpower.h": "usr/include/libvmpower.h",
      "packaging/c/hold.c": "usr/share/doc/vmpower-guest/examples/hold.c",
    },
    leftovers: ["/var/lib/vmpower-guest", "/run/vmpower-guest.sock"],
  },
];

/** A kind of machine: what its packages are called by Debian and by RPM, where these exist. */
export interface Target {
  readonly deb?: string;
  readonly rpm?: string;
}

export const TARGETS: Readonly<Record<string, Target>> = {
  "linux-x64": { deb: "amd64", rpm: "x86_64" },
  "linux-arm64": { deb: "arm64", rpm: "aarch64" },
  "linux-x64-musl": {},
  "linux-arm64-musl": {},
};
