// How long the first request of a freshly started powermon takes, with its state folder on a disk that is kept busy.
//
//   bun bench/first-answer.ts [--starts 50] [--before FOLDER] [--disk FOLDER] [--quiet] [--state-dir]     needs dist/powermon
//
// As root the folders are the default ones, in a mount namespace: /var/lib/powermon on that disk, /run in memory. Otherwise, and with
// --state-dir for a build that knows no other way, all state is on that disk. The guest asks as soon as powermon has connected to it, and each start serves one request: nothing is warm but what powermon warmed.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../internal/output/table.ts";
import { encodeRequest } from "../internal/packet/request.ts";
import type { GuestPolicy, Request } from "../internal/values/request.ts";
import { keepDiskBusy } from "../tests/helpers/busy-disk.ts";
import { makeTree, type Tree } from "../tests/helpers/tree.ts";

const { values } = parseArgs({
  options: {
    starts: { type: "string", default: "50" },
    before: { type: "string" },
    disk: { type: "string", default: tmpdir() },
    quiet: { type: "boolean", default: false },
    "state-dir": { type: "boolean", default: false },
  },
});
const REPO = resolve(import.meta.dir, "..");
const REPLY_BYTES = 464;
const IN_NAMESPACE = process.getuid?.() === 0 && !values["state-dir"];
/** A stock guest gives up after it, in ms. */
const PATIENCE_MS = 10;

const stated = { vcpu: 0, vmName: "", physical: false };
const policy: GuestPolicy = {
  type: "time",
  vcpus: [0],
  macs: [],
  traffic: { min: 0, avg: 0, max: 0 },
  busyHours: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  quietHours: [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
  trafficHours: [],
  workload: "high",
  turbo: false,
};
const FIRST: Readonly<Record<string, Request>> = {
  SCALE: { kind: "scale", step: "max", ...stated },
  "PKT_POLICY, time": { kind: "policy", policy, ...stated },
  "PKT_POLICY, workload": { kind: "policy", policy: { ...policy, type: "workload" }, ...stated },
};

/** Starts powermon once and returns how long `request` waits for its answer, in ms. */
async function firstAnswer(program: string, tree: Tree, stateDir: string, request: Request): Promise<number> {
  const dir = mkdtempSync(join(tree.root, "channels-"));
  const bytes = encodeRequest(request, "18.11");
  const { promise: answered, resolve: answer } = Promise.withResolvers<number>();
  let since = 0;
  let got = 0;
  const listener = Bun.listen({
    unix: join(dir, "vm1.0"),
    socket: {
      open(socket) {
        since = performance.now();
        socket.write(bytes);
      },
      data(_socket, reply) {
        got += reply.length;
        if (got === REPLY_BYTES) answer(performance.now() - since);
      },
    },
  });
  mkdirSync(stateDir);
  const unit = readFileSync(join(REPO, "packaging/powermon.service"), "utf8");
  const env = Object.fromEntries([...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map((m) => [m[1], m[2]]));
  const roots = ["--sysfs-root", tree.sys, "--proc-root", tree.proc];
  const run = [program, "run", "--dir", dir, ...roots, "--pin", "vm1:0=0", "--log-level", "error"];
  const mounts = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir /run/powermon /var/lib/powermon &&
    mount --bind ${stateDir} /var/lib/powermon && exec "$@"`;
  const daemon = Bun.spawn(
    IN_NAMESPACE ? ["unshare", "-m", "sh", "-c", mounts, "sh", ...run] : [...run, "--state-dir", stateDir],
    { env: { PATH: "/usr/bin:/bin", ...env }, stdout: "ignore", stderr: "inherit" },
  );
  const ms = await Promise.race([answered, daemon.exited.then(() => Number.NaN)]);
  daemon.kill("SIGTERM");
  await daemon.exited;
  listener.stop(true);
  rmSync(stateDir, { recursive: true });
  rmSync(dir, { recursive: true });
  return ms;
}

const at = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;

const programs = [values.before, "dist"].filter((folder) => folder !== undefined);
const disk = mkdtempSync(join(values.disk, "first-answer-"));
const tree = makeTree("acpi-cpufreq-8cpu-independent");
const load = loadavg()[0] ?? 0;
const quiet = values.quiet ? undefined : keepDiskBusy(disk, 64);
try {
  const times = new Map<string, number[]>();
  for (let start = 0; start < Number(values.starts); start++) {
    for (const [name, request] of Object.entries(FIRST)) {
      for (const folder of programs) {
        const program = join(resolve(REPO, folder), "powermon");
        const ms = await firstAnswer(program, tree, join(disk, "state"), request);
        const key = programs.length > 1 ? `${name} (${folder})` : name;
        times.set(key, [...(times.get(key) ?? []), ms]);
      }
    }
  }
  const rows = [...times].map(([name, list]) => {
    const sorted = list.toSorted((a, b) => a - b);
    const late = sorted.filter((ms) => !(ms <= PATIENCE_MS)).length;
    return [
      name,
      ...[0.5, 0.9, 0.99].map((part) => at(sorted, part).toFixed(2)),
      `${late} of ${sorted.length}`,
    ];
  });
  console.log(
    `load before the start ${load.toFixed(2)}, disk ${values.quiet ? "left alone" : "kept busy"}, ${IN_NAMESPACE ? "records of a boot in /run" : "all state on the disk"}\n`,
  );
  console.log(table([["first request", "p50 ms", "p90", "p99", `past ${PATIENCE_MS} ms`], ...rows]));
} finally {
  await quiet?.();
  rmSync(disk, { recursive: true, force: true });
  tree.remove();
}
