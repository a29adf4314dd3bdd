// Packets of SR-IOV VFs, which have no file in /sys: `ip` tells them, so that a guest with a passed-through VF can have a TRAFFIC policy.

import { runCommand, runCommandSync } from "../os/spawn.ts";
import { parseJson } from "../values/json.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Counter } from "./desk.ts";

/** An `ip` that hangs is ended after this; one interface with all its VFs fits well into what it may print. */
const LIMITS = { limitMs: 2000, maxBytes: 1 << 20 };

/** One VF as its physical interface tells. */
export interface Vf {
  /** Lower-case, colon-separated. */
  readonly mac: string;
  readonly rxPackets: number;
}

/**
 * Returns the VFs in the output of `ip -j -s link show`; those without counters are left out. What is not as expected is skipped.
 * Source: iproute2 ip/ipaddress.c, print_vfinfo and print_vf_stats64 (`mac` before 5.3, `address` since).
 */
export function parseVfs(text: string): readonly Vf[] {
  const found: Vf[] = [];
  for (const link of listOf(parseJson(text))) {
    for (const vf of listOf(field(link, "vfinfo_list"))) {
      const mac = field(vf, "address") ?? field(vf, "mac");
      const packets = field(field(field(vf, "stats"), "rx"), "packets");
      if (typeof mac === "string" && typeof packets === "number") {
        found.push({ mac: mac.toLowerCase(), rxPackets: packets });
      }
    }
  }
  return found;
}

/** Returns whether `program` (iproute2's ip) shows a VF with this MAC on `physical` now; blocks for some milliseconds. */
export function hasVf(physical: string, mac: string, program = "ip"): boolean {
  const ip = runCommandSync(command(program, physical), LIMITS);
  return ip.ok && ip.value.status === 0 && parseVfs(ip.value.stdout).some((vf) => vf.mac === mac);
}

/** Counts what a VF receives. Each read() returns what the last run of `ip` showed and starts the next one, so nothing waits. */
export class VfCounter implements Counter<number> {
  readonly #physical: string;
  readonly #mac: string;
  readonly #program: string;
  #last: Result<number | undefined, SysfsError> = ok(undefined);
  #running = false;

  constructor(physical: string, mac: string, program = "ip") {
    this.#physical = physical;
    this.#mac = mac;
    this.#program = program;
  }

  read(): Result<number | undefined, SysfsError> {
    if (!this.#running) {
      this.#running = true;
      void this.#refresh().finally(() => (this.#running = false));
    }
    return this.#last;
  }

  close(): void {}

  async #refresh(): Promise<void> {
    const gone = err({
      kind: "sysfs",
      op: "read",
      path: command(this.#program, this.#physical).join(" "),
      code: "ENODEV",
    } as const);
    const ip = await runCommand(command(this.#program, this.#physical), LIMITS);
    const vf = ip.ok ? parseVfs(ip.value.stdout).find(({ mac }) => mac === this.#mac) : undefined;
    this.#last = vf === undefined ? gone : ok(vf.rxPackets);
  }
}

const command = (program: string, physical: string): string[] => [
  program,
  "-j",
  "-s",
  "link",
  "show",
  "dev",
  physical,
];

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
