// `bun run bench`: powermon beside the yardstick on the same fixture tree, so that a slow change shows here first.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeTree, type Tree } from "../tests/helpers/tree.ts";
import { type Key, METRICS, measure } from "./measure.ts";
import { type Line, type Metric, type Side, summarize, table } from "./report.ts";
import { BadReplies, type Server } from "./session.ts";

const USAGE = `usage: bun run bench [--quick] [--null | --before FOLDER] [--json FILE]
  --quick           one small round, about 10 s: shows that it runs, not how fast
  --null            the yardstick against itself: how far from 1 a ratio gets on this machine by chance
  --before FOLDER   another build (its dist folder) in the yardstick's place: what a change costs
  --json FILE       write the figures as JSON, too
`;

const REPO = resolve(import.meta.dir, "..");
const FULL = {
  rounds: 5,
  idleMs: 10_000,
  size: { warmUp: 20_000, pings: 30_000, requests: 100_000, canaries: 600 },
};
const QUICK = {
  rounds: 1,
  idleMs: 1000,
  size: { warmUp: 2000, pings: 4000, requests: 20_000, canaries: 100 },
};
const STARTS = 20;
/** The fixture machine and how many CPUs it has. */
const MACHINE = "acpi-cpufreq-8cpu-independent";
const CPUS = 8;

/** Builds `name`.c of this folder into `scratch`; returns the program's path. */
function compile(scratch: string, name: string): string {
  const program = join(scratch, name);
  const gcc = Bun.spawnSync(["gcc", "-O2", "-Wall", "-o", program, join(import.meta.dir, `${name}.c`)]);
  if (!gcc.success) throw new Error(`Cannot compile "bench/${name}.c":\n${gcc.stderr}`);
  return program;
}

/** Returns what the systemd unit sets in powermon's environment, as NAME=VALUE words. */
function unitEnvironment(): string[] {
  const unit = readFileSync(join(REPO, "packaging/powermon.service"), "utf8");
  return [...unit.matchAll(/^Environment=(\S+)$/gm)].map(([, word = ""]) => word);
}

/** Returns how long one run of `argv` takes from spawn to exit, in ms. Throws when it ends with another status than `status`. */
function timeStart(argv: string[], status: number): number {
  const since = Bun.nanoseconds();
  const { exitCode } = Bun.spawnSync(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const ms = (Bun.nanoseconds() - since) / 1e6;
  if (exitCode !== status)
    throw new Error(`"${argv.join(" ")}" ended with status ${exitCode}, not ${status}.`);
  return ms;
}

/** What is compared: the name of each side in the table, its server, and a command whose start-up is timed. */
interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly start: { readonly argv: string[]; readonly status: number };
}

/** Returns a build of powermon at `program` as a server on the fixture tree, each time with an empty state folder under `scratch`. */
function powermonServer(program: string, scratch: string, tree: Tree): Server {
  const stateDir = join(scratch, "state");
  return (dir, vms, channelsPerVm) => {
    rmSync(stateDir, { recursive: true, force: true });
    mkdirSync(stateDir);
    const map = Array.from({ length: Math.min(channelsPerVm, CPUS) }, (_, n) => `${n}=${n}`).join(",");
    const pins = Array.from({ length: vms }, (_, k) => ["--pin", `vm${k}:${map}`]).flat();
    const roots = ["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", stateDir];
    const run = ["run", "--dir", dir, ...roots, ...pins, "--log-level", "warn"];
    return ["env", ...unitEnvironment(), program, ...run];
  };
}

/** Runs everything, A B B A and so on, and returns the lines of the report. */
async function bench(scratch: string, quick: boolean, contest: Record<Side, Contender>): Promise<Line[]> {
  const client = compile(scratch, "client");
  const figures = new Map<Key, Record<Side, number[]>>();
  const put = (side: Side) => (key: Key, value: number) => {
    const both = figures.get(key) ?? { powermon: [], yardstick: [] };
    both[side].push(value);
    figures.set(key, both);
  };
  const { rounds, idleMs, size } = quick ? QUICK : FULL;
  for (let round = 0; round < rounds; round++) {
    const order: Side[] = round % 2 === 0 ? ["powermon", "yardstick"] : ["yardstick", "powermon"];
    for (const side of order) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${contest[side].name}\n`);
      // What takes long is not in every round.
      const part = { idleMs: round === 0 ? idleMs : 0, canaries: round % 2 === 0 ? size.canaries : 0 };
      await measure(scratch, client, contest[side].server, { ...size, ...part }, put(side));
    }
  }
  for (let i = 0; i < STARTS; i++) {
    for (const side of ["powermon", "yardstick"] as const) {
      const { argv, status } = contest[side].start;
      put(side)("start", timeStart(argv, status));
    }
  }
  return [...figures].map(([key, both]) => {
    const { title, unit, ...rest }: Metric = METRICS[key];
    const wanted = contest.yardstick.name === "yardstick" ? rest : {}; // of an older build nothing is wanted
    return { key, ...summarize({ title, unit, ...wanted }, both) };
  });
}

/** Returns who runs against whom. Throws when a program is missing. */
function contenders(
  scratch: string,
  tree: Tree,
  against: "yardstick" | "itself" | { readonly before: string },
) {
  const c = compile(scratch, "yardstick");
  const yardstick: Contender = {
    name: "yardstick",
    server: (dir) => [c, dir, tree.sys],
    start: { argv: [c], status: 2 },
  };
  if (against === "itself") return { powermon: yardstick, yardstick };
  const build = (name: string, folder: string): Contender => ({
    name,
    server: powermonServer(program(join(folder, "powermon")), scratch, tree),
    start: { argv: [program(join(folder, "vmpower-guest")), "--version"], status: 0 },
  });
  const powermon = build("powermon", join(REPO, "dist"));
  return { powermon, yardstick: against === "yardstick" ? yardstick : build("before", against.before) };
}

/** Returns `path` where there is such a file. */
function program(path: string): string {
  if (!existsSync(path)) throw new Error(`Cannot find "${path}": build it with "bun run build".`);
  return path;
}

async function main(): Promise<number> {
  const options = {
    quick: { type: "boolean" },
    null: { type: "boolean" },
    before: { type: "string" },
    json: { type: "string" },
  } as const;
  const { values } = parseArgs({ options });
  if (values.null === true && values.before !== undefined)
    throw new Error("--null and --before are two different comparisons: give one of them.");
  const against =
    values.before !== undefined
      ? { before: resolve(values.before) }
      : values.null === true
        ? "itself"
        : "yardstick";
  const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "powermon-bench-"));
  try {
    const load = loadavg()[0] ?? 0; // before the bench adds its own
    const contest = contenders(scratch, makeTree(MACHINE, scratch), against);
    const lines = await bench(scratch, values.quick === true, contest);
    const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release(), bun: Bun.version, load };
    process.stdout.write(
      `${machine.cpus} x ${machine.cpu}, Linux ${machine.kernel}, Bun ${machine.bun}, load before the start ${load.toFixed(2)}\n\n`,
    );
    const names = [contest.powermon.name, contest.yardstick.name] as const;
    process.stdout.write(table(lines, ...names));
    if (values.json !== undefined)
      await Bun.write(values.json, `${JSON.stringify({ machine, names, lines }, undefined, 2)}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof BadReplies)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
