// Every answer of the API on fixture machines, as JSON without what differs from run to run.
// `bun tests/api/dump.ts` writes them anew into tests/fixtures/api/answers.json.

import { closeSync, constants, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readEvents } from "../../internal/control/event-reader.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { Step } from "../../internal/values/frequency.ts";
import { version } from "../../package.json";
import { type Machine, makeMachine } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

export const GOLDEN = join(import.meta.dir, "../fixtures/api/answers.json");
const MAIN = join(import.meta.dir, "../../cmd/powermon.ts");

/** A request and what came back. */
interface Asked {
  readonly asked: string;
  readonly body?: unknown;
  readonly status: number;
  readonly answer: unknown;
}

/** What one machine answered, and what it told a listener meanwhile. */
export interface Dump {
  readonly answers: readonly Asked[];
  readonly events: readonly unknown[];
}

type Row = readonly [line: string, body?: unknown];

/** Asked first, while all of it stands: a guest's claim, policies of all kinds, an operator's claim. */
const READS: readonly Row[] = [
  ["GET status"],
  ["GET vms"],
  ["GET vms/vm1"],
  ["GET vms/nobody"],
  ["GET vms/..%2fx"],
  ["GET channels"],
  ["GET freq"],
  ["GET freq/1-2"],
  ["GET freq/99"],
  ["GET freq/x"],
  ["GET explain/0"],
  ["GET explain/1"],
  ["GET explain/2"],
  ["GET explain/3"],
  ["GET explain/99"],
  ["GET explain/x"],
  ["GET live"],
  ["GET policies"],
  ["GET vms/vm2/policy"],
  ["GET vms/a.b/policy"],
  ["GET capabilities"],
  ["GET profiles"],
  ["GET profile/verify"],
  ["GET budget"],
  ["GET nothing"],
  ["POST status"],
];

const DRY = { dryRun: true };
/** Asked next: nothing changes by it. */
const DRY_RUNS: readonly Row[] = [
  ["PATCH vms/vm1", { ceiling: "min", ...DRY }],
  ["PUT vms/vm1/vcpus/0/pin", { pcpus: [0], ...DRY }],
  ["PUT vms/vm1/vcpus/99/pin", { pcpus: [0], ...DRY }],
  ["PATCH vms/vm1/channels/0", { enabled: false, ...DRY }],
  ["DELETE vms/vm1/channels/0", DRY],
  ["PUT vms/vm1/channels/0", DRY],
  ["PUT vms/vm1/channels/7", DRY],
  ["DELETE vms/vm2", DRY],
  ["PUT vms/vm2", DRY],
  ["PUT vms/nobody", DRY],
  ["PUT freq/2", { target: "min", ...DRY }],
  ["PUT freq/2", { target: "fast", ...DRY }],
  ["PUT freq/0", { target: "turbo-on", ...DRY }],
  ["DELETE freq/3", DRY],
  ["POST freq/all/retry", DRY],
  ["PUT vms/vm1/policy", { policy: { type: "workload", workload: "low" }, ...DRY }],
  ["PUT vms/vm1/policy", { policy: { type: "workload", workload: "low", vcpus: [9] }, ...DRY }],
  ["DELETE vms/vm2/policy", DRY],
  ["DELETE vms/vm1/policy", DRY],
  ["PUT budget", { watts: 110, ...DRY }],
  ["DELETE budget", DRY],
  ["DELETE profile", DRY],
  ["POST resumed", DRY],
];

const CHANGES: readonly Row[] = [
  ["PATCH vms/vm1", { queries: true, ceiling: 2_000_000 }],
  ["PATCH vms/vm1", { turbo: false, floor: "base", requestsPerSecond: 1000, burst: 50, save: true }],
  ["PATCH vms/vm1", {}],
  ["PATCH vms/vm1", { querys: true }],
  ["PATCH vms/vm1", { floor: 1 }],
  ["PATCH vms/vm1", { floor: "max", ceiling: "min" }],
  ["PATCH vms/vm1", { commands: ["max"], wire: "18.11", leaseS: 600, dryRun: true }],
  ["PATCH vms/vm1", { commands: ["fly"] }],
  ["PATCH vms/vm1", { floor: null, burst: null }],
  ["PATCH vms/nobody", { queries: true }],
  ["PUT vms/vm1/vcpus/0/pin", { pcpus: [0, 0] }],
  ["PUT vms/vm1/vcpus/1/pin", { pcpus: [0] }],
  ["PUT vms/vm1/vcpus/x/pin", { pcpus: [0] }],
  ["PUT vms/vm1/vcpus/0/pin", { pcpus: [-1] }],
  ["PATCH vms/vm1/channels/0", { enabled: false }],
  ["PATCH vms/vm1/channels/all", { enabled: true }],
  ["PATCH vms/vm1/channels/7", { enabled: true }],
  ["DELETE vms/vm1/channels/0", undefined],
  ["GET channels"],
  ["PUT vms/vm1/channels/0"],
  ["PUT vms/vm1/channels/5000"],
  ["PUT freq/0", { target: "max" }],
  ["PUT freq/0", { target: 1_500_000 }],
  ["PUT freq/0", { target: "turbo-on" }],
  ["PUT freq/all", { target: "max" }],
  ["PUT freq/0", {}],
  ["PUT freq/99", { target: "max" }],
  ["DELETE freq/0"],
  ["DELETE freq/all"],
  ["POST freq/all/retry"],
  ["POST freq/0-1/retry"],
  ["PUT vms/vm1/policy", { policy: { type: "workload", workload: "low", vcpus: [0] } }],
  ["PUT vms/vm1/policy", { policy: { type: "workload", workload: "low", vcpus: [9] } }],
  ["PUT vms/vm1/policy", { policy: { type: "workload", wrkload: "low" } }],
  ["PUT vms/vm1/policy", { policy: [] }],
  ["PUT vms/later/policy", { policy: { type: "workload", workload: "high" }, save: true }],
  ["GET vms/vm1/policy"],
  ["DELETE vms/vm1/policy"],
  ["DELETE vms/vm1/policy"],
  ["DELETE vms/later/policy", { save: true }],
  ["PUT profile", { name: "balanced", dryRun: true }],
  ["PUT profile", { name: "balanced", cpus: "0-1" }],
  ["PUT profile", { name: "night" }],
  ["PUT profile", { name: "balanced", cpus: "5-" }],
  ["PUT profile", {}],
  ["GET profiles"],
  ["PUT budget", { watts: 0 }],
  ["PUT budget", { watts: 1.5 }],
  ["PUT budget", { watt: 100 }],
  ["DELETE budget"],
  ["GET profile/verify"],
  ["DELETE profile", DRY],
  ["DELETE profile"],
  ["DELETE profile"],
  ["POST suspend", { target: "mem", durationS: 3600, dryRun: true }],
  ["POST suspend", { target: "freeze", wake: "none", dryRun: true, force: true }],
  ["POST suspend", { target: "mem", until: "soon" }],
  ["POST suspend", { target: "mem" }],
  ["POST resumed"],
  ["POST resumed", {}],
  ["POST reload", { dryRun: true }],
  ["POST reload"],
  ["DELETE vms/vm1"],
  ["DELETE vms/vm1"],
  ["PUT vms/vm1"],
  ["PUT vms/nobody"],
];

/** Returns the answers of a machine of separate clocks, and of one whose cores have two threads and which can sleep. */
export async function dump(): Promise<Readonly<Record<string, Dump>>> {
  return {
    "acpi-cpufreq-4cpu-2domains": await dumpOf("acpi-cpufreq-4cpu-2domains"),
    "intel-server-8cpu": await dumpOf("intel-server-8cpu"),
  };
}

async function dumpOf(tree: string): Promise<Dump> {
  const machine = makeMachine(tree);
  const guests = [new QemuSocket(`${machine.dir}/vm1.0`)];
  // A thread that can be pinned: the channel's other end is this process, whose threads the machine's /proc tells.
  const thread = Bun.spawn(["sleep", "600"]);
  const task = `${machine.tree.proc}/${process.pid}/task/${thread.pid}`;
  mkdirSync(task, { recursive: true });
  writeFileSync(`${task}/comm`, "CPU 0/KVM\n");
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(config, configOf(machine));
  const daemon = Bun.spawn(
    [process.execPath, MAIN, "run", "--dir", machine.dir, "--config", config, ...machine.roots],
    { stdout: "ignore", stderr: "ignore" },
  );
  try {
    return await asked(machine, guests);
  } finally {
    daemon.kill("SIGTERM");
    await daemon.exited;
    thread.kill();
    for (const guest of guests) guest.quit();
    machine.remove();
  }
}

const configOf = ({ tree }: Machine) => `
[pinning]
sources = ["static"]
[fifo]
enable = true
dir = "${tree.root}/fifo"
cpus = "1"
group = ""
[limits."0-3"]
ceiling = 2400000
[vm.vm1.pins]
0 = 2
1 = 3
[vm.vm2]
queries = true
[vm.vm2.pins]
0 = 0
[vm.vm2.policy]
type = "time"
timezone = "UTC"
default = "min"
windows = [{ from = "08:00", to = "20:00", level = "min" }]
[profile.cap.cpus.all]
ceiling = 2000000
`;

async function asked(machine: Machine, guests: QemuSocket[]): Promise<Dump> {
  const socket = `${machine.stateDir}/control.sock`;
  const says = async (path: string) =>
    await (await fetch(`http://powermon/v1/${path}`, { unix: socket })).text();
  await until("powermon answers", () => says("status").then(Boolean, () => false));
  const plain = (value: unknown): unknown => normalised(value, machine);
  const answers: Asked[] = [];
  const ask = async ([line, body]: Row) => {
    const [method = "", path = ""] = line.split(" ");
    const response = await fetch(`http://powermon/v1/${path}`, {
      method,
      unix: socket,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = plain(await response.json());
    answers.push({ asked: line, ...(body !== undefined && { body }), status: response.status, answer });
  };
  const connected = (channels: number) =>
    until(`${channels} channels are connected`, async () => {
      const text = await says("channels");
      return text.split('"state":"connected"').length === channels + 1;
    });
  await connected(1);
  const events: unknown[] = [];
  const stream = await fetch("http://powermon/v1/events", { unix: socket });
  const reading = (async () => {
    try {
      if (stream.body !== null)
        for await (const event of readEvents(stream.body)) events.push(plain(JSON.parse(event)));
    } catch {
      // The stream is ended below.
    }
  })();
  // One after the other, so that the host always lists them in this order.
  guests.push(new QemuSocket(`${machine.dir}/vm2.0`));
  await connected(2);
  const [vm1] = guests;
  await vm1?.ask(scale("max"));
  await vm1?.ask(scale("min", 1));
  await vm1?.ask(scale("max", 7));
  await until("the FIFO is there", () => existsSync(`${machine.tree.root}/fifo/fifo1`));
  const fifo = openSync(`${machine.tree.root}/fifo/fifo1`, constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fifo, '{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "MEDIUM"}}');
  closeSync(fifo);
  await until("its policy stands", async () => (await says("policies")).includes("/fifo1"));
  await ask(["PUT freq/3", { target: "min" }]);
  for (const row of READS) await ask(row);
  for (const row of DRY_RUNS) await ask(row);
  for (const row of CHANGES) {
    await ask(row);
    if (/^PUT vms\/vm1(\/channels\/0)?$/.test(row[0])) await connected(2);
  }
  await until("the last event came", () => JSON.stringify(events.at(-1)).includes("channel-connected"));
  await stream.body?.cancel().catch(() => {});
  await Promise.race([reading, Bun.sleep(100)]);
  return { answers, events };
}

const scale = (step: Step, vcpu = 0) =>
  encodeRequest({ kind: "scale", step, vcpu, vmName: "", physical: false }, "18.11");

const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** Returns `value` without times, process numbers and the names of folders, keys in the order of the alphabet. */
function normalised(value: unknown, machine: Machine): unknown {
  const text = JSON.stringify(value, (key, inner: unknown) => {
    if (key === "pid") return inner === process.pid ? "GUEST" : "PID";
    if (key === "uptimeS") return 0;
    if (key === "host" && inner === hostname()) return "HOST";
    if (key === "boot") return "BOOT";
    if (key === "eventId") return "BOOT-N";
    if (key === "n") return "N";
    if (key === "version" && inner === version) return "VERSION";
    return inner;
  });
  return JSON.parse(text.replaceAll(machine.tree.root, "ROOT").replaceAll(ISO, "TIME"));
}

if (import.meta.main) writeFileSync(GOLDEN, `${JSON.stringify(await dump(), null, 1)}\n`);
