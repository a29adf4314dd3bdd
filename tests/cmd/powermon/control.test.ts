import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../../internal/cli/command.ts";
import { no } from "../../../internal/values/answer.ts";
import { ok } from "../../../internal/values/result.ts";
import { serve } from "../../control/serve.ts";
import { until } from "../../helpers/until.ts";
import { busy } from "./busy.ts";
import { POWERMON } from "../../../cmd/powermon/commands.ts";
import { everyCommand, loadTree } from "../../../scripts/program-tree.ts";
import { call } from "./call.ts";
import { MAIN, run } from "./run.ts";

const it = await busy();
beforeEach(() => void (it.calls.length = 0));
afterAll(() => it[Symbol.dispose]());

const ask = (...words: readonly string[]) => call(...words, "--socket", it.socket);
/** Puts fixed words in place of this process's number, the machine's folder and the time of day. */
const plain = (text: string) =>
  text
    .replaceAll(String(process.pid), "PID")
    .replaceAll(it.lab.tree.root, "ROOT")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");

const COUNTS =
  "answered 0, noted 0, refused 1, failed 0, malformed 0, ignored 0, repliesDropped 0, connects 1, dropped 0, resyncs 0, discardedBytes 0";
const NO_COUNTS = COUNTS.replace("refused 1", "refused 0");
const MISNAMED =
  'The guest calls itself "vm2", but this channel belongs to VM "vm1"; give the guest the VM\'s own name, or none.';

const SETTINGS = `SETTING     VALUE                                            FROM
queries     off                                              default
turbo       on                                               default
floor       min                                              default
ceiling     2400000                                          flags
commands    up,down,max,min,turbo-on,turbo-off,policy,query  default
requests/s  any                                              default
burst       100                                              default
wire        auto                                             default
lease s     none                                             default
priority    normal                                           default`;

const FREQ_HEAD =
  "CPU  DOMAIN  DRIVER        GOVERNOR   TARGET kHz  KERNEL kHz  MIN     NOMINAL  MAX      OPERATOR";
const freqRow = (cpu: number, target: string, kernel: string, operator: string) =>
  `${cpu}    ${cpu}       acpi-cpufreq  userspace  ${target.padEnd(10)}  ${kernel.padEnd(10)}  800000  2600000  2600000  ${operator}`;

test.each([
  [
    ["status"],
    `powermon 1.2.3, process PID, up SECONDS
configuration    none, defaults alone
channel folders  ROOT/channels
state folder     /var/lib/powermon
cpufreq domains  4 (acpi-cpufreq)
VMs              2
channels         3 of 3 connected
claims           3
counts           received 4, done 3, ${COUNTS.replace("connects 1", "connects 3")}, drifts 0`,
  ],
  [
    ["vm", "list"],
    `VM   PID${" ".repeat(Math.max(0, String(process.pid).length - 3))}  CHANNELS  VCPUS  PLACED  QUERIES
vm1  PID  2         2      2       off
vm2  PID  1         1      0       off`,
  ],
  [
    ["vm", "show", "vm1"],
    `VM vm1, process PID, channels 0-1, counts: received 4, done 3, ${COUNTS.replace("connects 1", "connects 2")}

VCPU  PCPUS  SOURCE  DOMAINS  WISH kHz  TARGET kHz
0     2      static  2        2600000   2400000
1     3      static  3        800000    800000
vCPU 0 was last refused at TIME: ${MISNAMED}

${SETTINGS}`,
  ],
  [
    ["vm", "show", "vm2"],
    `VM vm2, process PID, channels 0, counts: received 0, done 0, ${NO_COUNTS}

VCPU  PCPUS  SOURCE  DOMAINS  WISH kHz  TARGET kHz
0     -      -       -        -         -
vCPU 0 of VM "vm2" has no known pCPU: no static pins for VM "vm2"

${SETTINGS.replace("2400000                                          flags", "max                                              default")}`,
  ],
  [["vm", "limits", "vm1"], SETTINGS],
  [
    ["channel", "list"],
    `VM   CHANNEL  STATE      REQUESTS  GENERATION  COUNTS${" ".repeat(`received 4, done 3, ${COUNTS}`.length - 6)}  PATH
vm1  0        connected  served    18.11       received 4, done 3, ${COUNTS}  ROOT/channels/vm1.0
vm1  1        connected  served    -           received 0, done 0, ${NO_COUNTS}  ROOT/channels/vm1.1
vm2  0        connected  served    -           received 0, done 0, ${NO_COUNTS}  ROOT/channels/vm2.0`,
  ],
  [
    ["policy", "list"],
    `VM   BY        TYPE      STANDS             VCPUS  WISHES  PROBLEM
vm1  operator  workload  in force           1      1 min   -
vm1  guest     workload  behind operator's  0      -       -
vm2  operator  time      in force           all    -       -`,
  ],
  [
    ["policy", "show", "vm1"],
    `vm1: workload policy of an operator, in force
vCPUs      1
turbo      as for scale requests
wishes     1 min
rule       always min

vm1: workload policy of the guest, behind operator's
vCPUs      0
turbo      as for scale requests
wishes     -
rule       always max`,
  ],
  [
    ["freq", "show", "0,2"],
    [FREQ_HEAD, freqRow(0, "-", "1200000", "-"), freqRow(2, "2400000", "2400000", "-")].join("\n"),
  ],
  [
    ["explain", "2"],
    `CPU 2 is set to 2400000 kHz because vCPU 0 of VM "vm1" wishes 2600000 kHz.
The wish was cut to 2400000 kHz by the VM's floor or ceiling.

CPU 2 is in domain 2 alone; driver acpi-cpufreq, governor userspace.
It goes from 800000 to 2600000 kHz, without turbo.
vCPU 0 of VM vm1 claims 2600000 kHz, which its limits make 2400000 kHz: it wins.
The site's limits: not above 2400000 kHz.
The VM's own limits clip the winner.
powermon told it 2400000 kHz; the kernel holds 2400000 kHz.
The kernel's limits on it now are 800000 to 2600000 kHz.
Last written at TIME.
Refused at TIME to vCPU 0 of vm1: ${MISNAMED}`,
  ],
] as const)("powermon %p shows what the host reports and changes nothing", async (words, out) => {
  const shown = await ask(...words);
  expect({ ...shown, out: plain(shown.out).replace(/up .*$/m, "up SECONDS") }).toEqual({
    status: 0,
    out,
    err: "",
  });
  expect(it.calls).toEqual([]);
});

test.each([
  ["acpi-cpufreq-boost-6.12", "800000 to 2600000 kHz, the highest being P0 and above, by hardware"],
  ["intel_pstate-turbo-off-bios-6.12", "800000 to 2400000 kHz, turbo is off"],
  ["amd-pstate-guided-6.12", "520000 to 2600000 kHz, 4313000 kHz with turbo"],
])("powermon explain says of %s what check says of its range", async (tree, range) => {
  using own = await serve({ tree });
  expect((await call("explain", "1", "--socket", own.socket)).out).toContain(`\nIt goes from ${range}.\n`);
});

test("powermon explain tells of turbo, of siblings' clocks and of an operator", async () => {
  using own = await serve({ tree: "intel-server-8cpu" });
  const told = async () => (await call("explain", "1", "--socket", own.socket)).out;
  expect(await told()).toContain("It goes from 800000 to 2400000 kHz, 3700000 kHz with turbo.");
  const set = await call("freq", "set", "1", "turbo-on", "--socket", own.socket);
  expect({ status: set.status, err: set.err }).toEqual({ status: 0, err: "" });
  expect(await told()).toContain("An operator claims 3700000 kHz with turbo: it wins.");
  expect(await told()).toMatch(/ It shares cores with domain \d\.$/m);
});

/** A host whose changes stand from one row to the next. */
/** Each setting of a VM as --reset says it. */
const UNSET = {
  queries: null,
  turbo: null,
  floor: null,
  ceiling: null,
  commands: null,
  requestsPerSecond: null,
  burst: null,
  wire: null,
  leaseS: null,
  priority: null,
};

let changed: Awaited<ReturnType<typeof busy>>;
beforeAll(async () => {
  changed = await busy();
});
beforeEach(() => void (changed.calls.length = 0));
afterAll(() => changed[Symbol.dispose]());
async function askChanged(...words: readonly string[]) {
  const done = await call(...words, "--socket", changed.socket);
  return { ...done, out: done.out.replaceAll(changed.lab.tree.root, "ROOT") };
}

test.each([
  [["vm", "remove", "vm1"], "vm1: removed", ["removeVm", { vm: "vm1" }]],
  [["vm", "add", "vm1"], "vm1: added", ["addVm", { vm: "vm1" }]],
  [
    ["vm", "query", "vm1", "on"],
    "vm1: queries on (until powermon restarts)",
    ["changeVm", { vm: "vm1", queries: true, save: false, dryRun: false }],
  ],
  [
    ["vm", "query", "vm1", "off", "--save"],
    "vm1: queries off (ROOT/state/powermon.d/saved.toml)",
    ["changeVm", { vm: "vm1", queries: false, save: true, dryRun: false }],
  ],
  [
    [
      "vm",
      "limits",
      "vm1",
      "--floor",
      "1200000",
      "--ceiling",
      "base",
      "--turbo",
      "off",
      "--rate=0",
      "--save",
    ],
    /^turbo +off +ROOT.*\nfloor +1200000 +ROOT/m,
    [
      "changeVm",
      {
        vm: "vm1",
        floor: 1200000,
        ceiling: "base",
        turbo: false,
        requestsPerSecond: 0,
        save: true,
        dryRun: false,
      },
    ],
  ],
  [
    ["vm", "limits", "vm1", "--rate", "1000", "--burst", "50"],
    /^requests\/s +1000 +runtime\nburst +50 +runtime$/m,
    ["changeVm", { vm: "vm1", requestsPerSecond: 1000, burst: 50, save: false, dryRun: false }],
  ],
  [
    ["channel", "remove", "vm1", "0-1"],
    "vm1: channels 0-1 removed",
    ["removeChannels", { vm: "vm1", channels: [0, 1] }],
  ],
  [
    ["channel", "add", "vm1", "0-1"],
    /^vm1  0 .*\nvm1  1 .*\/vm1\.1$/m,
    ["addChannels", { vm: "vm1", channels: [0, 1] }],
  ],
  [
    ["channel", "disable", "vm1", "all"],
    "vm1: all channels disabled",
    ["enableChannels", { vm: "vm1", channels: "all", enabled: false }],
  ],
  [
    ["channel", "enable", "vm1", "1"],
    "vm1: channels 1 enabled",
    ["enableChannels", { vm: "vm1", channels: [1], enabled: true }],
  ],
  [
    ["freq", "set", "1", "max"],
    `${FREQ_HEAD}\n${freqRow(1, "2600000", "2600000", "claims it")}`,
    ["setFreq", { cpus: [1], target: "max" }],
  ],
  [
    ["freq", "set", "1", "1800000"],
    `${FREQ_HEAD}\n${freqRow(1, "1800000", "1800000", "claims it")}`,
    ["setFreq", { cpus: [1], target: 1800000 }],
  ],
  [
    ["freq", "release", "1"],
    `${FREQ_HEAD}\n${freqRow(1, "-", "800000", "-")}`,
    ["releaseFreq", { cpus: [1] }],
  ],
  [
    ["policy", "remove", "vm1"],
    "vm1: operator's policy removed",
    ["removePolicy", { vm: "vm1", save: false }],
  ],
  [
    ["policy", "remove", "vm2", "--save"],
    "vm2: operator's policy removed",
    ["removePolicy", { vm: "vm2", save: true }],
  ],
  [
    ["vm", "limits", "vm1", "--floor", "min", "--rate", "7", "--dry-run"],
    /^vm1: floor 1200000 \(ROOT.*\) -> min \(runtime\)\nvm1: requests\/s 1000 \(runtime\) -> 7 \(runtime\)$/,
    ["changeVm", { vm: "vm1", floor: "min", requestsPerSecond: 7, save: false, dryRun: true }],
  ],
  [
    ["reload"],
    "Reloaded: ROOT/state/powermon.d/saved.toml\nNo setting differs from those in force.\nvm1: requestsPerSecond, burst changed at run time, and above the files; powermon vm limits vm1 --reset ends that",
    ["reload", { dryRun: false }],
  ],
  [
    ["vm", "limits", "vm1", "--commands", "max,query", "--lease", "60", "--wire", "18.11"],
    /^commands +max,query +runtime\n(.*\n)*wire +18.11 +runtime\nlease s +60 +runtime$/m,
    [
      "changeVm",
      { vm: "vm1", commands: ["max", "query"], leaseS: 60, wire: "18.11", save: false, dryRun: false },
    ],
  ],
  [
    ["vm", "limits", "vm1", "--commands", "none", "--dry-run"],
    "vm1: commands max,query (runtime) -> none (runtime)",
    ["changeVm", { vm: "vm1", commands: [], save: false, dryRun: true }],
  ],
  [
    ["vm", "limits", "vm1", "--reset"],
    /^requests\/s +any +ROOT.*\nburst +\d+ +default$/m,
    ["changeVm", { vm: "vm1", ...UNSET, save: false, dryRun: false }],
  ],
  [
    ["reload"],
    "Reloaded: ROOT/state/powermon.d/saved.toml\nNo setting differs from those in force.",
    ["reload", { dryRun: false }],
  ],
  [
    ["reload", "--dry-run"],
    "Would reload: ROOT/state/powermon.d/saved.toml\nNo setting differs from those in force.",
    ["reload", { dryRun: true }],
  ],
] as const)("powermon %p makes its one change and says so", async (words, out, made) => {
  const done = await askChanged(...words);
  expect({ ...done, out: "" }).toEqual({ status: 0, out: "", err: "" });
  if (typeof out === "string") expect(done.out).toBe(out);
  else expect(done.out).toMatch(out);
  expect(JSON.parse(JSON.stringify(changed.calls))).toEqual([made]);
});

test("powermon vm pin says where the vCPU is then", async () => {
  using own = await serve({
    guests: ["vm1.0"],
    rows: ({ vms }) => ({
      pinVcpu: ({ vcpu, pcpus }) => ok({ ...(vms().value[0]?.vcpus[0] ?? NO_VCPU), vcpu, pcpus }),
    }),
  });
  expect(await call("vm", "pin", "vm1", "1", "2-3", "--socket", own.socket)).toEqual({
    status: 0,
    out: "vm1: vCPU 1 is on pCPU 2-3 (static)",
    err: "",
  });
  expect(own.calls).toEqual([["pinVcpu", { vm: "vm1", vcpu: 1, pcpus: [2, 3] }]]);
});
const NO_VCPU = { vcpu: 0, pcpus: [], domains: [] };

const LISTS = "must be a list of channel numbers from 0 to 1023 such as 0-3,5, or all";

test.each([
  [["vm", "show", "nobody"], 2, 'There is no VM "nobody"; there are vm1, vm2.'],
  [["vm", "show", "toString"], 2, 'There is no VM "toString"; there are vm1, vm2.'],
  [["vm", "add", "web.1"], 2, undefined],
  [["vm", "pin", "vm1", "9", "1"], 2, 'VM "vm1" has no vCPU 9 that is known of.'],
  [["freq", "set", "0", "turbo-on"], 5, "CPU 0 has no turbo frequencies."],
  [["freq", "show", "7"], 2, "CPU 7 is not there; this machine has CPUs 0-3."],
  [["explain", "7"], 2, "CPU 7 is not there; this machine has CPUs 0-3."],
  [["policy", "show", "vm3"], 2, 'VM "vm3" has no policy.'],
  [["policy", "remove", "vm3"], 2, 'VM "vm3" has no operator\'s policy.'],
  [
    ["policy", "show", "/fifo2"],
    2,
    'powermon: VM must be a VM\'s name, without "/" and control characters, not "/fifo2".',
  ],
  [["policy", "set", "vm1"], 2, "powermon: --file is missing; it needs FILE."],
  [["policy", "set", "vm1", "--file", ""], 2, undefined],
  [["policy", "drop", "vm1"], 2, undefined],
  [["vm"], 2, undefined],
  [
    ["vm", "toString"],
    2,
    'powermon: unknown command "vm toString"; the commands are list, show, add, remove, pin, query, limits, metadata.',
  ],
  [["vm", "show"], 2, "powermon: VM is missing; it is the VM's name."],
  [
    ["vm", "show", "a/b"],
    2,
    'powermon: VM must be a VM\'s name, without "/" and control characters, not "a/b".',
  ],
  [
    ["vm", "show", ".."],
    2,
    'powermon: VM must be a VM\'s name, without "/" and control characters, not "..".',
  ],
  [["vm", "query", "vm1", "maybe"], 2, 'powermon: QUERIES must be one of on, off, not "maybe".'],
  [["vm", "pin", "vm1", "x", "1"], 2, 'powermon: VCPU must be a whole number from 0 to 4095, not "x".'],
  [["vm", "pin", "vm1", "0", "3-1"], 2, undefined],
  [
    ["vm", "limits", "vm1", "--floor", "fast"],
    2,
    'powermon: --floor must be min, base, max or kHz (10000 to 20000000), not "fast".',
  ],
  [
    ["vm", "limits", "vm1", "--floor", "1"],
    2,
    'powermon: --floor must be min, base, max or kHz (10000 to 20000000), not "1".',
  ],
  [["vm", "limits", "vm1", "--turbo", "yes"], 2, 'powermon: --turbo must be one of on, off, not "yes".'],
  [
    ["vm", "limits", "vm1", "--commands", "max,fly"],
    2,
    'powermon: --commands must be none, or some of up, down, max, min, turbo-on, turbo-off, policy, query, with commas, not "max,fly".',
  ],
  [["vm", "limits", "vm1", "--wire", "19"], 2, undefined],
  [
    ["vm", "limits", "vm1", "--lease", "86401"],
    2,
    'powermon: --lease must be a whole number from 0 to 86400, not "86401".',
  ],
  [
    ["vm", "limits", "vm1", "--burst", "0"],
    2,
    'powermon: --burst must be a whole number from 1 to 1000000, not "0".',
  ],
  [
    ["vm", "limits", "vm1", "--save"],
    2,
    "powermon: --save has nothing to save; name a limit, such as --ceiling base.",
  ],
  [
    ["vm", "limits", "vm1", "--dry-run"],
    2,
    "powermon: --dry-run has nothing to try; name a limit, such as --ceiling base.",
  ],
  [
    ["vm", "limits", "vm1", "--reset", "--floor", "min"],
    2,
    "powermon: --reset ends all changes; give it without a limit.",
  ],
  [["channel", "add", "vm1", "0-1024"], 2, `powermon: CHANNELS ${LISTS}, not "0-1024".`],
  [["channel", "add", "vm1", "some"], 2, `powermon: CHANNELS ${LISTS}, not "some".`],
  [["channel", "add", "vm1"], 2, "powermon: CHANNELS is missing; it needs LIST|all."],
  [["freq", "set", "all", "max"], 2, undefined],
  [
    ["freq", "set", "0", "9"],
    2,
    'powermon: TARGET must be up, down, max, min, turbo-on, turbo-off or kHz (10000 to 20000000), not "9".',
  ],
  [["freq", "set", "2"], 2, "powermon: TARGET is missing; it needs up|down|max|min|turbo-on|turbo-off|kHz."],
  [["freq", "release"], 2, "powermon: CPUS is missing; it needs CPULIST|all."],
  [["explain", "-1"], 2, 'powermon: CPU must be a whole number from 0 to 8191, not "-1".'],
  [["events", "--follow", "--count", "1"], 2, "powermon: --follow and --count exclude each other."],
  [["status", "now"], 2, 'powermon: stray word "now"; no words are wanted here.'],
  [["status", "--jsno"], 2, 'powermon: unknown flag "--jsno"; did you mean --json?'],
] as const)("powermon %p changes nothing and ends with status %d", async (words, status, err) => {
  const done = await ask(...words);
  expect(done).toMatchObject({ status, out: "" });
  if (err === undefined) expect(done.err).not.toBe("");
  else expect(done.err).toBe(err);
  if (done.err.startsWith("powermon: ")) expect(it.calls).toEqual([]);
});

test("powermon COMMAND --json prints what the server answered, errors too", async () => {
  const as = (value: unknown) => JSON.parse(JSON.stringify(value));
  const { asks } = it;
  const shown = async (...words: readonly string[]) => JSON.parse((await ask(...words, "--json")).out);
  expect(await shown("status")).toEqual({ ...as(asks.status().value), uptimeS: expect.any(Number) });
  expect(await shown("vm", "list")).toEqual(as(asks.vms().value));
  expect(await shown("channel", "list")).toEqual(as(asks.channels().value));
  expect(await shown("policy", "list")).toEqual(as(asks.policies().value));
  expect(await shown("policy", "show", "vm1")).toEqual(as(asks.policies().value.slice(0, 2)));
  expect(await shown("policy", "set", "vm1", "--file", "/dev/null")).toMatchObject({
    error: { code: "invalid" },
  });
  expect(await shown("channel", "enable", "vm1", "0")).toEqual({ done: true });
  const none = await ask("vm", "show", "vm9", "--json");
  expect(none).toMatchObject({ status: 2, err: "" });
  expect(JSON.parse(none.out)).toEqual({
    error: { code: "not-found", message: 'There is no VM "vm9"; there are vm1, vm2.' },
  });
});

test.each([
  ["not-found", 2],
  ["invalid", 2],
  ["refused", 3],
  ["failed", 1],
  ["unsupported", 5],
  ["busy", 1],
] as const)("powermon COMMAND ends for %s with status %d and the sentence", async (code, status) => {
  using own = await serve({ rows: () => ({ reload: () => no(code, "So it is.") }) });
  expect(await call("reload", "--socket", own.socket)).toEqual({ status, out: "", err: "So it is." });
});

test("powermon COMMAND ends with 4 when nobody answers, naming the socket", async () => {
  expect(await call("status", "--socket", "/nowhere/x.sock")).toEqual({
    status: 4,
    out: "",
    err: "powermon does not answer on /nowhere/x.sock (ENOENT); is it running?",
  });
});

test("powermon events prints as many as asked for, as text or as a line of JSON each", async () => {
  const withdrawn = (vcpu?: number) =>
    it.lab.host.events.emit("claim-withdrawn", { vm: "my vm", vcpu, message: "moved" });
  const text = ask("events", "--count", "2");
  await until("it listens", () => it.listeners.size === 1);
  withdrawn();
  withdrawn(1);
  expect(plain((await text).out)).toBe(
    'TIME claim-withdrawn vm="my vm" message=moved\nTIME claim-withdrawn vm="my vm" vcpu=1 message=moved',
  );
  await until("nobody listens", () => it.listeners.size === 0);
  const one = ask("events", "--json");
  await until("it listens", () => it.listeners.size === 1);
  withdrawn();
  expect(JSON.parse((await one).out)).toEqual({
    at: expect.any(String),
    event: "claim-withdrawn",
    boot: it.lab.host.events.boot,
    n: it.lab.host.events.last,
    vm: "my vm",
    message: "moved",
  });
});

test("powermon events --follow ends with 4 when powermon ends", async () => {
  using own = await serve();
  const follow = run("events", "--follow", "--socket", own.socket);
  await until("it listens", () => own.listeners.size === 1);
  own.lab.host.events.emit("vm-changed", { vm: "vm1" });
  own.server.stop();
  const { status, out, err } = await follow;
  expect({ status, out: plain(out), err }).toEqual({
    status: 4,
    out: "TIME vm-changed vm=vm1",
    err: `powermon on ${own.socket} ended the stream of events.`,
  });
});

test("powermon's executable ends with the command's status", async () => {
  expect((await run("status", "--socket", it.socket)).out).toStartWith(
    `powermon 1.2.3, process ${process.pid}, up `,
  );
  expect((await run("vm", "show", "vm9", "--socket", it.socket)).status).toBe(2);
});

const FOLDERS = ["", "vm", "policy"];
const files = await Promise.all(
  FOLDERS.flatMap((folder) =>
    readdirSync(join(MAIN, "../powermon", folder))
      .filter((file) => file.endsWith(".ts"))
      .map(async (file) => {
        const module: { default?: Command } = await import(join(MAIN, "../powermon", folder, file));
        return [[folder, file.slice(0, -3)].filter((word) => word !== "").join(" "), module.default] as const;
      }),
  ),
);

test.each(files.flatMap(([path, command]) => (command === undefined ? [] : [[path, command] as const])))(
  "powermon %s can be called by its file's name",
  async (path, command) => {
    expect(path.split(" ").at(-1)).toBe(command.meta.name.replace(/^__/, ""));
    const words = [...path.split(" ").slice(0, -1), command.meta.name];
    const { status, out } = await call(...words, "--help");
    expect(status).toBe(0);
    expect(out).toStartWith(`powermon ${words.join(" ")}: ${command.meta.summary}\n`);
  },
);

const commands = everyCommand(await loadTree(POWERMON)).slice(1);

test.each(commands.map(({ words, ...command }) => [words.join(" "), words, command] as const))(
  "the help of powermon %s tells of every flag",
  async (_, words, { meta, args }) => {
    const { status, out } = await call(...words, "--help");
    expect(status).toBe(0);
    expect(out).toStartWith(`powermon ${words.join(" ")}: ${meta.summary}\n`);
    if (args === undefined) return;
    if (words[0] !== "profile") expect(out).toContain(`EXAMPLES\n\n  `);
    for (const def of Object.values(args)) {
      expect(def.description.length).toBeGreaterThan(5);
      expect(out.replace(/\s+/g, " ")).toContain(def.description);
    }
  },
);
