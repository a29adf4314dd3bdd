import { afterAll, beforeEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../../internal/cli/command.ts";
import { serve } from "../../control/serve.ts";
import { until } from "../../helpers/until.ts";
import { call } from "./call.ts";
import { MAIN, run } from "./run.ts";

let it = await serve();
beforeEach(async () => {
  it[Symbol.dispose]();
  it = await serve();
});
afterAll(() => it[Symbol.dispose]());

const ask = (...words: readonly string[]) => call(...words, "--socket", it.socket);

const STATUS_TEXT = `powermon 1.2.3, process 99, up 1 h 2 min
configuration     /etc/powermon/powermon.toml
channel folders   /run/powermon/channels
state folder      /var/lib/powermon
cpufreq policies  4 (acpi-cpufreq)
VMs               2
channels          2 of 3 connected
claims            1
counts            requests 7`;

const SETTINGS = `SETTING     VALUE    FROM
queries     off      default
turbo       on       /etc/powermon/powermon.toml
floor       min      default
ceiling     2400000  /etc/powermon/powermon.toml
commands    up,down  default
requests/s  0        default
burst       100      default
wire        auto     default
lease s     0        default`;

const FREQ_HEAD =
  "CPU  POLICY  DRIVER        GOVERNOR   TARGET kHz  KERNEL kHz  MIN      NOMINAL  MAX      OPERATOR";
const freqRow = (cpu: number, target: string, kernel: string, operator: string) =>
  `${cpu}    ${cpu}       acpi-cpufreq  userspace  ${target.padEnd(10)}  ${kernel}     1200000  2400000  2600000  ${operator}`;

test.each([
  [["status"], STATUS_TEXT],
  [
    ["vm", "list"],
    `VM   PID   CHANNELS  VCPUS  PLACED  QUERIES
vm1  4711  2         2      2       off
vm2  4711  1         1      0       off`,
  ],
  [
    ["vm", "show", "vm1"],
    `VM vm1, process 4711, channels 0-1, counts: requests 7, refused 1

VCPU  PCPUS  SOURCE  POLICIES  WISH kHz  TARGET kHz
0     2      proc    2         2600000   2400000
1     3      proc    3         -         -

${SETTINGS}`,
  ],
  [
    ["vm", "show", "vm2"],
    `VM vm2, process 4711, channels 0, counts: requests 7, refused 1

VCPU  PCPUS  SOURCE  POLICIES  WISH kHz  TARGET kHz
0     -      -       -         2600000   2400000
vCPU 0 has no known pCPU: no source knows it

${SETTINGS}`,
  ],
  [["vm", "limits", "vm1"], SETTINGS],
  [
    ["channel", "list"],
    `VM   CHANNEL  STATE      REQUESTS  GENERATION  COUNTS      PATH
vm1  0        connected  served    18.11       requests 3  /run/powermon/channels/vm1.0
vm1  1        connected  served    -           requests 3  /run/powermon/channels/vm1.1
vm2  0        connected  served    18.11       requests 3  /run/powermon/channels/vm2.0`,
  ],
  [
    ["policy", "list"],
    `VM   BY        TYPE      STANDS             VCPUS  WISHES  PROBLEM
vm1  operator  workload  in force           all    0 min   -
vm1  guest     traffic   behind operator's  0-1    -       nothing counts yet`,
  ],
  [
    ["policy", "show", "vm1"],
    `vm1: workload policy of an operator, in force
vCPUs      all
turbo      off
wishes     0 min
rule       {"type":"workload","workload":"low"}

vm1: traffic policy of the guest, behind operator's
vCPUs      0-1
turbo      max may be turbo
wishes     -
looks at   2026-01-02T03:04:00.000Z
packets/s  1234
problem    nothing counts yet
rule       {"type":"traffic"}`,
  ],
  [
    ["freq", "show", "0,2"],
    [FREQ_HEAD, freqRow(0, "-", "1200000", "-"), freqRow(2, "-", "1200000", "-")].join("\n"),
  ],
  [
    ["explain", "2"],
    `vCPU 0 of vm1 wishes 2600000 kHz.
The ceiling of vm1 clips it to 2400000 kHz.

CPU 2 is in policy 2 alone; driver acpi-cpufreq, governor userspace. It shares cores with policy 1.
It goes from 1200000 to 2400000 kHz, 2600000 kHz with turbo.
vCPU 0 of VM vm1 claims 2600000 kHz with turbo, which its limits make 2400000 kHz: it wins.
An operator claims 1200000 kHz with turbo, which its limits make 2400000 kHz.
The site's limits: not above 2500000 kHz.
The VM's own limits clip the winner.
powermon has set nothing here.
Last written at 2026-01-02T03:04:05.678Z.
Refused at 2026-01-02T03:04:05.678Z to vCPU 1 of vm1: Queries are off for vm1.`,
  ],
] as const)("powermon %p shows what the machine reports and changes nothing", async (words, out) => {
  expect(await ask(...words)).toEqual({ status: 0, out, err: "" });
  expect(it.machine.calls).toEqual([]);
});

test.each([
  [["vm", "add", "web.1"], "web.1: added", ["addVm", "web.1"]],
  [["vm", "remove", "vm1"], "vm1: removed", ["removeVm", "vm1"]],
  [["vm", "pin", "vm1", "1", "2-3"], "vm1: vCPU 1 is on pCPU 2-3 (proc)", ["pinVcpu", "vm1", 1, [2, 3]]],
  [
    ["vm", "query", "vm1", "on"],
    "vm1: queries on (until powermon restarts)",
    ["changeVm", "vm1", { queries: true }, false],
  ],
  [
    ["vm", "query", "vm1", "off", "--save"],
    "vm1: queries off (runtime)",
    ["changeVm", "vm1", { queries: false }, true],
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
    SETTINGS,
    ["changeVm", "vm1", { floor: 1200000, ceiling: "base", turbo: false, requestsPerSecond: 0 }, true],
  ],
  [
    ["vm", "limits", "vm1", "--rate", "1000", "--burst", "50"],
    SETTINGS,
    ["changeVm", "vm1", { requestsPerSecond: 1000, burst: 50 }, false],
  ],
  [
    ["channel", "remove", "vm1", "0-1,3"],
    "vm1: channels 0-1,3 removed",
    ["removeChannels", "vm1", [0, 1, 3]],
  ],
  [["channel", "enable", "vm1", "2"], "vm1: channels 2 enabled", ["enableChannels", "vm1", [2], true]],
  [
    ["channel", "disable", "vm1", "all"],
    "vm1: all channels disabled",
    ["enableChannels", "vm1", "all", false],
  ],
  [
    ["channel", "add", "vm1", "4"],
    `VM   CHANNEL  STATE      REQUESTS  GENERATION  COUNTS      PATH
vm1  4        connected  served    -           requests 3  /run/powermon/channels/vm1.4`,
    ["addChannels", "vm1", [4]],
  ],
  [
    ["freq", "set", "1", "max"],
    `${FREQ_HEAD}\n${freqRow(1, "2400000", "2400000", "claims it")}`,
    ["setFreq", [1], "max"],
  ],
  [
    ["freq", "set", "1", "1800000"],
    `${FREQ_HEAD}\n${freqRow(1, "1800000", "1800000", "claims it")}`,
    ["setFreq", [1], 1800000],
  ],
  [["freq", "release", "0"], `${FREQ_HEAD}\n${freqRow(0, "-", "1200000", "-")}`, ["releaseFreq", [0]]],
  [["policy", "remove", "vm1"], "vm1: operator's policy removed", ["removePolicy", "vm1", false]],
  [["policy", "remove", "vm1", "--save"], "vm1: operator's policy removed", ["removePolicy", "vm1", true]],
  [["reload"], "Reloaded: /etc/powermon/powermon.toml", ["reload"]],
] as const)("powermon %p makes its one change and says so", async (words, out, made) => {
  expect(await ask(...words)).toEqual({ status: 0, out, err: "" });
  expect(it.machine.calls).toEqual([made]);
});

const LISTS = "must be a list of channel numbers from 0 to 1023 such as 0-3,5, or all";

test.each([
  [["vm", "show", "nobody"], 1, 'There is no VM "nobody".'],
  [["vm", "show", "toString"], 1, 'There is no VM "toString".'],
  [["vm", "add", "full"], 1, "There is no room for another VM."],
  [["vm", "pin", "vm1", "9", "1"], 3, 'VM "vm1" has no vCPU 9.'],
  [["freq", "set", "0", "turbo-on"], 5, "CPU 0 has no turbo frequencies."],
  [["freq", "show", "7"], 1, "There is no CPU 7."],
  [["explain", "7"], 1, "There is no CPU 7."],
  [["policy", "show", "vm2"], 1, 'VM "vm2" has no policy.'],
  [["policy", "remove", "vm2"], 1, 'VM "vm2" has no operator\'s policy.'],
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
    'powermon: unknown command "vm toString"; the commands are list, show, add, remove, pin, query, limits.',
  ],
  [["vm", "show"], 2, "powermon: VM is missing; it needs VM."],
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
    ["vm", "limits", "vm1", "--burst", "0"],
    2,
    'powermon: --burst must be a whole number from 1 to 1000000, not "0".',
  ],
  [
    ["vm", "limits", "vm1", "--save"],
    2,
    "powermon: --save has nothing to save; name a limit, such as --ceiling base.",
  ],
  [["channel", "add", "vm1", "0-1024"], 2, `powermon: CHANNELS ${LISTS}, not "0-1024".`],
  [["channel", "add", "vm1", "some"], 2, `powermon: CHANNELS ${LISTS}, not "some".`],
  [["channel", "add", "vm1"], 2, "powermon: CHANNELS is missing; it needs LIST|ALL."],
  [["freq", "set", "all", "max"], 2, undefined],
  [
    ["freq", "set", "0", "9"],
    2,
    'powermon: TARGET must be up, down, max, min, turbo-on, turbo-off or kHz (10000 to 20000000), not "9".',
  ],
  [["freq", "release"], 2, "powermon: CPUS is missing; it needs CPULIST|ALL."],
  [["explain", "-1"], 2, 'powermon: CPU must be a whole number from 0 to 8191, not "-1".'],
  [["events", "--follow", "--count", "1"], 2, "powermon: --follow and --count exclude each other."],
  [["status", "now"], 2, 'powermon: stray word "now"; no words are wanted here.'],
  [["status", "--jsno"], 2, 'powermon: unknown flag "--jsno"; did you mean --json?'],
] as const)("powermon %p changes nothing and ends with status %d", async (words, status, err) => {
  const done = await ask(...words);
  expect(done).toMatchObject({ status, out: "" });
  if (err === undefined) expect(done.err).not.toBe("");
  else expect(done.err).toBe(err);
  if (status === 2) expect(it.machine.calls).toEqual([]);
});

test("powermon COMMAND --json prints what the server answered, errors too", async () => {
  const as = (value: unknown) => JSON.parse(JSON.stringify(value));
  const shown = await ask("status", "--json");
  expect(JSON.parse(shown.out)).toEqual(as(it.machine.status()));
  expect(JSON.parse((await ask("vm", "list", "--json")).out)).toEqual(as(it.machine.vms()));
  expect(JSON.parse((await ask("channel", "list", "--json")).out)).toEqual(as(it.machine.channels()));
  expect(JSON.parse((await ask("policy", "list", "--json")).out)).toEqual(as(it.machine.policies()));
  expect(JSON.parse((await ask("policy", "show", "vm1", "--json")).out)).toEqual(as(it.machine.policies()));
  expect(JSON.parse((await ask("vm", "add", "x", "--json")).out)).toEqual({ done: true });
  const no = await ask("vm", "show", "vm9", "--json");
  expect(no).toMatchObject({ status: 1, err: "" });
  expect(JSON.parse(no.out)).toEqual({ error: { code: "not-found", message: 'There is no VM "vm9".' } });
});

test("powermon COMMAND ends with 4 when nobody answers, naming the socket", async () => {
  expect(await call("status", "--socket", "/nowhere/x.sock")).toEqual({
    status: 4,
    out: "",
    err: "powermon does not answer on /nowhere/x.sock (ENOENT); is it running?",
  });
});

test("powermon events prints as many as asked for, as text or as a line of JSON each", async () => {
  const event = { at: "2026-01-02T03:04:05Z", event: "refused", vm: "my vm", vcpu: 0, why: undefined };
  const text = ask("events", "--count", "2");
  await until("it listens", () => it.machine.listeners.size === 1);
  it.machine.happen(event);
  it.machine.happen({ ...event, list: [1] });
  expect(await text).toEqual({
    status: 0,
    out: '2026-01-02T03:04:05Z refused vm="my vm" vcpu=0\n2026-01-02T03:04:05Z refused vm="my vm" vcpu=0 list=[1]',
    err: "",
  });
  await until("nobody listens", () => it.machine.listeners.size === 0);
  const one = ask("events", "--json");
  await until("it listens", () => it.machine.listeners.size === 1);
  it.machine.happen(event);
  expect(JSON.parse((await one).out)).toEqual(JSON.parse(JSON.stringify(event)));
});

test("powermon events --follow ends with 4 when powermon ends", async () => {
  const follow = run("events", "--follow", "--socket", it.socket);
  await until("it listens", () => it.machine.listeners.size === 1);
  it.machine.happen({ at: "2026-01-02T03:04:05Z", event: "vm-added", vm: "vm1" });
  it.server.stop();
  expect(await follow).toEqual({
    status: 4,
    out: "2026-01-02T03:04:05Z vm-added vm=vm1",
    err: `powermon on ${it.socket} ended the stream of events.`,
  });
});

test("powermon's executable ends with the command's status", async () => {
  expect((await run("status", "--socket", it.socket)).out).toBe(STATUS_TEXT);
  expect((await run("vm", "pin", "vm1", "9", "1", "--socket", it.socket)).status).toBe(3);
});

const FOLDERS = ["", "vm", "channel", "freq", "policy"];
const commands = await Promise.all(
  FOLDERS.flatMap((folder) =>
    readdirSync(join(MAIN, "../powermon", folder))
      .filter((file) => file.endsWith(".ts"))
      .map(async (file) => {
        const module: { default?: Command } = await import(join(MAIN, "../powermon", folder, file));
        return [[folder, file.slice(0, -3)].filter((word) => word !== "").join(" "), module.default] as const;
      }),
  ),
);

test.each(commands.flatMap(([path, command]) => (command === undefined ? [] : [[path, command] as const])))(
  "powermon %s can be called by its file's name, and its help tells of every flag",
  async (path, command) => {
    expect(path.split(" ").at(-1)).toBe(command.meta.name.replace(/^__/, ""));
    const words = [...path.split(" ").slice(0, -1), command.meta.name];
    const { status, out } = await call(...words, "--help");
    expect(status).toBe(0);
    expect(out).toStartWith(`powermon ${words.join(" ")}: ${command.meta.summary}\n`);
    if ("commands" in command) return;
    if (!command.meta.name.startsWith("__")) expect(out).toContain(`EXAMPLES\n\n  `);
    for (const def of Object.values(command.args)) {
      expect(def.description.length).toBeGreaterThan(5);
      expect(out.replace(/\s+/g, " ")).toContain(def.description);
    }
  },
);
