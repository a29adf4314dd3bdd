// What a guest and powermon's memory have of HTTP clients that ask for much and read nothing.
//
//   bun bench/http-flood.ts [--seconds 20] [--clients 64] [--before FOLDER]     needs dist/powermon
//
// A guest asks every 5 ms: first alone, then while each client pipelines `GET /metrics` on a connection that it never reads, and comes
// again when it is closed; memory is taken before, at its highest meanwhile, and once they have left.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Socket } from "bun";
import { table } from "../internal/output/table.ts";
import { encodeRequest } from "../internal/packet/request.ts";
import { makeMachine } from "../tests/helpers/daemon.ts";
import { until } from "../tests/helpers/until.ts";
import { readUsage } from "./usage.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    clients: { type: "string", default: "64" },
    before: { type: "string" },
  },
});
const REPO = resolve(import.meta.dir, "..");
const CANARY_MS = 5;
const FRAME = 464;
/** Requests of one client, more than any buffer holds the answers of. */
const ASKS = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);

/** A guest at `path` that asks every 5 ms, one request at a time; returns the times of its answers, in ms, and what ends it. */
function canary(path: string) {
  const times: number[] = [];
  let socket: Socket<undefined> | undefined;
  let [asked, got] = [0, 0];
  const listener = Bun.listen({
    unix: path,
    socket: {
      open: (one) => void (socket = one),
      data(_socket, bytes) {
        got += bytes.length;
        if (got < FRAME) return;
        times.push(performance.now() - asked);
        asked = got = 0;
      },
    },
  });
  const timer = setInterval(() => {
    if (socket === undefined || asked > 0) return;
    asked = performance.now();
    const request = { kind: "scale", vcpu: 0, vmName: "", physical: false, step: "max" } as const;
    socket.write(encodeRequest(request, "18.11"));
  }, CANARY_MS);
  const stop = () => {
    clearInterval(timer);
    listener.stop(true);
  };
  return { times, stop };
}

/** Clients on `port` that never read; returns what ends them. */
async function flood(port: number, clients: number): Promise<() => void> {
  let on = true;
  const sockets = new Set<Socket<undefined>>();
  const one = async (): Promise<void> => {
    const handlers = {
      open(socket: Socket<undefined>) {
        sockets.add(socket);
        socket.pause();
        socket.write(ASKS);
      },
      data() {},
      error() {},
      close(socket: Socket<undefined>) {
        sockets.delete(socket);
        if (on) void one();
      },
    };
    await Bun.connect({ hostname: "127.0.0.1", port, socket: handlers });
  };
  await Promise.all(Array.from({ length: clients }, one));
  return () => {
    on = false;
    for (const socket of sockets) socket.terminate();
  };
}

const at = (times: readonly number[], part: number) =>
  times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * part)] ?? Number.NaN;

/** Measures the build in `folder` and returns its row of the table. */
async function measure(folder: string): Promise<string[]> {
  const machine = makeMachine("acpi-cpufreq-8cpu-independent");
  mkdirSync(machine.stateDir, { recursive: true });
  const config = join(machine.tree.root, "powermon.toml");
  writeFileSync(config, '[http]\nlisten = "127.0.0.1:0"\n');
  const guest = canary(join(machine.dir, "vm1.0"));
  const unit = readFileSync(join(REPO, "packaging/powermon.service"), "utf8");
  const env = Object.fromEntries([...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)].map((m) => [m[1], m[2]]));
  const words = ["run", "--config", config, "--dir", machine.dir, ...machine.roots, "--pin", "vm1:0=0"];
  const daemon = Bun.spawn([join(resolve(REPO, folder), "powermon"), ...words], {
    env: { PATH: "/usr/bin:/bin", ...env },
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  void (async () => {
    for await (const bytes of daemon.stderr) log += Buffer.from(bytes).toString();
  })();
  const rss = () => readUsage(daemon.pid).rssKib / 1024;
  const port = () => Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(log)?.[1]);
  try {
    await until("powermon answers", () => port() > 0 && guest.times.length > 400, 30_000);
    const quiet = guest.times.splice(0);
    const before = rss();
    let most = before;
    const end = await flood(port(), Number(values.clients));
    for (let second = 0; second < Number(values.seconds); second++) {
      await Bun.sleep(1000); // the flood is what is measured
      most = Math.max(most, rss());
    }
    const beside = guest.times.splice(0);
    end();
    await Bun.sleep(2000); // they have left
    const times = [0.5, 0.99].flatMap((part) =>
      [at(quiet, part), at(beside, part)].map((ms) => ms.toFixed(2)),
    );
    const ratio = (part: number) => `${(at(beside, part) / at(quiet, part)).toFixed(1)}x`;
    const [quiet50 = "", beside50 = "", quiet99 = "", beside99 = ""] = times;
    const memory = [before, most, rss()].map((mib) => mib.toFixed(0));
    return [folder, quiet50, beside50, ratio(0.5), quiet99, beside99, ratio(0.99), ...memory];
  } finally {
    daemon.kill("SIGTERM");
    await daemon.exited;
    guest.stop();
    machine.remove();
  }
}

const load = loadavg()[0] ?? 0;
const rows: string[][] = [];
for (const folder of [values.before, "dist"]) if (folder !== undefined) rows.push(await measure(folder));
const head = [
  "build",
  "quiet p50 ms",
  "beside",
  "",
  "quiet p99",
  "beside",
  "",
  "RSS MiB before",
  "highest",
  "after",
];
console.log(
  `${values.clients} clients, load before the start ${load.toFixed(2)}\n\n${table([head, ...rows])}`,
);
