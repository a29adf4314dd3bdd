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
  /** Documents that are installed beside the licence, as they lie in the repository. */
  readonly documents: readonly string[];
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
    ],
    suggests: ["libvirt-clients"],
    config: "etc/powermon/powermon.toml",
    manuals: ["powermon.1", "powermon.toml.5", "powermon-control.7"],
    documents: [
      "docs/operators.md",
      "docs/control.md",
      "docs/energy.md",
      "docs/glossary.md",
      "docs/metrics.md",
      "docs/protocol-extension.md",
      "docs/watching.md",
      "docs/troubleshooting.md",
      "docs/migrating-from-dpdk.md",
      "docs/protocol.md",
      "docs/threat-model.md",
      "packaging/grafana/powermon.json",
      "packaging/prometheus/alerts.yml",
    ],
    leftovers: ["/var/lib/powermon", "/etc/tmpfiles.d/powermon.conf"],
  },
  {
    name: "vmpower-guest",
    summary: "asks the host to change the clock of a VM's vCPUs (guest)",
    description: [
      "vmpower-guest runs inside a virtual machine and asks its host, over a",
      "virtio-serial port for each vCPU, for more or less clock. On the host powermon",
      "answers, or DPDK's vm_power_manager.",
    ],
    suggests: [],
    config: "etc/vmpower-guest.toml",
    manuals: ["vmpower-guest.1"],
    documents: ["docs/guest.md", "docs/troubleshooting.md"],
    leftovers: ["/var/lib/vmpower-guest"],
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
