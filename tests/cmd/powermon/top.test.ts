// powermon top as a person sees it: in a real terminal, tmux, whose screen is read.

import { hostname } from "node:os";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type BusyHost, startBusyHost } from "../../helpers/busy-host.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { until } from "../../helpers/until.ts";
import { MAIN, run } from "./run.ts";

let host: BusyHost;
beforeAll(async () => {
  host = await startBusyHost(8, { "db-primary": 3, edge: 2 }, '[limits."0"]\nceiling = 2200000\n');
  for (let vcpu = 0; vcpu < 3; vcpu++) host.scale("db-primary", vcpu, "max");
  host.scale("edge", 0, "min");
  host.scale("edge", 0, "min", "db-primary");
}, 20_000);
afterAll(() => host.stop());

/** A terminal of its own server, so that nobody's tmux is touched. */
class Terminal {
  readonly #server = `powermon-test-${process.pid}-${Math.random().toString(36).slice(2)}`;

  constructor(columns: number, rows: number, command: readonly string[]) {
    const size = ["-x", String(columns), "-y", String(rows)];
    const quoted = command.map((word) => `'${word}'`).join(" ");
    this.#tmux("-f", "/dev/null", "new-session", "-d", ...size, `${quoted}; echo "status $?"; exec cat`);
  }
  get screen(): string {
    return this.#tmux("capture-pane", "-p");
  }
  keys(...keys: readonly string[]): void {
    this.#tmux("send-keys", ...keys);
  }
  resize(columns: number, rows: number): void {
    this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }
  async shows(text: string | RegExp): Promise<void> {
    const seen = () => (typeof text === "string" ? this.screen.includes(text) : text.test(this.screen));
    await until(`the terminal shows ${String(text)}`, seen, 8000).catch((cause: Error) => {
      throw new Error(`${cause.message}; it shows:\n${this.screen}`);
    });
  }
  [Symbol.dispose](): void {
    this.#tmux("kill-server");
  }
  #tmux(...words: readonly string[]): string {
    const env = { ...process.env, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" };
    const done = Bun.spawnSync(["tmux", "-L", this.#server, ...words], { env });
    if (!done.success) throw new Error(`tmux ${words[0]}: ${done.stderr.toString()}`);
    return done.stdout.toString();
  }
}

const top = (columns = 80, rows = 24, socket = host.socket) =>
  new Terminal(columns, rows, [process.execPath, MAIN, "top", "-i", "1", "--socket", socket]);

testNeeding(
  ["tmux"],
  "powermon top shows clocks, VMs and refusals, and what happens to them",
  async () => {
    using terminal = top();
    await terminal.shows(`powermon on ${hostname()}`.slice(0, 60));
    await terminal.shows(/^1 +2\.60 \[█+\] +1\.20 +2\.60 db-primary vCPU 1 +1$/m);
    await terminal.shows(/^0 +2\.20 \[█+·+\] +1\.20 +2\.20 db-primary vCPU 0 +1 clipped$/m);
    await terminal.shows(/^3 +1\.20 \[█─+\] .* edge vCPU 0/m);
    await terminal.shows(/^7 +≤2\.60 \[─+\] +1\.20 +2\.60 nobody: ondemand +-$/m);
    await terminal.shows('edge vCPU 0: The guest calls itself "db-primary"');
    host.scale("edge", 0, "max");
    await terminal.shows(/^3 +2\.60 /m);
    host.scale("edge", 0, "min");
    await terminal.shows(/^3 +1\.20 /m);
  },
  30_000,
);

testNeeding(
  ["tmux"],
  "powermon top shows how busy CPUs are, and one VM alone",
  async () => {
    const metered = await startBusyHost(8, { vm1: 2 }, "", true);
    const began = performance.now();
    const timer = setInterval(() => {
      const s = (performance.now() - began) / 1000;
      metered.meters?.busy([0, s / 2]);
      metered.meters?.energy(s * 85);
    }, 50);
    try {
      metered.scale("vm1", 1, "max");
      metered.meters?.measured(1, 2_590_000);
      using terminal = top(100, 30, metered.socket);
      await terminal.shows(/^CPUs \d+% busy, package-0 \d+\.\d W, coretemp Package id 0 61 °C$/m);
      await terminal.shows(/^1 +[345]\d% +2\.60 +2\.59 \[█+\] +1\.20 +2\.60 vm1 vCPU 1 +1$/m);
      await terminal.shows(/^LAST CHANGES\n\d\d:\d\d:\d\d CPU 1 set to 2\.60 GHz, by vm1 vCPU 1$/m);
      terminal.keys("Tab", "Enter");
      await terminal.shows(/^1 +1 +[345]\d% +2\.60 +2\.60 +2\.59$/m);
      expect(terminal.screen).toContain("floor min, ceiling max, turbo yes, queries yes");
      terminal.keys("Escape");
      await terminal.shows(/^7 +0% /m);
      terminal.resize(78, 9);
      await terminal.shows(/^Not shown: 7 more CPUs \(Tab, Page Down\); 1 change \(c\)/m);
    } finally {
      clearInterval(timer);
      await metered.stop();
    }
  },
  40_000,
);

testNeeding(
  ["tmux"],
  "powermon top follows its keys and the terminal's size, and leaves it as it was",
  async () => {
    using terminal = top();
    await terminal.shows("clocks by number");
    terminal.keys("s");
    await terminal.shows("clocks by frequency");
    terminal.keys("Tab", "s");
    await terminal.shows("VMs by requests");
    terminal.keys("?");
    await terminal.shows("pause and go on");
    terminal.keys("?", "/", "e", "d", "g", "e");
    await terminal.shows("Show only: edge_");
    terminal.keys("Enter");
    await terminal.shows('only "edge"');
    expect(terminal.screen).not.toContain("db-primary vCPU");
    terminal.keys("Escape");
    await terminal.shows("db-primary vCPU");
    terminal.resize(130, 9);
    await terminal.shows(/^CPUS .{100,}CLAIMS$/m);
    terminal.resize(50, 20);
    await terminal.shows(/^VM .*REFUSED F$[^]*^LAST REFUSALS$/m);
    for (const line of terminal.screen.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(50);
    terminal.keys("p");
    await terminal.shows("PAUSED");
    const before = terminal.screen;
    host.scale("edge", 1, "min");
    using other = top();
    await other.shows(/^4 +1\.20 /m);
    await other.shows("0.0 requests/s");
    expect(terminal.screen).toBe(before);
    terminal.keys("p");
    await terminal.shows(/4 +1\.20/);
    terminal.keys("q");
    await terminal.shows("status 0");
    expect(terminal.screen).not.toContain("powermon on ");
  },
  40_000,
);

test("powermon top prints one plain frame where there is no terminal", async () => {
  const { status, out, err } = await run("top", "--socket", host.socket);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  // oxlint-disable-next-line no-control-regex
  expect(out).not.toMatch(/\u001b/);
  expect(out).toMatch(/^2 +2\.60 \[[#█]+\]/m);
  expect(out).toMatch(/^db-primary +1 +0\.0 +0 +0 -$/m);
});

test("powermon top --json prints one object for each interval, with rates from the second on", async () => {
  const { status, out } = await run("top", "--json", "--count", "2", "-i", "1", "--socket", host.socket);
  expect(status).toBe(0);
  const [first, second] = out.split("\n").map((line) => JSON.parse(line));
  expect(first.vms[0]).not.toHaveProperty("requestsPerSecond");
  expect(second.vms[0]).toMatchObject({ vm: "db-primary", requestsPerSecond: 0 });
  expect(Date.parse(second.at) - Date.parse(first.at)).toBeGreaterThanOrEqual(1000);
});

test.each([
  [["-i", "0"], 2, "--interval must be a whole number from 1 to 3600"],
  [["--count", "x"], 2, "--count must be a whole number"],
  [["--socket", "/nowhere/x.sock"], 4, "does not answer"],
] as const)("powermon top %j ends with status %d", async (words, status, why) => {
  const done = await run("top", ...words);
  expect(done.status).toBe(status);
  expect(done.err).toContain(why);
});
