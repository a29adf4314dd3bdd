// Files run short: guests that are served stay served, and operators do without before a guest does.

import { afterEach, beforeEach, expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { DIST, type Machine, makeMachine } from "../helpers/daemon.ts";
import { frame } from "../helpers/lab.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

const LIMIT = 120;

let machine: Machine;
let guests: QemuSocket[];
beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  guests = [];
});
afterEach(() => {
  for (const guest of guests) guest.quit();
  machine.remove();
});

const guest = (name: string) => {
  const socket = new QemuSocket(`${machine.dir}/${name}`);
  guests.push(socket);
  return socket;
};

/** Starts powermon with few descriptors; returns its log and what ends it. */
async function start() {
  const run = [`${DIST}/powermon`, "run", "--dir", machine.dir, ...machine.roots, "--pin", "vm1:0=2"];
  const child = Bun.spawn(["prlimit", `--nofile=${LIMIT}:${LIMIT}`, ...run], { cwd: "/", stderr: "pipe" });
  let log = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) log += decoder.decode(bytes, { stream: true });
  })();
  await until("powermon serves", () => log.includes("Serving"));
  const end = async () => {
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await reading;
  };
  return { log: () => log, end };
}

testNeeding(
  ["prlimit"],
  "operators are refused before a guest is",
  async () => {
    const daemon = await start();
    const filler = Array.from({ length: 12 }, (_, n) => guest(`filler.${n}`));
    for (const one of filler) await one.hosted();
    const clients: Socket[] = [];
    let refused = 0;
    for (let i = 0; i < LIMIT && refused === 0; i++) {
      const client = connect(`${machine.stateDir}/control.sock`);
      client.on("data", (bytes) => void (refused += String(bytes).includes("guests go first") ? 1 : 0));
      client.on("error", () => {});
      clients.push(client);
      await new Promise((resolve) => client.once("connect", resolve));
    }
    await until("operators are refused", () => refused > 0);
    const vm1 = guest("vm1.0");
    await vm1.hosted();
    expect((await vm1.ask(frame({ step: "max" }))).length).toBe(464);
    expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
    for (const client of clients) client.destroy();
    await daemon.end();
  },
  20_000,
);

testNeeding(
  ["prlimit"],
  "more channels than descriptors leave those served that are, and clocks to be set",
  async () => {
    const vm1 = guest("vm1.0");
    const daemon = await start();
    await vm1.hosted();
    for (let n = 0; n < LIMIT; n++) guest(`many.${n}`);
    await until("some find no room", () => daemon.log().includes("EMFILE"), 10_000);
    expect((await vm1.ask(frame({ step: "max" }))).length).toBe(464);
    expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
    for (const one of guests.slice(1)) one.quit();
    const late = guest("late.0");
    await until("there is room again", () => late.connected, 10_000);
    expect([vm1.connections, daemon.log().includes("Channel removed")]).toEqual([1, true]);
    expect(daemon.log()).not.toContain("Cannot read the channel folder");
    await daemon.end();
    expect(machine.policy(2, "scaling_setspeed")).toBe("800000");
  },
  30_000,
);
