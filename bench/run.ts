// `bun run bench`: powermon beside the yardstick on the same fixture tree, so that a slow change shows here first.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeTree } from "../tests/helpers/tree.ts";
import { type Key, METRICS, measure, type Size } from "./measure.ts";
import { type Side, summarize, table } from "./report.ts";
import { BadReplies, type Server } from "./session.ts";

const USAGE = `usage: bun run bench [--quick] [--null] [--json FILE]
  --quick      one small round, about 10 s: shows that it runs, not how fast
  --null       the yardstick against itself: how far from 1 a ratio gets on this machine by chance
  --json FILE  write the figures as JSON, too
`;

const REPO = resolve(import.meta.dir, "..");
const FULL = { rounds: 5, idleMs: 10_000, size: { warmUp: 20_000, pings: 30_000, requests: 100_000 } };
const QUICK = { rounds: 1, idleMs: 1000, size: { warmUp: 2000, pings: 4000, requests: 20_000 } };
const STARTS = 20;

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

/** Runs everything, A B A B, and returns the lines of the report. */
async function bench(scratch: string, sysfs: string, proc: string, quick: boolean, against: Side) {
  const client = compile(scratch, "client");
  const yardstick = compile(scratch, "yardstick");
  const stateDir = join(scratch, "state");
  const powermon = ["env", ...unitEnvironment(), join(REPO, "dist/powermon")];
  const servers: Record<Side, Server> = {
    yardstick: (dir) => [yardstick, dir, sysfs],
    powermon: (dir, vms, channelsPerVm) => {
      rmSync(stateDir, { recursive: true, force: true });
      mkdirSync(stateDir);
      const map = Array.from({ length: channelsPerVm }, (_, n) => `${n}=${n}`).join(",");
      const pins = Array.from({ length: vms }, (_, k) => ["--pin", `vm${k}:${map}`]).flat();
      const roots = ["--sysfs-root", sysfs, "--proc-root", proc, "--state-dir", stateDir];
      return [...powermon, "run", "--dir", dir, ...roots, ...pins, "--log-level", "warn"];
    },
  };
  const sides = { powermon: servers[against], yardstick: servers.yardstick };
  const figures = new Map<Key, Record<Side, number[]>>();
  const put = (side: Side) => (key: Key, value: number) => {
    const both = figures.get(key) ?? { powermon: [], yardstick: [] };
    both[side].push(value);
    figures.set(key, both);
  };
  const { rounds, idleMs, size } = quick ? QUICK : FULL;
  for (let round = 0; round < rounds; round++) {
    for (const side of ["powermon", "yardstick"] as const) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${side === "powermon" ? against : side}\n`);
      const whole: Size = { ...size, idleMs: round === 0 ? idleMs : 0 };
      await measure(scratch, client, sides[side], whole, put(side));
    }
  }
  const usage = () => timeStart([yardstick], 2);
  const version = () => timeStart([join(REPO, "dist/vmpower-guest"), "--version"], 0);
  for (let i = 0; i < STARTS; i++) {
    put("powermon")("start", against === "powermon" ? version() : usage());
    put("yardstick")("start", usage());
  }
  return [...figures].map(([key, both]) => ({ key, ...summarize(METRICS[key], both) }));
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { quick: { type: "boolean" }, null: { type: "boolean" }, json: { type: "string" } },
  });
  const against = values.null === true ? "yardstick" : "powermon";
  for (const program of against === "powermon" ? ["dist/powermon", "dist/vmpower-guest"] : [])
    if (!existsSync(join(REPO, program)))
      throw new Error(`Cannot find "${program}": build it with "bun run build".`);
  const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "powermon-bench-"));
  try {
    const load = loadavg()[0] ?? 0; // before the bench adds its own
    const tree = makeTree("acpi-cpufreq-8cpu-independent", scratch);
    const lines = await bench(scratch, tree.sys, tree.proc, values.quick === true, against);
    const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, kernel: release(), bun: Bun.version, load };
    process.stdout.write(
      `${machine.cpus} x ${machine.cpu}, Linux ${machine.kernel}, Bun ${machine.bun}, load before the start ${load.toFixed(2)}\n\n`,
    );
    process.stdout.write(table(lines, against));
    if (values.json !== undefined)
      await Bun.write(values.json, `${JSON.stringify({ machine, against, lines }, undefined, 2)}\n`);
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
