// `bun run soak`: the compiled daemon among guests that do their worst, killed at random; what it changed must come back each time.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Socket } from "bun";
import { table } from "../internal/output/table.ts";
import { encodeRequest } from "../internal/packet/request.ts";
import { random } from "../tests/fixtures/packet/random.ts";
import { DIST, type Machine, makeMachine } from "../tests/helpers/daemon.ts";
import { until } from "../tests/helpers/until.ts";
import { anyFault, lackOfFaults, type SysfsFault } from "./soak-faults.ts";
import { readUsage } from "./usage.ts";

const USAGE = `usage: bun run soak [--minutes N] [--seed N]
  --minutes N   how long, 2 by default
  --seed N      what is random repeats with it; a new one by default
`;

const CPUS = 8;
/** The last CPU is nobody's: nothing may be written there. */
const PINS = [
  "canary:0=0",
  ...[0, 1].map((n) => `flood${n}:${pins(n)}`),
  ...range(8).map((n) => `fuzz${n}:${pins(n)}`),
];
/** A canary asks this often, ms; a stock guest gives up after 10 ms, and one that waits so long lost its answer. */
const CANARY_MS = 5;
const LOST_MS = 30_000;
/** Time that starting, restoring and ending may each take on a busy machine, ms. */
const PATIENCE_MS = 60_000;
const FRAME = 464;
const COMMAND = { at: 12, ack: 1, nack: 2 };

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
/** Two vCPUs of a VM, on clocks that are shared with others. */
function pins(n: number): string {
  return `0=${n % (CPUS - 1)},1=${(n + 3) % (CPUS - 1)}`;
}

/** The guest that does nothing wrong: one request at a time, each answered by its own ACK, or by a NACK where the kernel may fail. */
class Canary {
  readonly times: number[] = [];
  /** Whether writes of sysfs fail at the moment. */
  mayFail = false;
  wrong = "";
  #socket: Socket<undefined> | undefined;
  #asked: { readonly bytes: Uint8Array; readonly at: number } | undefined;
  /** When the channel first took nothing. */
  #shutAt: number | undefined;
  #got = new Uint8Array(0);
  #sent = 0;
  readonly #timer = setInterval(() => this.#ask(), CANARY_MS);

  constructor(path: string) {
    Bun.listen({
      unix: path,
      socket: {
        open: (socket) => {
          this.#socket = socket;
        },
        data: (_socket, bytes) => this.#heard(bytes),
        close: () => {
          // powermon was killed: what it had not answered is lost with it.
          this.#socket = undefined;
          this.#asked = undefined;
          this.#got = new Uint8Array(0);
        },
      },
    });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #ask(): void {
    if (this.#asked !== undefined) {
      if (performance.now() - this.#asked.at > LOST_MS) this.wrong = `no answer within ${LOST_MS} ms`;
      return;
    }
    if (this.#socket === undefined) return;
    const step = this.#sent++ % 2 === 0 ? "max" : "min";
    const bytes = encodeRequest({ kind: "scale", vcpu: 0, vmName: "canary", physical: false, step }, "18.11");
    const at = performance.now();
    const written = this.#socket.write(bytes);
    if (written === FRAME) {
      this.#asked = { bytes, at };
      this.#shutAt = undefined;
    } else if (written > 0) this.wrong = "the channel took no whole request";
    else {
      // powermon was killed, and that its end is closed is still to be heard.
      this.#shutAt ??= at;
      if (at - this.#shutAt > LOST_MS) this.wrong = `a channel that took nothing for ${LOST_MS} ms`;
    }
  }

  #heard(bytes: Uint8Array): void {
    const asked = this.#asked;
    this.#got = Buffer.concat([this.#got, bytes]);
    if (this.#got.length < FRAME) return;
    const answers = (command: number) => {
      const want = Buffer.from(asked?.bytes ?? []);
      want.set([command, 0, 0, 0], COMMAND.at);
      return want.equals(this.#got);
    };
    if (asked !== undefined && (answers(COMMAND.ack) || (this.mayFail && answers(COMMAND.nack))))
      this.times.push(performance.now() - asked.at);
    else this.wrong = `a wrong answer of ${this.#got.length} bytes`;
    this.#got = new Uint8Array(0);
    this.#asked = undefined;
  }
}

/** Returns the first line of each file that powermon may write, by path. */
function settings(machine: Machine): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (dir: string) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.set(path, readFileSync(path, "utf8").split("\n")[0] ?? "");
    }
  };
  walk(`${machine.tree.sys}/devices/system/cpu`);
  return found;
}

/** Returns what differs, at most three files of it. */
function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = [...before.keys(), ...[...after.keys()].filter((path) => !before.has(path))];
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .slice(0, 3)
    .map((path) => `${path}: ${before.get(path)} became ${after.get(path)}`);
}

/** One line of the table. */
interface Row {
  readonly title: string;
  readonly times: number[];
  rssKib: number;
  fds: number;
  ends: number;
  back: number;
  /** Writes of sysfs that failed or took long. */
  faults: number;
}

const row = (title: string): Row => ({ title, times: [], rssKib: 0, fds: 0, ends: 0, back: 0, faults: 0 });

function shown(rows: readonly Row[]): string {
  const ms = (times: readonly number[], share: number) => {
    const sorted = times.toSorted((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN).toFixed(2);
  };
  return table([
    [
      "when",
      "canary's answers",
      "p50 ms",
      "p99 ms",
      "longest",
      "RSS MiB",
      "descriptors",
      "faults",
      "ends",
      "originals back",
    ],
    ...rows.map(({ title, times, rssKib, fds, faults, ends, back }) => [
      ...[title, String(times.length), ms(times, 0.5), ms(times, 0.99), ms(times, 1)],
      ...[(rssKib / 1024).toFixed(0), String(fds), String(faults), String(ends), `${back} of ${ends}`],
    ]),
  ]);
}

/** A powermon that serves, and what it said. */
function start(machine: Machine, fault: SysfsFault | undefined) {
  const words = ["run", "--dir", machine.dir, ...machine.roots, ...PINS.flatMap((pin) => ["--pin", pin])];
  const argv = [...(fault?.words ?? []), `${DIST}/powermon`, ...words, "--allow-query", "all"];
  const process = Bun.spawn(argv, {
    env: { PATH: "/usr/bin:/bin", BUN_GC_TIMER_DISABLE: "1", BUN_JSC_useFTLJIT: "0" },
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of process.stderr)
      log = (log + decoder.decode(bytes, { stream: true })).slice(-1 << 16);
  })();
  return { process, log: () => log };
}

class Loss extends Error {}

class Soak {
  readonly rows: Row[] = [];
  readonly #machine = makeMachine("acpi-cpufreq-8cpu-independent");
  readonly #next: (below: number) => number;
  readonly #before: ReadonlyMap<string, string>;
  readonly #canary: Canary;

  readonly #hasFaults: boolean;

  constructor(seed: number, hasFaults: boolean) {
    this.#next = random(seed);
    this.#hasFaults = hasFaults;
    mkdirSync(this.#machine.stateDir, { recursive: true });
    this.#before = settings(this.#machine);
    this.#canary = new Canary(`${this.#machine.dir}/canary.0`);
  }

  async run(minutes: number, seed: number): Promise<void> {
    const begun = performance.now();
    const endAt = begun + minutes * 60_000;
    this.rows.push(row("quiet"));
    await this.#round(3000, "SIGTERM", undefined);
    const words = [
      join(import.meta.dir, "soak-guests.ts"),
      this.#machine.dir,
      `${this.#machine.stateDir}/control.sock`,
    ];
    const guests = Bun.spawn([process.execPath, ...words, String(seed)], {
      stdout: "inherit",
      stderr: "inherit",
    });
    try {
      // Ten lines, however long it takes.
      const slice = Math.max(10_000, (minutes * 60_000) / 10);
      while (performance.now() < endAt) {
        const at = Math.floor((performance.now() - begun) / slice) * slice;
        const title = `${(at / 60_000).toFixed(1)} min`;
        if (this.rows.at(-1)?.title !== title) this.rows.push(row(title));
        const fault =
          this.#hasFaults && this.#next(2) === 0
            ? anyFault(this.#next, join(this.#machine.tree.root, "faults"))
            : undefined;
        await this.#round(1000 + this.#next(6000), this.#next(3) === 0 ? "SIGTERM" : "SIGKILL", fault);
        if (guests.exitCode !== null) throw new Error("The guests of the soak ended by themselves.");
      }
    } finally {
      guests.kill("SIGKILL");
      await guests.exited;
    }
  }

  end(): void {
    this.#canary.stop();
    rmSync(this.#machine.tree.root, { recursive: true, force: true });
  }

  /** Lets powermon serve for `ms`, ends it, and looks whether all is as it was. */
  async #round(ms: number, signal: "SIGTERM" | "SIGKILL", fault: SysfsFault | undefined): Promise<void> {
    const line = this.rows.at(-1) as Row;
    this.#canary.mayFail = fault !== undefined;
    const { process, log } = start(this.#machine, fault);
    try {
      await until(
        "powermon serves",
        () => process.exitCode !== null || log().includes("Serving"),
        PATIENCE_MS,
      );
      const endAt = performance.now() + ms;
      while (performance.now() < endAt) {
        await Bun.sleep(100); // how long it serves is what is wanted
        if (process.exitCode !== null || process.signalCode !== null)
          throw new Loss(`powermon ended: ${log()}`);
        this.#look(line, process.pid);
      }
      process.kill(signal);
      // A second signal may come at any time: SIGINT cuts nothing short, SIGKILL leaves the rest to restore.
      if (signal === "SIGTERM" && this.#next(2) === 0) {
        await Bun.sleep(this.#next(30));
        process.kill(this.#next(2) === 0 ? "SIGINT" : "SIGKILL");
      }
      await this.#ended(process);
      // What a fault kept it from putting back it says by its status, and leaves to restore.
      if (process.signalCode === null && (fault === undefined || process.exitCode === 0))
        this.#endedWhole(process.exitCode, log());
      if (log().includes("after a bug")) throw new Loss(`powermon met a bug: ${log()}`);
    } finally {
      process.kill("SIGKILL");
    }
    line.faults += fault?.count() ?? 0;
    line.ends++;
    line.times.push(...this.#canary.times.splice(0));
    await this.#restore();
    const lost = differences(this.#before, settings(this.#machine));
    if (lost.length > 0) throw new Loss(`Not put back after ${signal}:\n${lost.join("\n")}`);
    line.back++;
  }

  /** Looks that a powermon which was let end has put everything back by itself. */
  #endedWhole(status: number | null, log: string): void {
    if (status !== 0) throw new Loss(`powermon ended with status ${status}: ${log}`);
    const lost = differences(this.#before, settings(this.#machine));
    if (lost.length > 0) throw new Loss(`Not put back by its end:\n${lost.join("\n")}`);
  }

  /** Takes what a row tells, and looks that no clock is out of its bounds and nobody's CPU is as it was. */
  #look(line: Row, pid: number): void {
    line.rssKib = Math.max(line.rssKib, readUsage(pid).rssKib);
    line.fds = Math.max(line.fds, readdirSync(`/proc/${pid}/fd`).length);
    if (this.#canary.wrong !== "") throw new Loss(`The canary had ${this.#canary.wrong}.`);
    for (const cpu of range(CPUS)) {
      const [khz, min, max] = ["scaling_setspeed", "cpuinfo_min_freq", "cpuinfo_max_freq"].map((file) =>
        this.#machine.policy(cpu, file),
      );
      if (Number(khz) < Number(min) || Number(khz) > Number(max))
        throw new Loss(`CPU ${cpu} has ${khz} kHz; it may have ${min} to ${max}.`);
    }
    const nobodys = `/policy${CPUS - 1}/`;
    const changed = differences(this.#before, settings(this.#machine)).filter((text) =>
      text.includes(nobodys),
    );
    if (changed.length > 0) throw new Loss(`Nobody may change this CPU: ${changed.join()}`);
  }

  /** Restores until that ends by itself: it is killed at random, too. */
  async #restore(): Promise<void> {
    for (;;) {
      const process = Bun.spawn([`${DIST}/powermon`, "restore", ...this.#machine.roots], {
        stdout: "ignore",
        stderr: "pipe",
      });
      const kill =
        this.#next(3) === 0 ? setTimeout(() => process.kill("SIGKILL"), this.#next(150)) : undefined;
      const said = await new Response(process.stderr).text();
      await this.#ended(process);
      clearTimeout(kill);
      if (process.signalCode !== null) continue;
      if (process.exitCode !== 0)
        throw new Loss(`powermon restore ended with status ${process.exitCode}: ${said}`);
      return;
    }
  }

  async #ended(process: Bun.Subprocess): Promise<void> {
    const late = Bun.sleep(PATIENCE_MS).then(() => {
      throw new Loss(`A powermon did not end within ${PATIENCE_MS} ms.`);
    });
    await Promise.race([process.exited, late]);
  }
}

async function main(): Promise<number> {
  const options = { minutes: { type: "string", default: "2" }, seed: { type: "string" } } as const;
  const { values } = parseArgs({ options });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error("--minutes and --seed are numbers.");
  process.stdout.write(
    `seed ${seed}, ${minutes} minutes, load before the start ${(loadavg()[0] ?? 0).toFixed(2)}\n\n`,
  );
  const lack = lackOfFaults();
  if (lack !== undefined) process.stdout.write(`Without faults of sysfs: ${lack}.\n\n`);
  if (!existsSync(`${DIST}/powermon`))
    throw new Error('There is no powermon in dist/: build it with "bun run build".');
  const soak = new Soak(seed, lack === undefined);
  try {
    await soak.run(minutes, seed);
    process.stdout.write(`${shown(soak.rows)}\n\nNothing was lost.\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Loss)) throw error;
    process.stdout.write(`${shown(soak.rows)}\n\nLost: ${error.message}\n`);
    return 1;
  } finally {
    soak.end();
  }
}

try {
  // The canary's listener and the timers of children that ended late would keep the process.
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exit(2);
}
