// Packets of SR-IOV VFs, which have no file in /sys: `ip` tells them, so that a guest with a passed-through VF can have a TRAFFIC policy.

import { runCommand } from "../os/spawn.ts";
import { parseJson } from "../values/json.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Clock, Counter } from "./desk.ts";

/** An `ip` that hangs is ended after this; one interface with 256 VFs prints some 150 KB, which takes a millisecond to read. */
const LIMITS = { limitMs: 2000, maxBytes: 1 << 19 };
/** An interface is asked about at most this often, ms. */
const FRESH_MS = 900;
/** What was not there is taken for not there this long, ms: longer than a policy waits until it tries again. */
const KNOWN_MS = 6000;

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

/** What is known of one physical interface. */
interface View {
  askedAt: number;
  toldAt: number;
  /** Packets by MAC. */
  packets: ReadonlyMap<string, number>;
}

/** What `ip` tells of VFs: one question a physical interface and second, one after another, and nobody waits for the answers. */
export class VfViews {
  readonly #clock: Clock;
  readonly #program: string;
  readonly #views = new Map<string, View>();
  #asked: Promise<void> = Promise.resolve();

  /** @param program iproute2's ip */
  constructor(clock: Clock, program = "ip") {
    this.#clock = clock;
    this.#program = program;
  }

  /**
   * Returns how many packets the VF with this MAC has received by the last answer, "none" when `physical` has no such VF, and
   * undefined while that is not known. Asks anew when the answer is a second old.
   */
  look(physical: string, mac: string): number | "none" | undefined {
    const now = this.#clock.monotonicMs();
    let view = this.#views.get(physical);
    if (view === undefined) {
      view = { askedAt: -Infinity, toldAt: -Infinity, packets: new Map() };
      this.#views.set(physical, view);
    }
    if (now - view.askedAt >= FRESH_MS) this.#ask(physical, view);
    return view.packets.get(mac) ?? (now - view.toldAt < KNOWN_MS ? "none" : undefined);
  }

  /** What is read when `physical` is asked about. */
  path(physical: string): string {
    return command(this.#program, physical).join(" ");
  }

  #ask(physical: string, view: View): void {
    view.askedAt = Infinity;
    this.#asked = this.#asked.then(async () => {
      const ip = await runCommand(command(this.#program, physical), LIMITS);
      const vfs = ip.ok && ip.value.status === 0 ? parseVfs(ip.value.stdout) : [];
      view.packets = new Map(vfs.map(({ mac, rxPackets }) => [mac, rxPackets]));
      view.askedAt = view.toldAt = this.#clock.monotonicMs();
    });
  }
}

/** Counts what the VF with one MAC receives, on whichever of some physical interfaces it is. */
export class VfCounter implements Counter<number> {
  readonly #views: VfViews;
  readonly #physicals: readonly string[];
  readonly #mac: string;
  /** Where it was found; the others need not be asked. */
  #at: string | undefined;

  constructor(views: VfViews, physicals: readonly string[], mac: string) {
    this.#views = views;
    this.#physicals = physicals;
    this.#mac = mac;
  }

  read(): Result<number | undefined, SysfsError> {
    let unknown = false;
    for (const physical of this.#at === undefined ? this.#physicals : [this.#at]) {
      const packets = this.#views.look(physical, this.#mac);
      if (typeof packets === "number") {
        this.#at = physical;
        return ok(packets);
      }
      unknown ||= packets === undefined;
    }
    if (unknown) return ok(undefined);
    const path = this.#views.path(this.#at ?? this.#physicals.at(-1) ?? "");
    return err({ kind: "sysfs", op: "read", path, code: "ENODEV" });
  }

  close(): void {}
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
