// What the guest's agent costs while nobody asks, and what a one-shot command costs with it and without.
//
//   bun bench/agent.ts [--seconds 20] [--shots 20]     needs dist/vmpower-guest and socat
//
// Ports are ptys: character devices without a kernel of their own, which the agent reads as it does virtio ports. The host is this process.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ExtensionAnswer } from "../internal/values/extension.ts";
import { connectAgent } from "../internal/guest/agent/local-client.ts";
import { portPath } from "../internal/guest/port.ts";
import { encodeAnswer } from "../internal/packet/extension.ts";
import { FrameCutter } from "../internal/packet/frame.ts";
import { acknowledge } from "../internal/packet/reply.ts";
import { RequestDecoder } from "../internal/packet/request.ts";
import { table } from "../internal/output/table.ts";
import type { Request } from "../internal/values/request.ts";
import { readUsage } from "./usage.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, shots: { type: "string", default: "20" } },
});
const SECONDS = Number(values.seconds);
const SHOTS = Number(values.shots);
const GUEST = process.env["GUEST"] ?? join(import.meta.dir, "../dist/vmpower-guest");
const LEASE_S = 10;

/** Answers every request as a host that has nothing to say against it. */
function answer(request: Request): Uint8Array | undefined {
  if (request.kind !== "extension") return undefined;
  const { ask } = request;
  const answers: Partial<Record<typeof ask.do, ExtensionAnswer>> = {
    hello: { do: "hello", version: 1, leaseS: LEASE_S, vcpus: 64 },
    ping: { do: "ping", lapses: 0 },
    freqs: { do: "freqs", total: 2, first: 0, nominal: 0, turboAtStart: false, khz: [2_000_000, 1_000_000] },
    scale: { do: "scale", wishKhz: 2_000_000, targetKhz: 2_000_000 },
    release: { do: "release", wishKhz: 0, targetKhz: 0 },
  };
  const said = answers[ask.do];
  return said && encodeAnswer(request, said);
}

/** Makes `count` ports in `dir`, each with a host. */
async function openPorts(dir: string, count: number) {
  const links: Bun.Subprocess[] = [];
  const listeners = Array.from({ length: count }, (_, n) => {
    const unix = join(dir, `host.${n}`);
    const listener = Bun.listen<{ cutter: FrameCutter; decoder: RequestDecoder }>({
      unix,
      socket: {
        open(socket) {
          socket.data = { cutter: new FrameCutter("18.11"), decoder: new RequestDecoder() };
        },
        data(socket, bytes) {
          const { cutter, decoder } = socket.data;
          cutter.take(bytes, performance.now());
          for (let frame = cutter.next(); frame !== undefined; frame = cutter.next()) {
            const request = decoder.decode(frame);
            if (request.kind === "malformed" || request.kind === "connect") continue;
            socket.write(answer(request) ?? acknowledge(frame, true));
          }
        },
      },
    });
    const pty = `PTY,link=${portPath(n, dir)},raw,echo=0`;
    links.push(Bun.spawn(["socat", `UNIX-CONNECT:${unix}`, pty], { stderr: "ignore" }));
    return listener;
  });
  const last = Bun.file(portPath(count - 1, dir));
  for (let tries = 0; tries < 500 && !(await last.exists()); tries++) await Bun.sleep(10);
  return async () => {
    for (const link of links) link.kill();
    await Promise.all(links.map((link) => link.exited));
    for (const listener of listeners) listener.stop(true);
  };
}

async function startAgent(dir: string, socket: string) {
  const config = join(dir, "agent.toml");
  await Bun.write(config, `port_dir = "${dir}"\nsocket = "${socket}"\nlease_s = ${LEASE_S}\n`);
  const child = Bun.spawn([GUEST, "agent", "--config", config], {
    env: { BUN_GC_TIMER_DISABLE: "1" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  let log = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stderr) {
    log += decoder.decode(bytes);
    if (log.includes("Serving")) break;
  }
  if (!log.includes("Serving")) throw new Error(`The agent ended: ${log}`);
  return { child, connected: log.match(/Host connected/g)?.length ?? 0 };
}

/** @param claims whether each vCPU has a claim, whose lease is renewed */
async function idle(ports: number, claims: boolean): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), "agent-bench-"));
  const close = await openPorts(dir, ports);
  try {
    const { child, connected } = await startAgent(dir, join(dir, "agent.sock"));
    if (connected !== ports) throw new Error(`${connected} of ${ports} ports met their host`);
    if (claims) {
      const client = await connectAgent(join(dir, "agent.sock"));
      await client?.ask({ do: "scale", vcpus: `0-${ports - 1}`, step: "max", keep: true });
      client?.close();
    }
    await Bun.sleep(2000);
    const before = readUsage(child.pid);
    const began = performance.now();
    await Bun.sleep(SECONDS * 1000);
    const after = readUsage(child.pid);
    const ms = performance.now() - began;
    child.kill("SIGTERM");
    await child.exited;
    const cpu = ((after.cpuNs - before.cpuNs) / 1e6 / ms) * 100;
    const wakeups = ((after.wakeups - before.wakeups) / ms) * 1000;
    return [
      `${ports}`,
      claims ? "one a vCPU" : "none",
      `${cpu.toFixed(3)} %`,
      wakeups.toFixed(1),
      `${(after.rssKib / 1024).toFixed(0)} MiB`,
      `${(after.anonKib / 1024).toFixed(0)} MiB`,
    ];
  } finally {
    await close();
    rmSync(dir, { recursive: true });
  }
}

/** Returns the median time of `SHOTS` one-shot commands, in ms. */
async function shoot(words: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < SHOTS; i++) {
    const began = performance.now();
    const child = Bun.spawn([GUEST, ...words], { stdout: "ignore", stderr: "pipe" });
    if ((await child.exited) !== 0) throw new Error(`${words.join(" ")}: ${await child.stderr.text()}`);
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[SHOTS >> 1] ?? Number.NaN;
}

async function oneShots(): Promise<string[][]> {
  const dir = mkdtempSync(join(tmpdir(), "agent-bench-"));
  const close = await openPorts(dir, 1);
  const socket = join(dir, "agent.sock");
  try {
    const scale = ["scale", "up", "--vcpu", "0", "--timeout-ms", "2000"];
    const version = await shoot(["--version"]);
    const port = await shoot([...scale, "--port-dir", dir]);
    const { child } = await startAgent(dir, socket);
    const through = await shoot([...scale, "--agent", socket]);
    child.kill("SIGTERM");
    await child.exited;
    return [
      ["--version", `${version.toFixed(1)} ms`],
      ["scale through the port", `${port.toFixed(1)} ms`],
      ["scale through the agent", `${through.toFixed(1)} ms`],
    ];
  } finally {
    await close();
    rmSync(dir, { recursive: true });
  }
}

const idles: string[][] = [];
for (const ports of [1, 64]) for (const claims of [false, true]) idles.push(await idle(ports, claims));
console.log(`Idle, lease ${LEASE_S} s, over ${SECONDS} s:\n`);
console.log(table([["PORTS", "CLAIMS", "CPU", "WAKEUPS/S", "RSS", "ANONYMOUS"], ...idles]));
console.log(`\nOne-shot commands, median of ${SHOTS}:\n`);
console.log(table([["COMMAND", "TIME"], ...(await oneShots())]));
